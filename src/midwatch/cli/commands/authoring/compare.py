"""`midwatch diff`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from midwatch.cli.errors import EXIT_FINDINGS, EXIT_OK
from midwatch.cli.face import Face, json_option, pass_face
from midwatch.cli.screen import Screen, Styled
from midwatch.plan.diff.change import Weight

if TYPE_CHECKING:
    from midwatch.plan.diff.versions import Version
    from midwatch.runbook.source import Library

_TITLES = {
    Weight.MORE: ("It may do what it could not do before", "red"),
    Weight.OTHERWISE: ("It does otherwise", "yellow"),
    Weight.LESS: ("It may do less", "green"),
    Weight.PEOPLE: ("For people only", "dim"),
}


@click.command()
@click.argument("old")
@click.argument("new")
@json_option
@pass_face
def diff(face: Face, old: str, new: str) -> int:
    """Tell two versions of a runbook apart, what it may do more of first.

    OLD and NEW are files, or versions of git: `HEAD~1:runbooks/disk.runbook.md`. Both are read with the tools
    that are declared now. Exits with 3 where the new version may do something that the old one could
    not, else with 0.
    """
    from midwatch.plan.diff.versions import difference

    found = difference(_version(face, old), _version(face, new))
    record = {
        "may_do_more": found.may_do_more,
        "same_program": found.is_program_the_same,
        "changes": [change.as_record() for change in found.changes],
    }

    def words(screen: Screen) -> None:
        if not found.changes:
            screen.line("Nothing is different.")
        for weight, (title, style) in _TITLES.items():
            changes = [change for change in found.changes if change.weight is weight]
            if changes:
                screen.line(Styled(f"{title}:", style))
            for change in changes:
                screen.line(f"  - {change.sentence}")

    face.out(record, words)
    return EXIT_FINDINGS if found.may_do_more else EXIT_OK


def _version(face: Face, name: str) -> "Version":
    from midwatch.plan.diff.versions import Version
    from midwatch.plan.review import lint_text
    from midwatch.runbook.parse import parse_runbook
    from midwatch.wiring.manifests import manifests_for

    data, path, library = _read(face, name)
    runbook, _ = parse_runbook(data, name=name, library=library, path=path)
    place = Path(name) if Path(name).exists() else Path(name.partition(":")[2])
    declared = manifests_for(face.config, place)
    report = lint_text(data, name=name, manifests=declared, library=library, path=path)
    return Version(report=report, runbook=runbook)


def _read(face: Face, name: str) -> "tuple[bytes, str, Library]":
    """Return the bytes of a document, its own name, and the files around it."""
    from midwatch.cli.standing.plans import read_file
    from midwatch.wiring.documents import git_file, library_beside, library_in_git

    path = Path(name)
    revision, colon, inside = name.partition(":")
    if not path.exists() and colon and revision and inside:
        data = git_file(revision, inside, folder=Path.cwd())
        return data, Path(inside).name, library_in_git(revision, inside)
    return read_file(path), path.name, library_beside(face.config, path)
