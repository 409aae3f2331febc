"""The templates of runbooks that ship with Midwatch, each with the manifests that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from midwatch.adapters.runbooks import RUNBOOK_SUFFIX
from midwatch.base.errors import MidwatchError
from midwatch.runbook.cel.types import did_you_mean
from midwatch.runbook.parse import parse_runbook
from midwatch.wiring.force import shipped_folder


class TemplateUnknownError(MidwatchError):
    """No template has that name."""

    code = "MW949"
    fix = "{hint}Templates: {known}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A runbook to begin with."""

    name: str
    title: str
    text: str
    tools: tuple[str, ...]
    """Every tool that it calls."""
    manifests: Mapping[str, str]
    """Tool to manifest, of those tools that don't ship with Midwatch."""


def templates() -> tuple[Template, ...]:
    """Return every template, by name."""
    return tuple(_template(path) for path in _files())


def template_named(name: str) -> Template:
    """Return the template of a name.

    Raises:
        TemplateUnknownError: MW949.
    """
    known = {path.name.removesuffix(RUNBOOK_SUFFIX): path for path in _files()}
    if name not in known:
        hint = did_you_mean(name, list(known))
        raise TemplateUnknownError(f"there is no template {name!r}", hint=hint, known=", ".join(known))
    return _template(known[name])


def _files() -> list[Path]:
    return sorted(shipped_folder("templates").glob(f"*{RUNBOOK_SUFFIX}"))


def _template(path: Path) -> Template:
    data = path.read_bytes()
    runbook, _ = parse_runbook(data, name=path.name)
    tools = tuple(tool.value for tool in runbook.header.tools) if runbook.header else ()
    manifests = {tool: path.parent / "tools" / f"{tool}.toml" for tool in tools}
    return Template(
        name=path.name.removesuffix(RUNBOOK_SUFFIX),
        title=runbook.title,
        text=data.decode(),
        tools=tools,
        manifests={tool: file.read_text() for tool, file in manifests.items() if file.exists()},
    )
