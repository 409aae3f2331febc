"""What the plan of the whole language says, its labels through loops, waits and calls, and its rules."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from midwatch.base.classes import EffectClass, Mode
from midwatch.base.ids import TaskName
from midwatch.base.labels import Label, label_from
from midwatch.base.units import DurationMs
from midwatch.plan import check
from midwatch.plan.check import check_executable, check_plan
from midwatch.plan.codec import plan_bytes, plan_digest, plan_from
from midwatch.plan.compile import Compiled
from midwatch.plan.errors import NotExecutableError
from midwatch.plan.model import (
    OnStop,
    Plan,
    PlanLoop,
    PlanNotice,
    PlanRetry,
    PlanRung,
    PlanTask,
    WaitFor,
)
from unit.plan.documents import GOOD, MANIFESTS, report_on
from unit.plan.whole import COMMON, FILES, OTHER, WHOLE, changed, whole_report


def compiled(text: str = WHOLE, files: dict[str, str] | None = None) -> Compiled:
    return known(text, tuple(sorted((files or FILES).items())))


@cache
def known(text: str, files: tuple[tuple[str, str], ...]) -> Compiled:
    found = whole_report(text, dict(files)).compiled
    assert found is not None
    return found


def plan_of(text: str = WHOLE) -> Plan:
    return compiled(text).plan


def task_of(name: str, text: str = WHOLE) -> PlanTask:
    return plan_of(text).task(TaskName(name))


def test_the_header() -> None:
    plan = plan_of()
    assert plan.on_stop is OnStop.LEAVE
    assert plan.values == {"moved": "size(move.items)", "note": "hand.note"}
    assert plan.out["properties"]["moved"] == {"type": ["integer", "null"]}
    assert list(plan.includes) == ["common.runbook.md"]
    assert plan.includes["common.runbook.md"].startswith("sha256:")


def test_loops_and_retries() -> None:
    assert task_of("move").loop == PlanLoop(
        each="measure.files", name="file", goes_on=True, times_max=5, parallel=1
    )
    measure = task_of("measure")
    assert measure.loop == PlanLoop(
        until="size(measure.files) > 0", every_ms=DurationMs(30_000), times_max=10
    )
    assert measure.retry == PlanRetry(
        attempts_max=2,
        backoff_ms=DurationMs(1_000),
        backoff_ms_max=DurationMs(4_000),
        codes=("timeout", "MW520"),
    )
    hosts = task_of("hosts").loop
    assert hosts is not None
    assert (hosts.times_max, hosts.parallel) == (8, 4)


def test_the_smaller_limit_of_items_counts() -> None:
    loop = task_of("move", changed("max: 5\n", "max: 900\n")).loop
    assert loop is not None
    assert loop.times_max == 5


def test_waits() -> None:
    waits = {name: task_of(name).wait for name in ("breathe", "later", "deployed", "space")}
    assert all(wait is not None for wait in waits.values())
    kinds = {name: wait.kind for name, wait in waits.items() if wait is not None}
    assert kinds == {
        "breathe": WaitFor.TIME,
        "later": WaitFor.TIME,
        "deployed": WaitFor.EVENT,
        "space": WaitFor.PROBE,
    }
    space = waits["space"]
    assert space is not None
    assert (space.probe, space.every_ms, space.within_ms, space.on_timeout) == (
        "look",
        60_000,
        1_800_000,
        "hand",
    )
    deployed = waits["deployed"]
    assert deployed is not None
    assert deployed.on_timeout == "continue"
    assert set(task_of("space").out["properties"]) == {"used_pct", "files"}


def test_hands_and_notices() -> None:
    hand = task_of("hand").hand
    assert hand is not None
    assert hand.ladder == (PlanRung(ask="team:ops", within_ms=DurationMs(900_000)),)
    assert hand.on_timeout == "tell"
    cause = task_of("cause")
    assert cause.hand is not None
    assert [rung.ask for rung in cause.hand.ladder] == ["oncall:ops", "manager:ops"]
    assert cause.tools == ("disk.read",)
    assert cause.budget is not None
    assert (cause.budget.tokens, cause.budget.tool_calls, cause.timeout_ms) == (4000, 5, 600_000)
    tell, emit = task_of("tell").notice, task_of("emit").notice
    assert tell is not None
    assert (tell.to, tell.via) == (("team:ops", "person:kim"), ("chat",))
    assert emit is not None
    assert emit.emit is not None
    assert (emit.emit.type, emit.emit.literals) == ("com.example.disk", {"ok": True})


def test_joins_routes_and_what_runs_at_the_end() -> None:
    plan = plan_of()
    assert task_of("ask").join == "2"
    assert {task.name for task in plan.tasks if task.is_finally} == {"emit", "bye"}
    assert {task.name for task in plan.tasks if task.is_routed} == {"hand", "tell"}
    assert [task_of(name).on_fail for name in ("login", "look", "move")] == ["escalate", "continue", "undo"]


def test_a_callee_is_pinned_by_the_digest_of_its_plan() -> None:
    found = compiled()
    callee = found.plan.task(TaskName("hosts")).callee
    assert callee is not None
    assert callee.plan in found.callees
    assert plan_digest(found.callees[callee.plan]) == callee.plan
    assert callee.accept == ("resolved", "no_action", "escalated")
    assert (callee.inputs, callee.literals) == ({"host": "host", "secret": "inputs.token"}, {"limit": 3})
    other = compiled(files={**FILES, "other.runbook.md": OTHER.replace("# Check a host", "# Check one")})
    assert other.callees.keys() != found.callees.keys()


def test_a_plan_of_everything_keeps_the_rules_and_comes_back_from_its_bytes() -> None:
    found = compiled()
    for plan in (found.plan, *found.callees.values()):
        assert check_plan(plan) == []
        assert plan_from(plan_bytes(plan)) == plan


def test_what_is_included_counts_in_the_digest_of_the_document() -> None:
    prose = compiled(files={**FILES, "common.runbook.md": COMMON + "\nMore words.\n"}).plan
    assert prose.document != plan_of().document


# --------------------------------------------------------------------------------------------- labels


def labels_of(name: str, text: str = WHOLE) -> dict[str, Label]:
    call = task_of(name, text).call
    assert call is not None
    return dict(call.labels)


def test_an_item_has_the_label_of_its_list() -> None:
    labels = labels_of("move")
    assert labels["paths"] == label_from("untrusted/personal")
    assert labels["days"] == label_from("untrusted/personal")  # how many there are is chosen, too
    assert labels_of("put_back")["moved"] == label_from("untrusted/personal")


def test_the_iteration_before_has_the_label_of_what_the_task_gives() -> None:
    text = changed("reason: \"has(previous.moved) ? 'more' : 'first'\"", "reason: \"'plain'\"")
    assert labels_of("move", text)["reason"] == label_from("trusted/public")
    assert labels_of("move")["reason"] == label_from("tool/internal")


def test_who_owns_a_list_decides_whether_something_runs() -> None:
    assert task_of("move").guard == label_from("untrusted/personal")
    assert task_of("measure").guard == label_from("trusted/public")


def test_events_are_untrusted_and_so_is_what_waits_for_one() -> None:
    late = changed("needs: [space]\nforeach: inputs.hosts", "needs: [deployed]\nforeach: inputs.hosts")
    assert task_of("hosts", late).guard.integrity == "untrusted"


def test_a_callee_is_compiled_with_the_labels_of_what_it_is_given() -> None:
    found = compiled()
    (callee,) = found.callees.values()
    call = callee.task(TaskName("read")).call
    assert call is not None
    assert call.labels["bound"].integrity == "operator"
    assert callee.task(TaskName("read")).guard.integrity == "untrusted"  # below untrusted items
    tainted = compiled(
        changed("with: {host: host,", "with: {host: deployed.app,").replace(
            "needs: [space]\nforeach", "needs: [space, deployed]\nforeach"
        )
    )
    (callee,) = tainted.callees.values()
    call = callee.task(TaskName("read")).call
    assert call is not None
    assert call.labels["bound"].integrity == "untrusted"


def test_a_secret_stays_one_through_a_call() -> None:
    login = task_of("login").call
    assert login is not None
    assert login.labels["token"] == label_from("operator/secret")


# ----------------------------------------------------------------------------------------- the rules


def with_task(name: str, **changes: Any) -> Plan:
    plan = plan_of()
    tasks = tuple(replace(task, **changes) if task.name == name else task for task in plan.tasks)
    return replace(plan, tasks=tasks)


def with_part(name: str, part: str, **changes: Any) -> Plan:
    return with_task(name, **{part: replace(getattr(task_of(name), part), **changes)})


BROKEN = {
    "loop over items and rounds": lambda: with_part("move", "loop", until="true"),
    "no limit of items": lambda: with_part("move", "loop", times_max=0),
    "loop out of bounds": lambda: with_part("move", "loop", parallel=33),
    "can't have a loop": lambda: with_task("breathe", loop=PlanLoop(each="measure.files", times_max=2)),
    "doesn't say what it waits for": lambda: with_part("deployed", "wait", event=""),
    "may wait for ever": lambda: with_part("deployed", "wait", within_ms=DurationMs(0)),
    "probes without a pause": lambda: with_part("space", "wait", every_ms=DurationMs(0)),
    "doesn't only read once": lambda: with_part("space", "wait", probe=TaskName("measure")),
    "tells people and emits": lambda: with_task("tell", notice=PlanNotice(to=("team:ops",))),
    "is given to nobody": lambda: with_part("hand", "hand", ladder=()),
    "for no time": lambda: with_part(
        "hand", "hand", ladder=(PlanRung(ask="team:ops", within_ms=DurationMs(0)),)
    ),
    "has nothing to do": lambda: with_task("hosts", callee=None),
    "of several kinds": lambda: with_task("breathe", hand=task_of("hand").hand),
    "negative retry": lambda: with_part("measure", "retry", backoff_ms_max=DurationMs(-1)),
    "negative time": lambda: with_task("cause", timeout_ms=DurationMs(-1)),
    "joins by": lambda: with_task("ask", join="4"),
    "only one of them runs at the end": lambda: with_task("emit", needs=(TaskName("hand"),)),
    "can't run at the end": lambda: with_task("emit", ends={"resolved": "true"}),
    "to be undone but has no undo": lambda: with_task("login", on_fail="undo"),
    "nothing does that": lambda: with_task("sort", is_routed=True),
    "names nobody": lambda: with_part("space", "wait", on_timeout="nobody"),
    "reads file": lambda: with_task("move", when="file.path == ''"),
    "reads previous": lambda: with_part("move", "loop", parallel=2),
    "reads hand": lambda: with_part("measure", "loop", until="hand.note == ''"),
    "reads event": lambda: with_part("later", "wait", at="event.at"),
    "outputs and their values": lambda: replace(plan_of(), values={}),
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_a_planted_fault_is_named(sentence: str) -> None:
    problems = check_plan(BROKEN[sentence]())
    assert any(sentence in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("name", "changes", "what"),
    [
        ("move", {"loop": PlanLoop(each="measure.files", times_max=2)}, "foreach"),
        ("move", {"loop": PlanLoop(until="true", times_max=2)}, "until"),
        ("leave", {"is_finally": True}, "finally"),
        ("move", {"on_fail": "continue"}, "on_fail: continue"),
        ("drop", {"on_fail": "undo"}, "without an undo"),
        ("move", {"join": "1"}, "with a number"),
    ],
)
def test_what_a_release_cant_run_is_named(
    name: str, changes: dict[str, Any], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "PARTS_EXECUTABLE", frozenset())
    plan = report_on(GOOD).plan
    assert plan is not None
    tasks = tuple(replace(task, **changes) if task.name == name else task for task in plan.tasks)
    with pytest.raises(NotExecutableError, match=what) as caught:
        check_executable(replace(plan, tasks=tasks))
    assert caught.value.code == "MW190"


def test_the_mode_of_a_callee_is_its_own_and_its_tools_only_read() -> None:
    (callee,) = compiled().callees.values()
    assert callee.mode is Mode.OBSERVE
    assert all(MANIFESTS[tool].effect is EffectClass.READ for tool in callee.tools)
