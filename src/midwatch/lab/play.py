"""Playing a scenario: drive until all is parked, then jump to what comes next.

Rule 1: a scenario's run takes the path of a real one: real driver, decisions, gate, ledger, journal.
Rule 2: time is whatever comes next: a timer of the run, or something that the scenario brings. At one moment
timers come first.
Rule 3: what people would wait for in vain is a finding, never an endless run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from midwatch.app.start import StartRequest, start_run
from midwatch.app.watch import fire_due
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import RunId
from midwatch.base.units import DAY_MS, DurationMs, EpochMs
from midwatch.journal.events import Event
from midwatch.lab.compare import differences, finding_at
from midwatch.lab.crowd import TESTER, Crowd
from midwatch.lab.errors import (
    MockMissingError,
    ScenarioParkedError,
    ScenarioRefusedError,
)
from midwatch.lab.scenario import Scenario
from midwatch.lab.seen import Seen, seen_in
from midwatch.lab.stage import Playbook, Stage
from midwatch.run.evolve import fold
from midwatch.runbook.source import Finding, Span

STEPS_MAX = 20_000
PLAYED_MS_MAX = DurationMs(2 * 366 * DAY_MS)
_FAR_MS = EpochMs(2**53 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A scenario that was played."""

    scenario: Scenario
    run: RunId
    seen: Seen | None
    """None where the run could not be started."""
    events: tuple[Event, ...]
    findings: tuple[Finding, ...]
    """What was expected and did not come; empty where the scenario passed."""
    took_ms: int = 0
    """Of virtual time."""

    @property
    def ok(self) -> bool:
        """Whether it passed."""
        return not self.findings


def play(playbook: Playbook, scenario: Scenario) -> Played:
    """Play a scenario of a document; never raises for what it finds."""
    stage = Stage(playbook=playbook, scenario=scenario)
    case = scenario.case
    request = StartRequest(
        plan=playbook.plan, inputs=case.given, initiator=TESTER, mode=case.mode, stored=playbook.stored
    )
    try:
        run = start_run(stage.house, request)
    except MidwatchError as error:
        refused = finding_at(scenario, case.span, error.sentence, ScenarioRefusedError)
        return Played(scenario=scenario, run=RunId(""), seen=None, events=(), findings=(refused,))
    crowd = Crowd(stage=stage, run=run)
    _go(stage, crowd)
    events = stage.events(run)
    seen = seen_in(playbook.plan, fold(run, events), events)
    return Played(
        scenario=scenario,
        run=run,
        seen=seen,
        events=tuple(events),
        findings=tuple(_findings(stage, crowd, seen)),
        took_ms=stage.clock.now_ms() - scenario.start_ms,
    )


def _go(stage: Stage, crowd: Crowd) -> None:
    """Play until nothing more comes."""
    until_ms = stage.scenario.start_ms + PLAYED_MS_MAX
    for _ in range(STEPS_MAX):
        stage.drive()
        crowd.look()
        now_ms = stage.clock.now_ms()
        timers = stage.store.due(_FAR_MS, limit=1)
        moments = [timer.due_ms for timer in timers]
        if (next_ms := crowd.next_ms()) is not None:
            moments.append(next_ms)
        if not moments or min(moments) > until_ms:
            return
        stage.clock.advance(DurationMs(max(0, min(moments) - now_ms)))
        if timers and timers[0].due_ms <= stage.clock.now_ms():
            fire_due(stage.house)
        else:
            crowd.act()


def _findings(stage: Stage, crowd: Crowd, seen: Seen) -> Iterator[Finding]:
    scenario = stage.scenario
    for task in dict.fromkeys(stage.tools.unmocked):
        sentence = f"{task} called its tool, and `mocks:` has no {task}"
        yield finding_at(scenario, scenario.case.span, sentence, MockMissingError, task=task)
    for lost in crowd.lost:
        named = getattr(scenario.case, lost.key).get(lost.name)
        span: Span = scenario.case.span if named is None else named.span
        hint = f"`{lost.key}:` names {lost.name}"
        yield finding_at(scenario, span, f"{lost.name}: {lost.sentence}", lost.kind, hint=hint)
    if not seen.outcome:
        yield _parked(scenario, stage, seen)
    yield from differences(scenario, seen)


def _parked(scenario: Scenario, stage: Stage, seen: Seen) -> Finding:
    """Return what a run waits for in vain."""
    state = seen.state
    waits = [f"{state.hands[name].place[0]} waits for somebody to do it" for name in state.open_hands]
    waits += [f"{asked.task} waits for an answer" for asked in state.open_approvals]
    waits += [f"{key} is in doubt, and only a person can settle it" for key in sorted(state.doubted)]
    hint = "an outcome under `mocks:`" if state.open_hands else "what it waits for"
    said = "; ".join(waits) or "nothing of it is runnable"
    at = scenario.case.expect.get("ends")
    span = scenario.case.span if at is None else at.span
    moment = stage.clock.now_ms() - scenario.start_ms
    sentence = f"the run never ended: after {moment // 1000} s {said}"
    return finding_at(scenario, span, sentence, ScenarioParkedError, hint=hint)
