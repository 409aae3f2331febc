"""Computing the value of an expression.

Rule 1: an expression is a pure function of the names it is given; it has no clock and no I/O.
Rule 2: what has no value raises. The library answers a missing key with a value of type error; here
that is MW144, so that no condition is ever decided by an error.
Rule 3: work is bounded before it begins. The library stops after 10,000 iterations and at a nesting
of 32, but its `map` and `filter` take quadratic time, it cuts texts at a NUL, and deep values end the
process. So sources, nesting, lists and texts have limits (the constants below). Loops inside of `all`
and `exists` get 10,000 iterations for each item of the outer list (`runbook.cel.loops`).

Types are checked when a runbook is linted (`runbook.cel.types`); here names are found and values computed.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from cel_expr_python import cel  # type: ignore[import-untyped]  # has stubs but no py.typed in 0.1.3

from midwatch.runbook.cel.cost import (
    COMPREHENSION_DEPTH_MAX,
    GROWTH_MAX,
    comprehension_depth,
    goes_over_texts,
    growth,
)
from midwatch.runbook.cel.library import environment
from midwatch.runbook.cel.loops import Runner, Skeleton, skeleton_of
from midwatch.runbook.cel.syntax import (
    Call,
    Comprehension,
    Const,
    Ident,
    Node,
    Select,
    children,
    serialized,
    tree_from,
)
from midwatch.runbook.errors import (
    EvaluationError,
    ExpressionError,
    ExpressionSyntaxError,
    ExpressionTooCostlyError,
    NotBooleanError,
    UnknownNameError,
)

SOURCE_CHARACTERS_MAX = 2_000
LIST_ITEMS_MAX = 2_000
"""Of any list that an expression with `map`, `filter`, `all` or `exists` reads: 0.3 s at most."""
SCOPE_CHARACTERS_MAX = 4_000_000
LOOPED_CHARACTERS_MAX = 100_000
"""That an expression reads which goes through texts in a loop: a second or two at most."""
RESULT_VALUES_MAX = 200_000
RESULT_CHARACTERS_MAX = 4_000_000
DEPTH_MAX = 64
_INTEGER_MAX = 2**63 - 1
_CACHE_SIZE = 4_096

_ENV = environment()
_REPORT = re.compile(r"ERROR: <input>:(?P<line>-?\d+):(?P<column>-?\d+): (?P<sentence>.*)")
_NAMELESS = re.compile(r'No value with name "([^"]*)" found')
_STATUS = re.compile(r"^[A-Z_]+: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """An expression that was read: its tree, what it needs, and how to compute it."""

    source: str
    tree: Node
    names: frozenset[str]
    """`task.field`, or a root name alone where it is used as a whole."""
    path: tuple[str, ...]
    """The fields of a plain path such as `measure.apps`, else empty; read without the library."""
    has_comprehension: bool
    goes_over_texts: bool
    skeleton: Skeleton | None
    """Where loops hold loops."""
    program: cel.Expression
    roots: frozenset[str]
    """The names it needs in scope."""


@lru_cache(maxsize=_CACHE_SIZE)
def parsed(source: str) -> Parsed:
    """Return the expression in `source`, within all limits; kept for the next time.

    Raises:
        ExpressionSyntaxError: MW140, it is not CEL.
        ExpressionTooCostlyError: MW143, it is beyond a limit.
    """
    if len(source) > SOURCE_CHARACTERS_MAX:
        raise ExpressionTooCostlyError(
            f"an expression has {len(source)} characters, more than {SOURCE_CHARACTERS_MAX}",
            source=source[:80] + "…",
        )
    _check_text(source, source=source[:80])
    try:
        program = _ENV.compile(source, disable_check=True)
    except RuntimeError as error:
        raise _syntax_error(source, str(error)) from None
    tree = tree_from(program.serialize())
    depth = comprehension_depth(tree)
    if depth > COMPREHENSION_DEPTH_MAX:
        raise ExpressionTooCostlyError(
            f"the expression `{source}` nests {depth} loops, more than {COMPREHENSION_DEPTH_MAX}",
            source=source,
        )
    if growth(tree, {}) > GROWTH_MAX:
        raise ExpressionTooCostlyError(
            f"the expression `{source}` may blow its input up more than {GROWTH_MAX} times", source=source
        )
    names = frozenset(_names(tree, frozenset()))
    return Parsed(
        source=source,
        tree=tree,
        names=names,
        roots=frozenset(name.partition(".")[0] for name in names),
        path=_path(tree),
        has_comprehension=depth > 0,
        goes_over_texts=goes_over_texts(tree),
        skeleton=skeleton_of(tree) if depth > 1 else None,
        program=program,
    )


def free_names(source: str) -> frozenset[str]:
    """Return what the expression reads: `task.field`, or a root name where it is used as a whole.

    Variables of `all`, `exists`, `filter` and `map` are not among them.

    Raises:
        ExpressionError: MW140 or MW143.
    """
    return parsed(source).names


def evaluate(source: str, scope: Mapping[str, object]) -> object:
    """Return the value of an expression as plain JSON: dict, list, str, int, float, bool or None.

    Args:
        source: CEL.
        scope: the values of the root names; only those that the expression reads are looked at.

    Raises:
        ExpressionError: MW140 (not CEL), MW142 (a name is not in scope), MW143 (beyond a limit),
            MW144 (no value: a missing field, a division by zero, a result that is not JSON).
    """
    expression = parsed(source)
    if expression.path:
        return _followed(expression, scope)
    has_loop = expression.has_comprehension
    budget = _Budget(
        source=source,
        lists_max=LIST_ITEMS_MAX if has_loop else RESULT_VALUES_MAX,
        characters_max=LOOPED_CHARACTERS_MAX
        if has_loop and expression.goes_over_texts
        else SCOPE_CHARACTERS_MAX,
    )
    data = {root: budget.admitted(scope[root], 0) for root in expression.roots if root in scope}
    if expression.skeleton is None:
        return _computed(source, expression.program, data)
    runner = Runner(source=source, compute=lambda node, scope: _computed(source, _program(node.raw), scope))
    return runner.value(expression.skeleton, data)


def evaluate_bool(source: str, scope: Mapping[str, object]) -> bool:
    """Return whether a condition holds.

    Raises:
        ExpressionError: as `evaluate`, and MW145 where the value is neither true nor false.
    """
    value = evaluate(source, scope)
    if not isinstance(value, bool):
        raise NotBooleanError(
            f"the condition `{source}` gave {type(value).__name__}, not true or false", source=source
        )
    return value


def _computed(source: str, program: cel.Expression, data: Mapping[str, object]) -> object:
    try:
        value = program.eval(data=data)
    except RuntimeError as error:
        sentence = _STATUS.sub("", str(error).partition(" [")[0])
        if "budget" in sentence:
            raise ExpressionTooCostlyError(
                f"the expression `{source}` was stopped: {sentence}", source=source
            ) from None
        raise EvaluationError(f"the expression `{source}` has no value: {sentence}", source=source) from None
    return _Result(source=source, known=tuple(data)).plain(value, 0)


@lru_cache(maxsize=_CACHE_SIZE)
def _program(raw: bytes) -> cel.Expression:
    return _ENV.deserialize(serialized(raw))


def _followed(expression: Parsed, scope: Mapping[str, object]) -> object:
    value: object = scope
    for depth, name in enumerate(expression.path):
        if not isinstance(value, Mapping) or name not in value:
            if depth == 0:
                raise _unknown(expression.source, name, scope)
            path = ".".join(expression.path[: depth + 1])
            raise EvaluationError(
                f"the expression `{expression.source}` has no value: no `{path}`", source=expression.source
            )
        value = value[name]
    return value


# ------------------------------------------------------------------------------------ what it reads


def _path(node: Node) -> tuple[str, ...]:
    match node:
        case Ident(name=name) if "@" not in name:
            return (name,)
        case Select(operand=operand, field=name, is_test=False):
            above = _path(operand)
            return (*above, name) if above else ()
        case _:
            return ()


def _names(node: Node, bound: frozenset[str]) -> set[str]:
    match node:
        case Ident(name=name):
            return set() if name in bound else {name}
        case Select(operand=Ident(name=root), field=name) if root not in bound:
            return {f"{root}.{name}"}
        case Call(function="_[_]" | "_?._" | "_[?_]", args=(Ident(name=root), Const(value=str(name)))) if (
            root not in bound
        ):
            return {f"{root}.{name}"}
        case Comprehension():
            inner = bound | {node.variable, node.accumulator}
            found = _names(node.over, bound) | _names(node.start, bound)
            return found.union(*(_names(part, inner) for part in (node.condition, node.step, node.result)))
        case _:
            return set().union(*(_names(child, bound) for child in children(node)))


# --------------------------------------------------------------------------------------- what it reads in


def _check_text(text: str, *, source: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ExpressionTooCostlyError(
                f"a text that `{source}` reads is not Unicode", source=source
            ) from None


@dataclass(slots=True, kw_only=True)
class _Budget:
    """Copies what an expression reads, as far as the limits allow."""

    source: str
    lists_max: int
    characters_max: int
    characters: int = 0

    def admitted(self, value: object, depth: int) -> object:
        if depth > DEPTH_MAX:
            raise self._too_much(f"values nested deeper than {DEPTH_MAX}")
        match value:
            case str():
                self._count(value)
                return value
            case None | bool() | float():
                return value
            case int():
                if not -_INTEGER_MAX <= value <= _INTEGER_MAX:
                    raise self._too_much(f"the integer {value}")
                return value
            case Mapping():
                for key in value:
                    if not isinstance(key, str):
                        raise self._too_much(f"a key that is not a text: {key!r}")
                    self._count(key)
                return {key: self.admitted(item, depth + 1) for key, item in value.items()}
            case list() | tuple():
                if len(value) > self.lists_max:
                    raise self._too_much(f"a list of {len(value)} items, more than {self.lists_max}")
                return [self.admitted(item, depth + 1) for item in value]
            case _:
                raise self._too_much(f"a {type(value).__name__}, which is no JSON value")

    def _count(self, text: str) -> None:
        if "\0" in text:  # the library would read it up to there
            raise self._too_much("a text that holds a NUL character")
        _check_text(text, source=self.source)
        self.characters += len(text)
        if self.characters > self.characters_max:
            raise self._too_much(f"more than {self.characters_max} characters")

    def _too_much(self, what: str) -> ExpressionError:
        return ExpressionTooCostlyError(f"the expression `{self.source}` reads {what}", source=self.source)


@dataclass(slots=True, kw_only=True)
class _Result:
    """Turns the library's value into plain JSON, as far as the limits allow."""

    source: str
    known: Iterable[str] = ()
    values: int = 0
    characters: int = 0

    def plain(self, value: cel.Value, depth: int) -> object:
        try:
            inner = value.value()
        except TypeError:
            raise self._no_json("an optional") from None
        if value.type() == cel.Type.ERROR:
            nameless = _NAMELESS.search(str(inner))
            if nameless:
                raise _unknown(self.source, nameless[1], self.known)
            raise EvaluationError(
                f"the expression `{self.source}` has no value: {_STATUS.sub('', str(inner))}",
                source=self.source,
            )
        self._count(inner, depth)
        match inner:
            case None | bool() | str():
                return inner
            case int():
                return inner
            case float():
                if not math.isfinite(inner):
                    raise EvaluationError(f"the expression `{self.source}` gave {inner}", source=self.source)
                return inner
            case list():
                return [self.plain(item, depth + 1) for item in inner]
            case dict():
                return {self._key(key): self.plain(item, depth + 1) for key, item in inner.items()}
            case _:
                raise self._no_json(f"a {value.type().name().lower()}")

    def _no_json(self, what: str) -> ExpressionError:
        return EvaluationError(
            f"the expression `{self.source}` gave {what}, which is no JSON value", source=self.source
        )

    def _key(self, key: object) -> str:
        if not isinstance(key, str):
            raise EvaluationError(
                f"the expression `{self.source}` gave the key {key!r}, which is no text", source=self.source
            )
        return key

    def _count(self, inner: object, depth: int) -> None:
        self.values += 1
        self.characters += len(inner) if isinstance(inner, str) else 0
        if self.values > RESULT_VALUES_MAX or self.characters > RESULT_CHARACTERS_MAX or depth > DEPTH_MAX:
            raise ExpressionTooCostlyError(
                f"the expression `{self.source}` gave too large a value", source=self.source
            )


# ------------------------------------------------------------------------------------------- errors


def _unknown(source: str, name: str, known: Iterable[str]) -> ExpressionError:
    return UnknownNameError(
        f"the expression `{source}` reads `{name}`, which has no value here",
        source=source,
        name=name,
        known=", ".join(sorted(known)) or "nothing",
        hint="",
    )


def _syntax_error(source: str, report: str) -> ExpressionError:
    found = _REPORT.search(report)
    sentence = found["sentence"].removeprefix("Syntax error: ") if found else report
    sentence = sentence.partition(" expecting {")[0].removesuffix(" [INVALID_ARGUMENT]")
    if "recursion" in report or "codepoint" in report:
        return ExpressionTooCostlyError(
            f"the expression `{source[:80]}` is nested too deeply", source=source[:80]
        )
    column = max(0, int(found["column"]) - 1) if found else 0
    return ExpressionSyntaxError(
        f"the expression `{source}` is not CEL: {sentence}", source=source, offset=column
    )
