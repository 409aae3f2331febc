"""The rules of the house that no linter knows, as functions over text; each returns what breaks it."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 5
MODULES_MAX = 12
TARGETS_MAX = 12
DISTRIBUTIONS_MAX = 30
DEPENDENCIES_MAX = 15
INIT_DOCSTRING_LINES_MAX = 2

VAGUE_NAMES = frozenset({"common", "helper", "helpers", "manager", "misc", "util", "utils"})
SQL_CLOCK = re.compile(r"\bnow\(\)|current_timestamp|'now'|\bunixepoch\(\)", re.IGNORECASE)
LEFT_OPEN = re.compile(r"\b(TODO|FIXME|XXX)\b")
FENCE = re.compile(r"^( {0,3})(```+|~~~+).*?^ {0,3}\2`*\s*$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
LOCKED = re.compile(
    r"[a-z0-9][a-z0-9.-]*==[\w.+!]+( ; [\w.<>=!' ()]+)?( \\)?|    --hash=sha256:[0-9a-f]{64}( \\)?"
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Finding(NamedTuple):
    """A rule that is broken, and where: `path` or `path:name`."""

    rule: str
    place: str
    found: str


def python_findings(path: str, text: str, *, is_pure: bool) -> Iterator[Finding]:
    """Yield what is wrong with one module of the package."""
    lines = len(text.splitlines())
    if lines > MODULE_LINES_MAX:
        yield Finding("module-lines", path, f"{lines} lines, at most {MODULE_LINES_MAX}")
    tree = ast.parse(text)
    if PurePosixPath(path).name == "__init__.py":
        yield from _init(path, tree)
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield from _function(path, node, is_pure=is_pure)
        elif isinstance(node, ast.ClassDef):
            yield from _dataclass(path, node)
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in {"func.now", "func.current_timestamp"}:
            yield Finding("sql-clock", f"{path}:{node.lineno}", ast.unparse(node))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield from sql_findings(f"{path}:{node.lineno}", node.value)


def sql_findings(place: str, text: str) -> Iterator[Finding]:
    """Yield a clock of the database's own: `now_ms` is always an argument."""
    if found := SQL_CLOCK.search(text):
        yield Finding("sql-clock", place, found[0])


def text_findings(path: str, text: str) -> Iterator[Finding]:
    """Yield what is left open: an issue says it better than a comment."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := LEFT_OPEN.search(line):
            yield Finding("left-open", f"{path}:{number}", found[0])


def name_findings(path: str) -> Iterator[Finding]:
    """Yield names that say nothing about what is inside."""
    for part in PurePosixPath(path).with_suffix("").parts:
        if part in VAGUE_NAMES:
            yield Finding("vague-name", path, part)


def package_findings(modules: dict[str, list[str]]) -> Iterator[Finding]:
    """Yield packages that hold too much; `modules` are the names in each folder without `__init__`."""
    for package, names in modules.items():
        if len(names) > MODULES_MAX:
            yield Finding("package-size", package, f"{len(names)} modules, at most {MODULES_MAX}")


def markdown_findings(path: str, text: str, existing: frozenset[str]) -> Iterator[Finding]:
    """Yield titles and links that are wrong; `existing` are all paths of the repository."""
    prose = CODE_SPAN.sub("", FENCE.sub("", text))
    titles = re.findall(r"^# .+", prose, re.MULTILINE)
    if len(titles) != 1:
        yield Finding("one-title", path, f"{len(titles)} titles")
    for target in LINK.findall(prose):
        bare = target.split("#", 1)[0]
        if re.match(r"[a-z][a-z0-9+.-]*:", target) or not bare:
            continue
        if _resolved(path, bare) not in existing:
            yield Finding("dead-link", path, target)


def makefile_findings(text: str) -> Iterator[Finding]:
    """Yield too many targets, or one that doesn't say what it does."""
    targets = re.findall(r"^([a-z][a-z-]*):(?!=)(.*)$", text, re.MULTILINE)
    if len(targets) > TARGETS_MAX:
        yield Finding("make-targets", "Makefile", f"{len(targets)} targets, at most {TARGETS_MAX}")
    for target, rest in targets:
        if "## " not in rest:
            yield Finding("make-help", f"Makefile:{target}", "no `## what it does`")


def requirement_findings(path: str, text: str) -> Iterator[Finding]:
    """Yield everything in a lock file that is not a pinned name or a hash: addresses, paths, options."""
    for number, line in enumerate(text.splitlines(), 1):
        if not LOCKED.fullmatch(line):
            yield Finding("lock-line", f"{path}:{number}", line)


def locked(text: str) -> list[str]:
    """Return the names of the distributions that a lock file pins."""
    return re.findall(r"^([a-z0-9][a-z0-9.-]*)==", text, re.MULTILINE)


def _function(path: str, node: Function, *, is_pure: bool) -> Iterator[Finding]:
    place = f"{path}:{node.name}"
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if lines > FUNCTION_LINES_MAX:
        yield Finding("function-lines", place, f"{lines} lines, at most {FUNCTION_LINES_MAX}")
    named = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    count = len(named) - (named[:1] in (["self"], ["cls"]))
    if count > PARAMETERS_MAX:
        yield Finding("parameters", place, f"{count} before `*`, at most {PARAMETERS_MAX}")
    if is_pure and isinstance(node, ast.AsyncFunctionDef):
        yield Finding("pure-async", place, "`async def` in a pure package")


def _dataclass(path: str, node: ast.ClassDef) -> Iterator[Finding]:
    for decorator in node.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        name = ast.unparse(call.func if call else decorator)
        if name not in {"dataclass", "dataclasses.dataclass"} or node.name.startswith("_"):
            continue
        given = {one.arg for one in call.keywords if ast.unparse(one.value) == "True"} if call else set()
        if missing := {"frozen", "slots", "kw_only"} - given:
            yield Finding("dataclass", f"{path}:{node.name}", "without " + ", ".join(sorted(missing)))


def _init(path: str, tree: ast.Module) -> Iterator[Finding]:
    docstring = ast.get_docstring(tree) or ""
    if not 1 <= len(docstring.splitlines()) <= INIT_DOCSTRING_LINES_MAX:
        yield Finding("init-docstring", path, f"1 to {INIT_DOCSTRING_LINES_MAX} lines say what is inside")


def _resolved(path: str, target: str) -> str:
    parts: list[str] = [] if target.startswith("/") else list(PurePosixPath(path).parent.parts)
    for part in PurePosixPath(target.lstrip("/")).parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
