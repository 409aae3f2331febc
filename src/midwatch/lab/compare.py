"""Expectations against what came: one finding for each difference, at the place of the expectation."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from midwatch.base.errors import MidwatchError
from midwatch.lab.errors import ScenarioDiffersError
from midwatch.lab.scenario import Scenario
from midwatch.lab.seen import Seen
from midwatch.run.state import TaskStatus
from midwatch.runbook.model import At
from midwatch.runbook.source import Finding, Span

_NUMBERS = ("effects", "asks", "rungs", "notified")
_MISSING = object()


def finding_at(
    scenario: Scenario, span: Span, sentence: str, kind: type[MidwatchError], **facts: str
) -> Finding:
    """Return a finding about a scenario, at a place of its document."""
    told = {"scenario": scenario.name, "file": scenario.source.part(span.start).name, **facts}
    return scenario.source.finding(kind, f"{scenario.name}: {sentence}", span.start, **told)


def differences(scenario: Scenario, seen: Seen) -> Iterator[Finding]:
    """Yield a finding for each expectation that did not come true."""
    for key, at in scenario.case.expect.items():
        if key.startswith("x-"):
            continue
        for sentence in _differs(key, at, seen):
            yield finding_at(scenario, at.span, sentence, ScenarioDiffersError)


def _differs(key: str, at: At[Any], seen: Seen) -> Iterator[str]:
    wanted = at.value
    match key:
        case "path":
            yield from _path(wanted, seen)
        case "ends":
            came = seen.outcome or "not at all: it goes on"
            if wanted != seen.outcome:
                why = f", because {seen.state.why}" if seen.state.why else ""
                yield f"it was to end `{wanted}`, and ended {_code(came)}{why}"
        case "undone":
            yield from _same(key, _texts(wanted), seen.undone)
        case "failed":
            yield from _same(key, _texts(wanted), seen.with_status(TaskStatus.FAILED))
        case "skipped":
            skipped = seen.with_status(TaskStatus.SKIPPED)
            missing = [name for name in _texts(wanted) if name not in skipped]
            if missing:
                others = _listed(skipped)
                yield f"{_listed(missing)} was to be skipped, and was not; skipped were {others}"
        case "outputs":
            for task, part in wanted.items():
                out = seen.state.task(task).out
                yield from _subset(part, out, f"the output of {task}")
        case "out":
            yield from _subset(wanted, seen.out, "the run's `out`")
        case _:
            assert key in _NUMBERS, "lint knows every key"
            came_number = getattr(seen, key)
            if wanted != came_number:
                yield f"`{key}` was to be {wanted}, and is {came_number}"


def _code(text: str) -> str:
    return f"`{text}`" if " " not in text else text


def _texts(value: Any) -> list[str]:
    return [str(each) for each in (value if isinstance(value, list) else [value])]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _path(value: Any, seen: Seen) -> Iterator[str]:
    wanted = _texts(value)
    came = list(seen.path(wanted))
    if came == wanted:
        return
    at = next(
        (index for index, pair in enumerate(zip(wanted, came, strict=False)) if pair[0] != pair[1]),
        min(len(wanted), len(came)),
    )
    expected = wanted[at] if at < len(wanted) else "the end"
    found = came[at] if at < len(came) else "the end"
    behind = f"after {wanted[at - 1]}" if at else "at first"
    yield (
        f"{behind} was to come {expected}, and came {found}"
        f"\n  expected: {' → '.join(wanted)}\n  came:     {' → '.join(came)}"
    )


def _same(key: str, wanted: Sequence[str], came: Sequence[str]) -> Iterator[str]:
    if sorted(wanted) != sorted(came):
        yield f"{key} was to be {_listed(wanted)}, and is {_listed(came)}"


def _subset(wanted: Any, came: Any, what: str) -> Iterator[str]:
    """Yield where a value is not within another; of mappings only the named fields count."""
    if isinstance(wanted, Mapping):
        if not isinstance(came, Mapping):
            yield f"{what} was to be {_shown(wanted)}, and is {_shown(came)}"
            return
        for name, part in wanted.items():
            yield from _subset(part, came.get(name, _MISSING), f"{what}.{name}")
    elif isinstance(wanted, list):
        if not isinstance(came, (list, tuple)) or len(wanted) != len(came):
            yield f"{what} was to be {_shown(wanted)}, and is {_shown(came)}"
            return
        for index, (one, other) in enumerate(zip(wanted, came, strict=True)):
            yield from _subset(one, other, f"{what}[{index}]")
    elif came is _MISSING or isinstance(wanted, bool) != isinstance(came, bool) or wanted != came:
        yield f"{what} was to be {_shown(wanted)}, and is {_shown(came)}"


def _shown(value: Any) -> str:
    if value is _MISSING:
        return "not there"
    return json.dumps(value, ensure_ascii=False, default=list)
