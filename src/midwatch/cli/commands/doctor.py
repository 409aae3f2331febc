"""`midwatch doctor`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from midwatch.cli.errors import EXIT_ERROR, EXIT_OK
from midwatch.cli.face import Face, json_option, pass_face
from midwatch.cli.screen import Screen, Styled, padded

if TYPE_CHECKING:
    from midwatch.wiring.checks import Check

_WIDTH = 22


@click.command()
@json_option
@pass_face
def doctor(face: Face) -> int:
    """Check what can go wrong, and how to mend it.

    Settings and where each came from, state folder, database, disk, clock, port, keys, policy, tools,
    people and runbooks, runs under way, and the journal. Exits with 1 where something is broken.
    """
    found = list(_checks(face))
    record = {
        "ok": all(check.ok for check in found),
        "checks": [{"name": each.name, "ok": each.ok, "saw": each.saw, "fix": each.fix} for each in found],
        "origins": dict(face.config.origins),
    }
    face.out(record, lambda screen: _say(screen, found))
    return EXIT_OK if record["ok"] else EXIT_ERROR


def _checks(face: Face) -> "Iterator[Check]":
    from midwatch.base.errors import MidwatchError
    from midwatch.wiring.checks import Check, check_files, check_house, check_port
    from midwatch.wiring.opening import exists

    yield from check_files(face.config)
    if not exists(face.config):
        yield check_port(face.config)
        return
    try:
        with face.looking() as opened:
            yield from check_house(opened)
            yield _journal(opened)
    except MidwatchError as error:
        yield Check(name="house", ok=False, saw=f"{error.code}: {error.sentence}", fix=error.help)


def _journal(opened: object) -> "Check":
    from midwatch.app.audit import audit
    from midwatch.wiring.checks import Check
    from midwatch.wiring.opening import Opened

    assert isinstance(opened, Opened)
    found = audit(opened.house, hashes_only=True)
    if found.findings:
        first = found.findings[0]
        return Check(
            name="journal",
            ok=False,
            saw=f"{first.place}: {first.sentence}",
            fix="Run `midwatch audit verify`; restore the database from a backup.",
        )
    return Check(name="journal", ok=True, saw=f"{found.journal.events} events, whole by their hashes")


def _say(screen: Screen, found: "list[Check]") -> None:
    for check in found:
        mark = Styled(screen.tick, "green") if check.ok else Styled(screen.cross, "red")
        screen.line(mark, f" {padded(check.name, _WIDTH)} {check.saw}")
        if check.fix:
            screen.line("  ", Styled("Fix: ", "bold"), check.fix)
