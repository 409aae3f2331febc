"""Reading a mapping key by key: what is asked for is known, what is left over is a mistake."""

import re
from collections.abc import Mapping as AnyMapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from midwatch.base.errors import MidwatchError
from midwatch.base.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, DurationMs, MicroUsd
from midwatch.runbook.cel.schema import schema_fault
from midwatch.runbook.cel.types import did_you_mean
from midwatch.runbook.errors import MissingKeyError, SchemaError, UnknownKeyError, WrongValueError
from midwatch.runbook.model import At
from midwatch.runbook.source import Finding, Source, Span
from midwatch.runbook.yaml import Mapping, Scalar, Sequence, Tree, plain

E = TypeVar("E", bound=StrEnum)

DURATION_MS_MAX = 366 * DAY_MS
USD_MAX = 1_000_000
TEXT_CHARACTERS_MAX = 10_000
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_DURATION = re.compile(
    r"(?:(?P<d>\d{1,6})d)?(?:(?P<h>\d{1,6})h)?(?:(?P<m>\d{1,6})m)?(?:(?P<s>\d{1,8})s)?(?:(?P<ms>\d{1,10})ms)?"
)
_UNITS_MS = {"d": DAY_MS, "h": HOUR_MS, "m": MINUTE_MS, "s": SECOND_MS, "ms": 1}


def duration_ms(text: str) -> int | None:
    """Return the milliseconds of a duration as it is written, or None where it is none."""
    found = _DURATION.fullmatch(text) if text else None
    if found is None:
        return None
    return sum(int(number) * _UNITS_MS[unit] for unit, number in found.groupdict().items() if number)


