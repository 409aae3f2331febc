"""What a scenario gives: outcomes of calls, answers, hand-ins, events and faults, ready to be played.

Lists are read in order and their last entry repeats. A failure counts `times` (once inside a list, for
good when it stands alone), then comes what `then` says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from midwatch.base.units import SECOND_MS, DurationMs, EpochMs
from midwatch.runbook.blocks.fields import duration_ms
from midwatch.runbook.blocks.tests import moment_ms
from midwatch.runbook.model import TestCase
from midwatch.runbook.source import Source

START_MS = EpochMs(1_767_571_200_000)
"""2026-01-05T00:00:00Z, a Monday: what the clock shows at first, unless the scenario says."""
TIMEOUT = "timeout"
FAIL_CODE = "MW520"
"""What a tool's failure is called where the scenario gives no code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gives:
    """One outcome of a call or of work by hand: an output."""

    out: Mapping[str, Any]
    after_ms: DurationMs = DurationMs(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fails:
    """One outcome of a call or of work by hand: it was not done, for certain."""

    code: str = FAIL_CODE
    why: str = ""
    after_ms: DurationMs = DurationMs(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """One outcome of a call: nobody saw what became of it."""


Outcome = Gives | Fails | Silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a task's calls bring, one after the other."""

    outcomes: tuple[Outcome, ...]

    def at(self, index: int) -> Outcome:
        """Return the outcome of a call, counted from 0; the last one repeats."""
        return self.outcomes[min(index, len(self.outcomes) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """What somebody answers."""

    who: str
    approves: bool
    after_ms: DurationMs | None = None
    """From the question, or from its end where it is `late`; None is at once."""
    why: str = ""
    is_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrives:
    """An event, so long after the start."""

    name: str
    data: Mapping[str, Any]
    after_ms: DurationMs


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """The driver is gone at a task's step, as after `kill -9`, and another takes over."""

    task: str
    is_before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario, taken apart."""

    case: TestCase
    source: Source
    """Of the file that it stands in."""
    start_ms: EpochMs
    scripts: Mapping[str, Script] = field(default_factory=dict)
    answers: Mapping[str, tuple[Says | None, ...]] = field(default_factory=dict)
    """None where nobody answers."""
    events: tuple[Arrives, ...] = ()
    crashes: tuple[Crash, ...] = ()
    stop_ms: DurationMs | None = None

    @property
    def name(self) -> str:
        """Its name, for people."""
        return self.case.name


def scenario_of(case: TestCase, source: Source) -> Scenario:
    """Return a scenario that lint found nothing wrong with."""
    scripts = {task: Script(outcomes=_outcomes(at.value)) for task, at in case.mocks.items()}
    faults = [at.value for at in case.faults]
    for fault in faults:
        task = str(fault.get("fail") or fault.get("silent") or "")
        if task and "crash" not in fault:
            first: Outcome = Silent() if "silent" in fault else _failure(fault, str(fault.get("code", "")))
            before = (first,) * int(fault.get("times", 1))
            later = scripts[task].outcomes if task in scripts else ()
            scripts[task] = Script(outcomes=(*before, *later))
    stops = [_ms(fault["stop"]) for fault in faults if "stop" in fault]
    return Scenario(
        case=case,
        source=source,
        start_ms=EpochMs(moment_ms(case.start.value) or 0) if case.start is not None else START_MS,
        scripts=scripts,
        answers={task: tuple(_says(each) for each in _list(at.value)) for task, at in case.answers.items()},
        events=tuple(
            Arrives(name=name, data=each.get("data", {}), after_ms=_ms(each.get("after", "")))
            for name, at in case.events.items()
            for each in _list(at.value)
        ),
        crashes=tuple(
            Crash(task=str(fault["task"]), is_before=fault["crash"] == "before")
            for fault in faults
            if "crash" in fault
        ),
        stop_ms=stops[0] if stops else None,
    )


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _ms(text: str) -> DurationMs:
    return DurationMs((duration_ms(text) or 0) if text else 0)


def _outcomes(value: Any) -> tuple[Outcome, ...]:
    found = [outcome for each in _list(value) for outcome in _each(each)]
    return tuple(found) or (Gives(out={}),)


def _each(value: Mapping[str, Any]) -> list[Outcome]:
    if "fail" not in value:
        out = {name: part for name, part in value.items() if name != "after"}
        return [Gives(out=out, after_ms=_ms(str(value.get("after", ""))))]
    failures = [_failure(value, str(value["fail"]))] * int(value.get("times", 1))
    return [*failures, *(_each(value["then"]) if "then" in value else ())]


def _failure(value: Mapping[str, Any], code: str) -> Outcome:
    if code == TIMEOUT:
        return Silent()
    said = str(value.get("why") or "the scenario says so")
    return Fails(code=code or FAIL_CODE, why=said)


def _says(value: Any) -> Says | None:
    if value == TIMEOUT:
        return None
    after = _ms(value["after"]) if "after" in value else None
    if "late" in value:
        return Says(who=value["late"], approves=True, after_ms=after or DurationMs(SECOND_MS), is_late=True)
    approves = "approve" in value
    who = value["approve"] if approves else value["deny"]
    return Says(who=who, approves=approves, after_ms=after, why=value.get("why", ""))
