"""`midwatch purge`."""

import sys
from typing import TYPE_CHECKING, Any

import click

from midwatch.approvals.visible import visible
from midwatch.cli.errors import EXIT_OK, NotConfirmedError
from midwatch.cli.face import Face, json_option, pass_face
from midwatch.cli.screen import Screen
from midwatch.cli.words import ago, count, size, stamp

if TYPE_CHECKING:
    from midwatch.wiring.places import Quarantined


@click.command()
@click.option("--yes", is_flag=True, help="Delete it without being asked.")
@json_option
@pass_face
def purge(face: Face, *, yes: bool) -> int:
    """Delete for good what lies in quarantine.

    Lists it first: from where, how big, since when. Space comes back only here, and what is deleted can't
    be put back by `midwatch undo` any more.
    """
    from midwatch.cli.standing.answering import purge_all
    from midwatch.wiring.places import in_quarantine

    with face.driving() as opened:
        found = in_quarantine(opened.config)
        if not face.json or not found:
            face.out({"purged": []}, lambda screen: _list(screen, found, opened.house.clock.now_ms()))
        if not found:
            return EXIT_OK
        _confirm(yes=yes or (face.json and yes))
        return purge_all(face, opened)


def _list(screen: Screen, found: "tuple[Quarantined, ...]", now_ms: int) -> None:
    if not found:
        screen.line("Nothing lies in quarantine.")
        return
    total = sum(each.bytes for each in found)
    screen.line(f"{count(len(found), 'quarantine')}, {size(total)} in all:")
    for each in found:
        screen.line(
            f"  {size(each.bytes)} of {each.run}, since {stamp(each.since_ms)} ({ago(each.since_ms, now_ms)})"
        )
        for path in each.from_paths:
            screen.line(f"    from {visible(path)}")
    screen.line()


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise NotConfirmedError(
            "what is deleted can't be put back, and nobody said yes", command="midwatch purge"
        )
    typed: Any = click.prompt("Delete it for good? Type `yes`", default="", show_default=False)
    if typed != "yes":
        raise NotConfirmedError("nothing was deleted: that was no `yes`", command="midwatch purge")