class Fields:
    """A mapping that is being read.

    `what` names it in findings: "the header", "task measure".
    """

    def __init__(self, *, source: Source, tree: Mapping, findings: list[Finding], what: str) -> None:
        self.source = source
        self.tree = tree
        self.findings = findings
        self.what = what
        self.asked: set[str] = set()

    def report(self, kind: type[MidwatchError], sentence: str, span: Span, **facts: str | int) -> None:
        """Add a finding at a place."""
        self.findings.append(self.source.finding(kind, sentence, span.start, **facts))

    def get(self, key: str) -> Tree | None:
        """Return the tree of a key; it counts as known from now on. A null counts as absent."""
        self.asked.add(key)
        tree = self.tree.get(key)
        return None if isinstance(tree, Scalar) and tree.value is None else tree

    def span(self, key: str) -> Span:
        """Return where the value of a key stands, or the whole mapping."""
        tree = self.tree.get(key)
        return tree.span if tree is not None else self.tree.span

    def close(self) -> None:
        """Report every key that was not asked for."""
        for key, _ in self.tree.entries:
            name = key.written
            if name in self.asked or name.startswith("x-"):
                continue
            hint = did_you_mean(name, self.asked)
            self.report(
                UnknownKeyError, f"{self.what} has the unknown key `{name}`", key.span, hint=hint, key=name
            )

    # ------------------------------------------------------------------------------------- scalars

    def text(self, key: str, default: str = "") -> str:
        """Return a text, or the default."""
        found = self.at_text(key)
        return default if found is None else found.value

    def at_text(self, key: str) -> At[str] | None:
        """Return a text with its place, or None where there is none."""
        tree = self.get(key)
        return None if tree is None else self.as_text(tree, key)

    def required(self, key: str, example: str) -> At[str] | None:
        """Return a text that must be there."""
        found = self.at_text(key)
        if self.get(key) is None:
            self.report(
                MissingKeyError,
                f"{self.what} lacks `{key}:`",
                self.tree.span,
                key=key,
                example=f"{key}: {example}",
            )
        return found

    def as_text(self, tree: Tree, key: str) -> At[str] | None:
        """Return a scalar as text: numbers and words as they are written."""
        if not isinstance(tree, Scalar) or len(tree.written) > TEXT_CHARACTERS_MAX:
            self.wrong(tree, key, "a text")
            return None
        if not tree.written.strip():
            self.wrong(tree, key, "a text that is not empty")
            return None
        return At(value=tree.written, span=tree.span)

    def at_name(self, key: str) -> At[str] | None:
        """Return the name of a task with its place."""
        tree = self.get(key)
        return None if tree is None else self.as_name(tree, key)

    def as_name(self, tree: Tree, key: str) -> At[str] | None:
        """Return a scalar as a name: lower-case letters, digits and `_`."""
        if not isinstance(tree, Scalar) or not NAME.fullmatch(tree.written):
            self.wrong(tree, key, "a name of lower-case letters, digits and `_` that begins with a letter")
            return None
        return At(value=tree.written, span=tree.span)

    def choice(self, key: str, kind: type[E], default: E) -> E:
        """Return one of the words of an enum, or the default."""
        found = self.at_choice(key, kind)
        return default if found is None else found.value

    def at_choice(self, key: str, kind: type[E]) -> At[E] | None:
        """Return one of the words of an enum with its place."""
        found = self.at_text(key)
        if found is None:
            return None
        words = [member.value for member in kind]
        if found.value not in words:
            hint = f"{did_you_mean(found.value, words)}Write one of: {', '.join(words)}."
            self.report(WrongValueError, f"`{key}:` of {self.what} is `{found.value}`", found.span, hint=hint)
            return None
        return At(value=kind(found.value), span=found.span)

    def flag(self, key: str) -> bool | None:
        """Return true or false, or None where there is neither."""
        tree = self.get(key)
        if tree is None:
            return None
        if not isinstance(tree, Scalar) or not isinstance(tree.value, bool):
            self.wrong(tree, key, "`true` or `false`")
            return None
        return tree.value

    def integer(self, key: str, *, low: int, high: int) -> int | None:
        """Return a whole number within limits, or None where there is none."""
        tree = self.get(key)
        if tree is None:
            return None
        if not isinstance(tree, Scalar) or not isinstance(tree.value, int) or isinstance(tree.value, bool):
            self.wrong(tree, key, "a whole number")
            return None
        if not low <= tree.value <= high:
            self.wrong(tree, key, f"a whole number from {low} to {high}")
            return None
        return tree.value

    def duration(self, key: str) -> DurationMs | None:
        """Return a length of time such as `10m`, or None where there is none."""
        tree = self.get(key)
        if tree is None:
            return None
        total_ms = duration_ms(tree.written) if isinstance(tree, Scalar) else None
        if total_ms is None:
            self.wrong(tree, key, "a duration such as `45s`, `10m`, `2h`, `1d` or `1h30m`")
            return None
        if not 0 < total_ms <= DURATION_MS_MAX:
            self.wrong(tree, key, "a duration of more than nothing and at most 366 days")
            return None
        return DurationMs(total_ms)

    def usd(self, key: str) -> MicroUsd | None:
        """Return an amount of US dollars, exactly, or None where there is none."""
        tree = self.get(key)
        if tree is None:
            return None
        try:
            amount = Decimal(tree.written) if isinstance(tree, Scalar) else Decimal("NaN")
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or not 0 <= amount <= USD_MAX or amount * 1_000_000 % 1:
            self.wrong(tree, key, "an amount of US dollars such as `0.50`, with at most six decimals")
            return None
        return MicroUsd(int(amount * 1_000_000))

    # ---------------------------------------------------------------------------------- collections

    def items(self, key: str, what: str) -> tuple[Tree, ...]:
        """Return the items of a list, none where there is no list."""
        tree = self.get(key)
        if tree is None:
            return ()
        if not isinstance(tree, Sequence):
            self.wrong(tree, key, f"a list of {what}, such as `[{what.removesuffix('s')}]`")
            return (tree,) if isinstance(tree, Scalar) else ()
        return tree.items

    def texts(self, key: str, what: str) -> tuple[At[str], ...]:
        """Return a list of texts."""
        return tuple(filter(None, (self.as_text(item, key) for item in self.items(key, what))))

    def names(self, key: str, what: str = "tasks") -> tuple[At[str], ...]:
        """Return a list of names."""
        return tuple(filter(None, (self.as_name(item, key) for item in self.items(key, what))))

    def mapping(self, key: str) -> "Fields | None":
        """Return a mapping below this one, or None where there is none."""
        tree = self.get(key)
        return None if tree is None else self.as_mapping(tree, key)

    def as_mapping(self, tree: Tree, key: str) -> "Fields | None":
        """Return a tree as a mapping to be read."""
        if not isinstance(tree, Mapping):
            self.wrong(tree, key, "a mapping of keys to values")
            return None
        return Fields(source=self.source, tree=tree, findings=self.findings, what=f"`{key}:` of {self.what}")

    def plain(self, key: str) -> Any:
        """Return whatever stands there as plain values, or None."""
        tree = self.get(key)
        return None if tree is None else plain(tree)

    def extras(self) -> AnyMapping[str, Any]:
        """Return what stands under keys of the author's own, `x-…`, as plain values."""
        return {key.written: plain(tree) for key, tree in self.tree.entries if key.written.startswith("x-")}

    def entries(self, key: str) -> AnyMapping[str, Tree]:
        """Return the entries of a mapping whose keys are names of the author's own."""
        below = self.mapping(key)
        return {name.written: tree for name, tree in below.tree.entries} if below else {}

    def schemas(self, key: str) -> dict[str, At[AnyMapping[str, Any]]]:
        """Return a mapping of field names to JSON Schemas."""
        return {name: self.as_schema(tree, f"{key}.{name}", name) for name, tree in self.entries(key).items()}

    def as_schema(self, tree: Tree, path: str, name: str, *, but: str = "") -> At[AnyMapping[str, Any]]:
        """Return a tree as the JSON Schema of a field, without the key `but`."""
        schema = plain(tree)
        if isinstance(schema, dict):
            schema.pop(but, None)
        fault = schema_fault(schema)
        if not NAME.fullmatch(name):
            fault = "a field's name has lower-case letters, digits and `_`"
        if fault:
            hint = "Write, for example, `{type: number}`. "
            schema = {}
            sentence = f"`{path}` of {self.what} is no JSON Schema: {fault}"
            self.report(SchemaError, sentence, tree.span, hint=hint)
        return At(value=schema, span=tree.span)

    def wrong(self, tree: Tree, key: str, wanted: str) -> None:
        """Report that a value is not what was wanted."""
        written = f"`{tree.written[:40]}`" if isinstance(tree, Scalar) else f"a {type(tree).__name__.lower()}"
        sentence = f"`{key}:` of {self.what} is {written}, not {wanted}"
        self.report(WrongValueError, sentence, tree.span, hint=f"Write {wanted}.")
