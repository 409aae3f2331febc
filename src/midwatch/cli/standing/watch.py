"""Standing one watch: say what it will read, read it, say what it found, and ask or be done."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from midwatch.app.change import request_cancel
from midwatch.app.errors import WatchTakenError
from midwatch.app.start import StartRequest, start_run
from midwatch.base.classes import Mode
from midwatch.base.ids import Principal, RunId
from midwatch.cli.errors import EXIT_NOT_WHOLE
from midwatch.cli.face import Face
from midwatch.cli.screen import Screen, Styled
from midwatch.cli.standing.endings import exit_code, run_record, show_effects, show_rest
from midwatch.cli.standing.findings import as_records, found_in, show_findings
from midwatch.cli.standing.follow import Follower, Rest, unseen
from midwatch.cli.standing.plans import plan_named
from midwatch.cli.standing.progress import Progress, readings_of
from midwatch.cli.standing.seals import journal_of, show_journal
from midwatch.cli.words import ago
from midwatch.plan.codec import plan_bytes
from midwatch.plan.compile import Compiled
from midwatch.plan.model import Plan
from midwatch.ports.store import DuplicateRunError

if TYPE_CHECKING:
    from midwatch.wiring.opening import Opened

WATCH = Principal("system:start")
"""Who asks for the runs of `midwatch start`: nobody who may answer for them."""
ROUNDS = "rounds"
PRACTICE_LIMITS = {"cache_worth_mb": 20, "cache_smallest_mb": 1, "cache_idle_minutes": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the person typed."""

    runbook: str = ROUNDS
    practice: bool = False
    new: bool = False
    mode: Mode | None = None
    inputs: tuple[tuple[str, Any], ...] = ()


def stand(face: Face, opened: "Opened", wish: Wish) -> int:
    """Stand one watch, or go on with the one that is under way; return the exit code."""
    compiled = plan_named(opened, wish.runbook)
    plan = compiled.plan
    screen = face.screen
    quiet = face.json
    if not quiet:
        _introduce(screen, opened, plan, wish)
    assert opened.worker is not None, "standing a watch drives"
    opened.worker.start()
    run, found = _run_for(opened, compiled, wish)
    follower = Follower(opened, run)
    if not quiet and found:
        _resume(screen, opened, follower)
    progress = None if quiet else Progress(screen, follower.plan, follower.state)
    rest = follower.until_rest(progress.seen if progress else unseen)
    journal = journal_of(opened)
    if quiet:
        record = run_record(opened, follower.plan, follower.state, rest)
        found_now = as_records(found_in(follower.plan, follower.state))
        face.out(
            {
                **record,
                "findings": found_now,
                "state": str(opened.config.state),
                "journal": journal.as_record(),
            },
            lambda _: None,
        )
    else:
        _conclude(screen, opened, follower, rest)
        screen.line()
        show_journal(screen, journal)
    return exit_code(follower.state) if journal.is_whole else EXIT_NOT_WHOLE


def _introduce(screen: Screen, opened: "Opened", plan: Plan, wish: Wish) -> None:
    """Say what will be read, what decides, and where the state lives, before anything is read."""
    import midwatch
    from midwatch.wiring.settings import host_name

    label = [Styled("  PRACTICE", "yellow")] if wish.practice else []
    screen.line(Styled(f"Midwatch {midwatch.__version__}", "bold"), f"  {plan.title} ({host_name()})", *label)
    screen.line("No model is configured: decisions follow the runbook's rules.")
    screen.line()
    if wish.practice:
        folder = opened.config.state / "practice"
        screen.line(
            f"PRACTICE: it looks at files that it plants in {folder}, and at nothing else in folders."
        )
    titles = [task.title[:1].lower() + task.title[1:] for task in readings_of(plan)]
    for line in _wrapped(f"It reads, and changes nothing: {', '.join(titles)}.", screen.width):
        screen.line(line)
    screen.line("Nothing leaves this machine.")
    screen.line(f"State: {opened.config.state}  (to remove it: rm -rf {opened.config.state})")
    screen.line()


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width=min(width, 100), break_long_words=False)


def _run_for(opened: "Opened", compiled: Compiled, wish: Wish) -> tuple[RunId, bool]:
    """Return the run to follow, and whether it was there before."""
    key = "practice" if wish.practice else "host"
    live = opened.house.store.live_run(compiled.plan.runbook, key)
    if live is not None and wish.new:
        request_cancel(opened.house, live, by=WATCH, why="`midwatch start --new` took its place")
        Follower(opened, live).until_rest(unseen)
        live = None
    if live is not None:
        return live, True
    try:
        return start_run(opened.house, _request(opened, compiled, wish, key)), False
    except DuplicateRunError:
        faster = opened.house.store.live_run(compiled.plan.runbook, key)
        if faster is None:
            raise
        return faster, True


def _initiator(opened: "Opened", wish: Wish) -> Principal:
    """Return who asks for a run: the watch asks for its own rounds, whoever starts another for that.

    Raises:
        UnknownPersonError: MW404, when the operating-system user is nobody in `people.toml`.
    """
    if wish.runbook == ROUNDS:
        return WATCH
    return opened.house.in_force().people.person_of_os_user(opened.os_user).principal


def _request(opened: "Opened", compiled: Compiled, wish: Wish, key: str) -> StartRequest:
    from midwatch.wiring.settings import host_name

    inputs: dict[str, Any] = dict(wish.inputs)
    if wish.practice:
        from midwatch.wiring.places import practice

        planted = practice(opened.config)
        inputs = {**PRACTICE_LIMITS, **inputs, "roots": [str(planted.root)], "practice": True}
    return StartRequest(
        plan=compiled.plan,
        callees=tuple(plan_bytes(plan) for plan in compiled.callees.values()),
        inputs=inputs,
        initiator=_initiator(opened, wish),
        key=key,
        mode=wish.mode,
        practice=wish.practice,
        host=host_name(),
    )


def _resume(screen: Screen, opened: "Opened", follower: Follower) -> None:
    """Say that a watch is under way already, and who stands it."""
    state = follower.state
    since = ago(state.started_ms, opened.house.clock.now_ms())
    driver = follower.driver
    others = {
        row.worker: row.pid for row in opened.house.store.workers() if row.worker != opened.house.worker
    }
    if driver in others:
        taken = WatchTakenError(
            f"process {others[driver]} stands this watch ({state.run}, begun {since}); this one looks on",
            run=state.run,
        )
        screen.line(f"{taken.code} {taken.sentence}.")
        screen.line(f"Fix: {taken.help}")
    elif state.open_approvals:
        screen.line(
            f"This watch ({state.run}, begun {since}) waits for an answer. "
            "`midwatch start --new` begins another."
        )
    else:
        screen.line(f"This watch ({state.run}) was begun {since}; it goes on where it was.")


def _conclude(screen: Screen, opened: "Opened", follower: Follower, rest: Rest) -> None:
    state = follower.state
    show_findings(screen, follower.plan, state)
    show_rest(screen, opened, follower, rest)
    show_effects(screen, opened, follower, after_row=0)
    started = state.started
    assert started is not None, "a run that was followed was started"
    if rest.kind == "ended" and state.outcome == "no_action" and not started.practice:
        screen.line()
        screen.line(
            "To see the whole of it on files planted for it: ", Styled("midwatch start --practice", "bold")
        )
    screen.line("Why: ", Styled(f"midwatch why {state.run}", "bold"))
