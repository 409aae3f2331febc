"""The formats that can be imported, and how a document shows which one it has."""

from collections.abc import Callable
from enum import StrEnum
from typing import assert_never

from midwatch.exchange.errors import ForeignSyntaxError, FormatUnknownError
from midwatch.exchange.imported import Imported, Wish
from midwatch.exchange.open_workflow.read import is_open_workflow, read_open_workflow
from midwatch.exchange.playbooks.cacao import is_cacao, read_cacao
from midwatch.exchange.playbooks.orquesta import is_orquesta, read_orquesta
from midwatch.exchange.playbooks.rundeck import is_rundeck, read_rundeck
from midwatch.exchange.playbooks.ssm import is_ssm, read_ssm
from midwatch.exchange.prose.convert import read_markdown
from midwatch.exchange.tree import Node, read_tree

PROSE = (".md", ".markdown", ".mdown", ".txt", ".mdx")


class Format(StrEnum):
    """A format."""

    MARKDOWN = "markdown"
    OPEN_WORKFLOW = "open-workflow"
    CACAO = "cacao"
    SSM = "ssm"
    ORQUESTA = "orquesta"
    RUNDECK = "rundeck"


_DETECTORS: tuple[tuple[Format, Callable[[Node], bool]], ...] = (
    (Format.OPEN_WORKFLOW, is_open_workflow),
    (Format.CACAO, is_cacao),
    (Format.SSM, is_ssm),
    (Format.ORQUESTA, is_orquesta),
    (Format.RUNDECK, is_rundeck),
)


def import_document(data: bytes, *, name: str, wish: Wish, said: Format | None = None) -> Imported:
    """Return a document of another format as a runbook.

    Args:
        data: the whole file; untrusted.
        name: its name; places begin with it, and its ending tells Markdown from the rest.
        wish: how it is to be imported.
        said: the format, where somebody said it.

    Raises:
        DocumentTooBigError: MW101; NotTextError: MW102.
        ForeignSyntaxError: MW170; FormatUnknownError: MW171; ForeignInvalidError: MW172.
        ForeignTooBigError: MW173.
        UnwritableError: MW158, it holds what a runbook can't.
    """
    if said is Format.MARKDOWN or (said is None and name.lower().endswith(PROSE)):
        return read_markdown(data, name=name, wish=wish)
    root = _root(data, name=name, said=said)
    shown: list[Format] = [one for one, is_one in _DETECTORS if is_one(root)]
    if said is None and not shown:
        known = ", ".join(Format)
        raise FormatUnknownError(f"nothing in {name} says which format it has", name=name, known=known)
    return _read(root, said or shown[0], wish)


def _root(data: bytes, *, name: str, said: Format | None) -> Node:
    try:
        return read_tree(data, name=name)
    except ForeignSyntaxError as error:
        if said is not None or name.lower().endswith((".json", ".yaml", ".yml")):
            raise
        sentence = f"{name} is no YAML or JSON, and its name doesn't say that it is Markdown"
        raise FormatUnknownError(sentence, name=name, known=", ".join(Format)) from error


def _read(root: Node, found: Format, wish: Wish) -> Imported:
    match found:
        case Format.OPEN_WORKFLOW:
            return read_open_workflow(root, wish)
        case Format.CACAO:
            return read_cacao(root, wish)
        case Format.SSM:
            return read_ssm(root, wish)
        case Format.ORQUESTA:
            return read_orquesta(root, wish)
        case Format.RUNDECK:
            return read_rundeck(root, wish)
        case Format.MARKDOWN:
            raise AssertionError("Markdown has no tree")
        case _:
            assert_never(found)
