"""From a run that took place to a scenario that takes the same path.

Outputs become mocks, answers and hand-ins keep their moments, and what happened is what is expected.
Fields that are personal or secret are replaced by samples of their schema; where a path hangs on such a
field, the sample has to be corrected by hand.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from midwatch.app.drive.jobs.tell import rfc3339
from midwatch.base.canonical import thawed_value
from midwatch.base.classes import Confidentiality
from midwatch.base.ids import RunId, TaskName, ToolName
from midwatch.base.units import EpochMs
from midwatch.effects.manifest import Manifest
from midwatch.journal.events import Erased, Event
from midwatch.journal.run_events import (
    ApprovalAnswered,
    ApprovalAsked,
    CancelRequested,
    ChildCalled,
    ChildEnded,
    EffectConfirmed,
    EffectFailed,
    EffectInDoubt,
    EffectProposed,
    EffectRead,
    HandAsked,
    HandDone,
    RunStarted,
    SignalReceived,
    TaskFailed,
    TaskSucceeded,
)
from midwatch.lab.errors import NotRecordableError
from midwatch.lab.recording.sample import Disguise
from midwatch.lab.seen import Seen, seen_in
from midwatch.plan.model import Plan
from midwatch.run.evolve import fold
from midwatch.run.state import TaskStatus

_HIDDEN = frozenset({Confidentiality.PERSONAL, Confidentiality.SECRET})


@dataclass(slots=True)
class _Recording:
    plan: Plan
    manifests: Mapping[ToolName, Manifest]
    begun_ms: EpochMs = EpochMs(0)
    given: Mapping[str, Any] = field(default_factory=dict)
    mode: str = ""
    mocks: dict[str, list[Any]] = field(default_factory=dict)
    answers: dict[str, list[Any]] = field(default_factory=dict)
    """What was said to each question."""
    events: dict[str, list[Any]] = field(default_factory=dict)
    stop_ms: int | None = None
    hidden: dict[str, None] = field(default_factory=dict)
    """`task.field` of what was replaced."""
    disguise: Disguise = field(default_factory=Disguise)
    effects: dict[str, str] = field(default_factory=dict)
    """Key of each effect to its task."""
    questions: dict[str, ApprovalAsked] = field(default_factory=dict)
    hands: dict[str, HandAsked] = field(default_factory=dict)
    children: dict[str, str] = field(default_factory=dict)

    def take(self, events: Sequence[Event]) -> None:
        for number, event in enumerate(events):
            fact = event.payload
            match fact:
                case Erased():
                    raise NotRecordableError("part of the run's journal was erased")
                case RunStarted():
                    self.begun_ms, self.mode = event.envelope.at_ms, fact.mode
                    self.given = thawed_value(fact.inputs)
                case EffectRead():
                    self._read(fact, events[number + 1 :])
                case EffectProposed():
                    self.effects[fact.key] = fact.task
                case EffectConfirmed(by="tool"):
                    self._mock(self.effects[fact.key], self._shown(self.effects[fact.key], fact.out))
                case EffectFailed(by="tool"):
                    self._mock(self.effects[fact.key], {"fail": fact.code, "why": fact.why})
                case EffectInDoubt():
                    self._mock(self.effects[fact.key], {"fail": "timeout"})
                case ApprovalAsked():
                    self.questions[fact.approval] = fact
                case ApprovalAnswered():
                    self._answered(fact)
                case HandAsked():
                    self.hands[fact.hand] = fact
                case HandDone():
                    self._done(fact)
                case ChildCalled():
                    self.children[fact.child] = fact.task
                case ChildEnded():
                    self._child(fact)
                case SignalReceived():
                    after = duration_text(event.envelope.at_ms - self.begun_ms)
                    one = {"data": thawed_value(fact.data), "after": after}
                    self.events.setdefault(fact.name, []).append(one)
                case CancelRequested():
                    self.stop_ms = event.envelope.at_ms - self.begun_ms
                case _:
                    pass

    def _mock(self, task: str, outcome: Any) -> None:
        self.mocks.setdefault(task, []).append(outcome)

    def _read(self, read: EffectRead, later: Sequence[Event]) -> None:
        if read.purpose != "task":
            if read.ok:
                self._mock(read.task, self._shown(read.task, read.out))
            elif read.tool:
                self._mock(read.task, {"fail": "MW520"})
            else:
                out = thawed_value(read.out)
                self._mock(read.task, {"fail": out.get("code", "MW520"), "why": out.get("why", "")})
            return
        settled = next(
            event.payload
            for event in later
            if isinstance(event.payload, TaskSucceeded | TaskFailed)
            and (event.payload.task, event.payload.iteration) == (read.task, read.iteration)
        )
        if isinstance(settled, TaskSucceeded):
            self._mock(read.task, self._shown(read.task, settled.out))
        else:
            self._mock(read.task, {"fail": settled.code, "why": settled.why})

    def _answered(self, fact: ApprovalAnswered) -> None:
        person = fact.by.removeprefix("person:")
        rungs = self.questions[fact.approval].ladder
        who = next((rung.ask for rung in rungs if person in rung.people), fact.by)
        said = {fact.answer: who, "after": duration_text(fact.latency_ms)}
        if fact.why:
            said["why"] = fact.why
        self.answers.setdefault(fact.approval, []).append(said)

    def _done(self, fact: HandDone) -> None:
        asked = self.hands[fact.hand]
        if asked.purpose == "escalation":
            return
        if not fact.ok:
            self._mock(asked.task, {"fail": "MW520", "why": fact.note or "given up"})
            return
        out = thawed_value(fact.out)
        self._mock(asked.task, {**out, "after": duration_text(fact.latency_ms)})

    def _child(self, fact: ChildEnded) -> None:
        task = self.children[fact.child]
        accepted = self.plan.task(TaskName(task)).callee
        is_fine = accepted is not None and fact.outcome in accepted.accept
        self._mock(task, thawed_value(fact.out) if is_fine else {"fail": fact.outcome, "why": fact.why})

    def _shown(self, name: str, out: Mapping[str, Any]) -> dict[str, Any]:
        """Return an output whose personal and secret fields are samples."""
        task = self.plan.task(TaskName(name))
        manifest = self.manifests.get(task.call.tool) if task.call is not None else None
        shown: dict[str, Any] = thawed_value(dict(out))
        if manifest is None:
            return shown
        schemas = {**manifest.out.get("properties", {}), **task.out.get("properties", {})}
        for part, value in shown.items():
            if manifest.label_of(part).confidentiality in _HIDDEN:
                self.hidden.setdefault(f"{name}.{part}")
                shown[part] = self.disguise.of(value, schemas.get(part, {}))
        return shown


def recorded(
    plan: Plan, events: Sequence[Event], manifests: Mapping[ToolName, Manifest], *, name: str
) -> str:
    """Return the text of a `tests:` file with one scenario that goes as the run went.

    Args:
        plan: the one that the run is bound to.
        events: all of one run, in order.
        manifests: every declared tool, for the labels of what it gives.
        name: what the scenario is called.

    Raises:
        NotRecordableError: MW657, the run goes on, or was erased in part.
    """
    recording = _Recording(plan=plan, manifests=manifests)
    recording.take(events)
    first = events[0].payload
    if not isinstance(first, RunStarted):
        raise NotRecordableError("the run's first fact is missing")
    seen = seen_in(plan, fold(RunId(first.run), events), events)
    if not seen.outcome:
        raise NotRecordableError("the run has not ended")
    return _text(recording, seen, name)


def _text(recording: _Recording, seen: Seen, name: str) -> str:
    """Return YAML: JSON's flow style for the values, so that nothing is quoted in two ways."""
    lines = [f"# Made from {seen.state.run}, a run of {recording.plan.runbook}."]
    if recording.hidden:
        lines.append("# Samples in the place of personal and secret values, to be corrected where a path")
        lines.append(f"# hangs on them: {', '.join(recording.hidden)}.")
    lines.append("tests:")
    lines.append(f"  - name: {_json(name)}")
    lines.append(f"    start: {_json(rfc3339(recording.begun_ms))}")
    lines.append(f"    mode: {recording.mode}")
    if recording.given:
        lines.append(f"    given: {_json(recording.given)}")
    lines.extend(_section("mocks", {task: _few(all_) for task, all_ in recording.mocks.items()}))
    lines.extend(_section("answers", _said(recording)))
    lines.extend(_section("events", recording.events))
    if recording.stop_ms is not None:
        lines.append(f"    faults: {_json([{'stop': duration_text(recording.stop_ms)}])}")
    lines.extend(_section("expect", _expected(recording, seen)))
    return "\n".join(lines) + "\n"


