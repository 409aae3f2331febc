"""`midwatch audit verify`, `export` and `witness`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from midwatch.cli.errors import EXIT_NOT_WHOLE, EXIT_OK
from midwatch.cli.face import Face, json_option, pass_face
from midwatch.cli.screen import Screen, Styled
from midwatch.cli.words import count

if TYPE_CHECKING:
    from midwatch.app.audit import Audit

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def audit() -> None:
    """Verify, export or witness the journal."""


@audit.command()
@click.option(
    "--witness", type=_FILE, metavar="FILE", help="Compare with the heads that a witness remembers."
)
@click.option("--hashes-only", is_flag=True, help="Leave payloads and tables alone.")
@json_option
@pass_face
def verify(face: Face, *, witness: Path | None, hashes_only: bool) -> int:
    """Check every event, link, tile, checkpoint and signature, then every row against the journal.

    Names the first thing that is broken, and exits with 4. Without a witness outside, a cut tail or a
    rebuilt journal can't be told.
    """
    from midwatch.app.audit import audit as check
    from midwatch.cli.auditing import audit_record, remembered_in_file

    with face.looking() as opened:
        found = check(opened.house, remembered=remembered_in_file(witness), hashes_only=hashes_only)
    face.out(audit_record(found), lambda screen: _say(screen, found, witness, hashes_only=hashes_only))
    return EXIT_NOT_WHOLE if found.findings else EXIT_OK


def _say(screen: Screen, found: "Audit", witness: Path | None, *, hashes_only: bool) -> None:
    journal = found.journal
    screen.line(
        f"{count(journal.events, 'event')} of {count(found.runs, 'run')}, {journal.sealed} sealed, "
        f"{count(journal.checkpoints, 'checkpoint')}."
    )
    if not hashes_only:
        screen.line(f"{count(found.rows, 'row')} of tables compared with the journal.")
    if journal.erased:
        screen.line(f"{count(journal.erased, 'payload')} erased with the key of its subject.")
    for finding in found.findings:
        screen.line(Styled("broken: ", "red"), f"{finding.place}: {finding.sentence}")
    if not found.findings:
        screen.line(Styled("Whole.", "green"), " Every hash, link, tile and signature was computed again.")
    if witness is None:
        screen.line(
            Styled("No witness was asked: `midwatch audit witness FILE` remembers the head elsewhere.", "dim")
        )


@audit.command()
@click.argument("file", type=_FILE)
@json_option
@pass_face
def export(face: Face, file: Path) -> int:
    """Write the whole journal as JSON Lines, for `verify_journal.py` on another machine.

    FILE must not be there yet. It holds the payloads in the open: keep it as you keep the keys.
    """
    from midwatch.cli.auditing import export_to, verifier_path

    with face.looking() as opened:
        lines = export_to(opened.house, file)
    words = f"{count(lines, 'line')} in {file}. Check it anywhere: python {verifier_path()} {file}"
    face.out({"file": str(file), "lines": lines}, lambda screen: screen.line(words))
    return EXIT_OK


@audit.command()
@click.argument("file", type=_FILE)
@json_option
@pass_face
def witness(face: Face, file: Path) -> int:
    """Remember the newest checkpoint in FILE, at its end.

    Keep FILE on another machine: with it, `audit verify --witness FILE` finds a cut tail and a rebuilt
    journal too.
    """
    from midwatch.cli.auditing import remember

    with face.looking() as opened:
        size = remember(opened.house, file)
    face.out(
        {"file": str(file), "size": size},
        lambda screen: screen.line(f"{file} remembers the head of {count(size, 'event')}."),
    )
    return EXIT_OK
