"""`midwatch rank`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from midwatch.base.errors import MidwatchError
from midwatch.cli.commands.exchange.carry import read_bytes
from midwatch.cli.errors import EXIT_OK
from midwatch.cli.face import Face, json_option, pass_face
from midwatch.cli.screen import Screen, Styled

if TYPE_CHECKING:
    from midwatch.exchange.rank import Candidate

FILES_MAX = 500
ENDINGS = (".md", ".markdown", ".yaml", ".yml", ".json")


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@json_option
@pass_face
def rank(face: Face, paths: tuple[Path, ...]) -> int:
    """Say which runbooks to automate first, and why.

    PATH is a file, or a folder that is looked through. Repetition, decidability, reversibility and blast
    radius are read from the words; the order is for a person to disagree with.
    """
    from midwatch.exchange.rank import ranked

    found: list[Candidate] = []
    skipped: list[dict[str, str]] = []
    for path in _files(paths):
        try:
            found.append(_candidate(path))
        except MidwatchError as error:
            skipped.append({"name": str(path), "code": error.code, "why": error.sentence})
    ordered = ranked(found)
    record = {"candidates": [one.as_record() for one in ordered], "skipped": skipped}

    def words(screen: Screen) -> None:
        for place, one in enumerate(ordered, 1):
            screen.line(Styled(f"{place}. {one.score}", "bold"), f"  {one.title}  ", Styled(one.name, "dim"))
            for aspect in one.aspects:
                screen.line(
                    f"     {aspect.name.replace('_', ' ')} {aspect.points}: {' '.join(aspect.reasons)}"
                )
        for other in skipped:
            screen.line(Styled("skipped ", "yellow"), f"{other['name']}: {other['code']}: {other['why']}")

    face.out(record, words)
    return EXIT_OK


def _candidate(path: Path) -> "Candidate":
    from midwatch.exchange.formats import import_document
    from midwatch.exchange.imported import Wish
    from midwatch.exchange.rank import candidate_of
    from midwatch.runbook.parse import parse_runbook

    data = read_bytes(path)
    if path.suffix.lower() not in (".md", ".markdown"):
        data = import_document(data, name=str(path), wish=Wish()).text.encode()
    runbook, _ = parse_runbook(data, name=str(path))
    return candidate_of(runbook)


def _files(paths: tuple[Path, ...]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (one for one in path.rglob("*") if one.suffix.lower() in ENDINGS and one.is_file())
            found.extend(sorted(inside))
        else:
            found.append(path)
    return list(dict.fromkeys(found))[:FILES_MAX]
