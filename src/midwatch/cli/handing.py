"""What people did by hand, and what is signalled, as the command line takes it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midwatch.app.hand_in import HandIn, hand_in
from midwatch.app.signal import SignalSent, signal
from midwatch.cli.errors import NotAnObjectError
from midwatch.cli.face import Face
from midwatch.cli.names import hand_named, run_named
from midwatch.cli.standing.answering import SURFACE, carry_on, me
from midwatch.cli.standing.follow import Follower

if TYPE_CHECKING:
    from midwatch.wiring.opening import Opened


def hand_over(
    face: Face,
    opened: "Opened",
    text: str,
    *,
    pairs: Sequence[str],
    file: Path | None,
    ok: bool,
    note: str,
) -> int:
    """Record what was done, and follow what comes of it; return the exit code."""
    hand = hand_named(opened.house, text)
    row = opened.house.store.hand_row(hand)
    assert row is not None, "it was just named"
    follower = Follower(opened, row.run)
    out = _object(file.read_text(encoding="utf-8"), str(file)) if file is not None else {}
    out.update(_pair(pair) for pair in pairs)
    given = HandIn(hand=hand, os_user=opened.os_user, surface=SURFACE, out=out, ok=ok, note=note)
    handed = hand_in(opened.house, given)
    if not face.json:
        face.screen.line(f"{handed.sentence}.")
    return carry_on(face, opened, follower)


def send_signal(face: Face, opened: "Opened", text: str, *, name: str, data: str, signal_id: str) -> int:
    """Put a signal into the inbox of a run, and follow what comes of it; return the exit code."""
    run = run_named(opened.house, text)
    follower = Follower(opened, run)
    sent = SignalSent(
        run=run,
        name=name,
        by=me(opened),
        surface=SURFACE,
        data=_object(data, "--data"),
        id=signal_id,
    )
    is_new = signal(opened.house, sent)
    if not face.json:
        face.screen.line(f"`{name}` is with {run}." if is_new else f"`{name}` was with {run} before.")
    return carry_on(face, opened, follower)


def _pair(text: str) -> tuple[str, Any]:
    """Return one value of `--out`: JSON where it is some, else a text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise NotAnObjectError(f"--out {text!r} has no name", what="--out")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise NotAnObjectError(f"{what} is not JSON: {error}", what=what) from error
    if not isinstance(value, dict):
        raise NotAnObjectError(f"{what} is no JSON object", what=what)
    return value