def _said(recording: _Recording) -> dict[str, Any]:
    """Return the answers by task, in the order of the questions; one that nobody answered says so."""
    said: dict[str, list[Any]] = {}
    for approval, asked in recording.questions.items():
        said.setdefault(asked.task, []).extend(recording.answers.get(approval, ["timeout"]))
    return {task: _few(answers) for task, answers in said.items()}


def _few(values: list[Any]) -> Any:
    """Return one value for many that are equal; the last of a list repeats."""
    while len(values) > 1 and values[-1] == values[-2] and "fail" not in values[-1]:
        values = values[:-1]
    return values[0] if len(values) == 1 and "fail" not in values[0] else values


def _expected(recording: _Recording, seen: Seen) -> dict[str, Any]:
    expected: dict[str, Any] = {
        "path": list(seen.path()),
        "ends": seen.outcome,
        "effects": seen.effects,
        "asks": seen.asks,
    }
    failed = seen.with_status(TaskStatus.FAILED)
    if failed:
        expected["failed"] = list(failed)
    if seen.undone:
        expected["undone"] = list(seen.undone)
    if seen.notified:
        expected["notified"] = seen.notified
    out = {key: value for key, value in seen.out.items() if value is not None}
    if out and not recording.hidden:
        expected["out"] = out
    return expected


def _section(name: str, values: Mapping[str, Any]) -> list[str]:
    if not values:
        return []
    return [f"    {name}:", *(f"      {key}: {_json(value)}" for key, value in values.items())]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=list)


def duration_text(duration_ms: int) -> str:
    """Return a length of time as runbooks write it; `1ms` for none, which a runbook can't write."""
    left, text = max(1, duration_ms), ""
    for unit, size_ms in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        count, left = divmod(left, size_ms)
        text += f"{count}{unit}" if count else ""
    return text
