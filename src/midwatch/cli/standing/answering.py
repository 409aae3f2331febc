"""Answering, undoing, purging, cancelling, settling: what a person does to a run, and what comes of it."""

from typing import TYPE_CHECKING

from midwatch.app.answer import Attempt, answer
from midwatch.app.change import loaded, request_cancel, request_undo, settle_doubt
from midwatch.app.start import StartRequest, start_run
from midwatch.base.ids import EffectKey, Principal, RunId
from midwatch.cli.errors import EXIT_NOT_WHOLE
from midwatch.cli.face import Face
from midwatch.cli.names import approval_named, run_named
from midwatch.cli.standing.cards import show_card
from midwatch.cli.standing.endings import exit_code, run_record, show_effects, show_rest
from midwatch.cli.standing.follow import Follower, unseen
from midwatch.cli.standing.plans import shipped_plan
from midwatch.cli.standing.progress import Progress
from midwatch.cli.standing.seals import journal_of, show_journal
from midwatch.cli.words import count
from midwatch.run.dataflow import undoable
from midwatch.run.errors import RunUnknownError, UndoImpossibleError

if TYPE_CHECKING:
    from midwatch.wiring.opening import Opened

SURFACE = "cli"
PURGE = "purge"


def me(opened: "Opened") -> Principal:
    """Return the person that the operating-system user is.

    Raises:
        UnknownPersonError: MW404, when the user is nobody in people.toml.
    """
    return opened.house.in_force().people.person_of_os_user(opened.os_user).principal


def answer_question(face: Face, opened: "Opened", text: str, *, word: str, why: str) -> int:
    """Show the card, record the answer, and follow what comes of it; return the exit code."""
    approval = approval_named(opened.house, text)
    row = opened.house.store.approval_row(approval)
    assert row is not None, "it was just named"
    follower = Follower(opened, row.run)
    if not face.json:
        show_card(face.screen, opened.house, follower.state.approvals[approval])
        face.screen.line()
    attempt = Attempt(
        approval=approval,
        answer=word,
        os_user=opened.os_user,
        surface=SURFACE,
        bundle=row.bundle,
        why=why,
    )
    given = answer(opened.house, attempt)
    if not face.json:
        face.screen.line(f"{given.sentence}.")
    return carry_on(face, opened, follower)


def carry_on(face: Face, opened: "Opened", follower: Follower, **more: object) -> int:
    """Follow a run until it rests, driving it here unless a server does; say what came of it."""
    from midwatch.wiring.opening import server_of

    sealed_before = opened.house.store.sealed_size()
    assert opened.worker is not None, "whoever carries on drives"
    if server_of(opened.house.store) is None:
        opened.worker.start()
    progress = None if face.json else Progress(face.screen, follower.plan, follower.state)
    rest = follower.until_rest(progress.seen if progress else unseen)
    journal = journal_of(opened)
    if face.json:
        record = run_record(opened, follower.plan, follower.state, rest)
        face.out({**record, **more, "journal": journal.as_record()}, lambda _: None)
    else:
        show_rest(face.screen, opened, follower, rest)
        show_effects(face.screen, opened, follower, after_row=max(0, sealed_before - 100))
        show_journal(face.screen, journal)
    return exit_code(follower.state) if journal.is_whole else EXIT_NOT_WHOLE


def undo_run(face: Face, opened: "Opened", text: str, *, why: str) -> int:
    """Put back what a run did, verify that, and return the exit code.

    Raises:
        UndoImpossibleError: MW612, when nothing can be taken back, or it was purged.
    """
    from midwatch.wiring.places import purged_keys

    run = run_named(opened.house, text)
    plan, state = loaded(opened.house, run)
    purged = purged_keys(opened.config)
    keys = undoable(plan, state)
    if keys and purged.issuperset(keys):
        raise UndoImpossibleError(
            f"what {run} put into quarantine was purged, so it can't be put back", run=run
        )
    follower = Follower(opened, run)
    asked = request_undo(opened.house, run, by=me(opened), why=why)
    if not face.json:
        face.screen.line(f"Putting back what {run} did: {count(len(asked), 'effect')}, the newest first.")
    return carry_on(face, opened, follower, undone=list(asked))


def purge_all(face: Face, opened: "Opened") -> int:
    """Delete what lies in quarantine now, as the person's own command; return the exit code."""
    plan = shipped_plan(opened, "purge").plan
    live = opened.house.store.live_run(plan.runbook, PURGE)
    if live is not None:  # one that was killed on the way goes on
        return carry_on(face, opened, Follower(opened, live))
    inputs = {"older_than_ms": opened.house.clock.now_ms()}
    request = StartRequest(plan=plan, inputs=inputs, initiator=me(opened), key=PURGE, person_acts=True)
    run = start_run(opened.house, request)
    return carry_on(face, opened, Follower(opened, run))


def cancel_run(face: Face, opened: "Opened", text: str, *, why: str, leave: bool) -> int:
    """Stop a run; return the exit code."""
    run = run_named(opened.house, text)
    follower = Follower(opened, run)
    request_cancel(opened.house, run, by=me(opened), why=why, leave=leave)
    return carry_on(face, opened, follower)


def settle_effect(face: Face, opened: "Opened", key: str, *, happened: bool, why: str) -> int:
    """Say whether an effect in doubt took place; return the exit code."""
    run = _run_of_key(opened, key)
    follower = Follower(opened, run)
    settle_doubt(opened.house, EffectKey(key), happened=happened, by=me(opened), why=why)
    return carry_on(face, opened, follower)


def _run_of_key(opened: "Opened", key: str) -> RunId:
    run = RunId(key.partition("/")[0])
    if opened.house.store.run_row(run) is None:
        raise RunUnknownError(f"no effect in doubt has the key {key}", run=run)
    return run
