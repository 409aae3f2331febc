"""`midwatch explain`."""

import difflib
import inspect
import re
from importlib import import_module
from pathlib import Path

import click

import midwatch
from midwatch.base.errors import MidwatchError
from midwatch.cli.errors import EXIT_OK, CodeUnknownError
from midwatch.cli.face import Face, json_option, pass_face
from midwatch.cli.screen import Screen, Styled

_CODE = re.compile(r'^    code(?:: ClassVar\[str\])? = "(MW\d{3})"$', re.MULTILINE)


@click.command()
@click.argument("code", metavar="MWnnn")
@json_option
@pass_face
def explain(face: Face, code: str) -> int:
    """Say what an error code means.

    And what to do about it, with names in braces where the error itself fills in the facts.
    """
    known = places()
    name = code.upper() if code.upper().startswith("MW") else f"MW{code}"
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(close)}? " if close else ""
        raise CodeUnknownError(f"there is no error {code!r}", hint=hint)
    found = error_of(name, known[name])
    record = {"code": name, "name": found.__name__, "meaning": meaning(found), "fix": found.fix}
    face.out(record, lambda screen: _say(screen, record))
    return EXIT_OK


def places() -> dict[str, str]:
    """Return each code with its module, read from the sources: importing all of them takes seconds."""
    root = Path(midwatch.__path__[0])
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*.py")):
        for code in _CODE.findall(path.read_text(encoding="utf-8")):
            relative = path.relative_to(root).with_suffix("")
            found[code] = ".".join(("midwatch", *relative.parts))
    return dict(sorted(found.items()))


def error_of(code: str, module: str) -> type[MidwatchError]:
    """Return the class of a code, its module imported now."""
    for kind in vars(import_module(module)).values():
        if isinstance(kind, type) and issubclass(kind, MidwatchError) and kind.code == code:
            return kind
    raise AssertionError(f"{module} defines {code}")


def meaning(kind: type[MidwatchError]) -> str:
    """Return the whole docstring: what the error means."""
    return inspect.cleandoc(kind.__doc__ or "")


def _say(screen: Screen, record: dict[str, str]) -> None:
    screen.line(Styled(record["code"], "bold"), f"  {record['meaning'].splitlines()[0]}")
    for line in record["meaning"].splitlines()[1:]:
        screen.line("       ", line)
    screen.line(Styled("Fix: ", "bold"), record["fix"])
