"""A small runbook and whole runs of it, as events that a real run could have written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from midwatch.base.canonical import frozen_value
from midwatch.base.classes import EffectClass, Mode, RetryClass
from midwatch.base.ids import Digest, Principal, StreamId, TaskName, ToolName
from midwatch.base.units import DurationMs, EpochMs
from midwatch.journal.events import Envelope, Erased, Event, Payload
from midwatch.journal.run_events import (
    AnswerRefused,
    ApprovalAnswered,
    ApprovalAsked,
    ApprovalClosed,
    ApprovalConsumed,
    ApprovalEscalated,
    CancelRequested,
    EffectConfirmed,
    EffectDispatched,
    EffectFailed,
    EffectInDoubt,
    EffectJudged,
    EffectProposed,
    EffectRead,
    EffectUndone,
    EffectVerified,
    EffectVoided,
    RunEnded,
    Rung,
    RunStarted,
    TaskFailed,
    TaskRouted,
    TaskSkipped,
    TaskStarted,
    TaskSucceeded,
    UndoRequested,
)
from midwatch.plan.model import (
    SEMANTICS,
    HitPolicy,
    Plan,
    PlanApproval,
    PlanBudget,
    PlanProbe,
    PlanTable,
    PlanTask,
    PlanTool,
    TaskKind,
)

RUN = "r-7k2m9x4q0z"
KEY = f"{RUN}/tidy/0/0/0"
UNDO_KEY = f"{RUN}/put_back/0/0/0"
ASKED = "a-3f9k2m"
ASKED_AGAIN = "a-8h4d1c"
START_MS = 1_795_000_000_000
POLICY = "sha256:" + "ab" * 32
PATHS = [{"path": "/home/ada/.cache/pip", "inode": "4711"}, {"path": "/home/ada/.npm", "inode": "815"}]
GONE = "args.paths.all(p, !probe.files.exists(f, f.path == p.path))"
THERE = "args.paths.all(p, probe.files.exists(f, f.path == p.path))"
WHEN_TIDY = 'space.rows.exists(r, r.remedy == "quarantine")'


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def name(text: str) -> TaskName:
    return TaskName(text)


def tool(tool_name: str, effect: EffectClass, **more: Any) -> PlanTool:
    retry = more.pop("retry", RetryClass.IDEMPOTENT)
    return PlanTool(
        tool=ToolName(tool_name),
        manifest=Digest(digest("0")),
        effect=effect,
        retry=retry,
        **{"args": {}, **more},
    )


def reading(task: str, tool_name: str, **more: Any) -> PlanTask:
    needs = tuple(name(need) for need in more.pop("needs", ()))
    return PlanTask(
        name=name(task),
        title=task.capitalize(),
        kind=TaskKind.COMMAND,
        prose="",
        needs=needs,
        call=tool(tool_name, EffectClass.READ, **more),
    )


def decision(task: str, table: PlanTable, **more: Any) -> PlanTask:
    return PlanTask(
        name=name(task), title=task.capitalize(), kind=TaskKind.DECISION, prose="", table=table, **more
    )


SPACE = PlanTable(
    hit=HitPolicy.RULE_ORDER,
    inputs=("disks.used_pct", "caches.worth_mb >= inputs.worth_mb && caches.count > 0"),
    outputs=("severity", "remedy", "finding"),
    rows=(
        (("[85..95)", "-"), ("warning", "person", "A file system fills up.")),
        ((">= 95", "-"), ("critical", "person", "{{ disks.fullest }} is about to be full.")),
        (("-", "true"), ("info", "quarantine", "Caches take up {{ caches.worth_mb }} MB.")),
    ),
)
VERDICT = PlanTable(
    hit=HitPolicy.FIRST,
    inputs=('space.rows.exists(r, r.remedy != "person")',),
    outputs=("next",),
    rows=((("true",), ("act",)), (("-",), ("nothing",))),
)
NOTE = PlanTable(
    hit=HitPolicy.FIRST,
    inputs=("verdict.next",),
    outputs=("note",),
    rows=((("act",), ("Left as it is.",)), (("-",), ("Nothing here needs doing.",))),
)


def made_plan(*, retry: RetryClass = RetryClass.KEYED, verify: bool = True) -> Plan:
    places = name("places")
    tidy = PlanTask(
        name=name("tidy"),
        title="Put the caches into quarantine",
        kind=TaskKind.COMMAND,
        prose="",
        needs=(name("ask"),),
        when=WHEN_TIDY,
        call=tool("files.quarantine", EffectClass.WRITE, retry=retry, args={"paths": "caches.entries"}),
        precondition=PlanProbe(probe=places, holds=THERE),
        verify=PlanProbe(probe=places, holds=GONE) if verify else None,
        undo=name("put_back"),
    )
    put_back = PlanTask(
        name=name("put_back"),
        title="Put the caches back",
        kind=TaskKind.COMMAND,
        prose="",
        call=tool("files.restore", EffectClass.WRITE, args={"moved": "tidy.moved"}),
        is_undo=True,
    )
    ask = PlanTask(
        name=name("ask"),
        title="Ask the Guardian",
        kind=TaskKind.APPROVAL,
        prose="",
        needs=(name("verdict"), places),
        when='verdict.next == "act"',
        approval=PlanApproval(
            actions=(name("tidy"),),
            question="Put this host in order?",
            ladder=(),
            expires_ms=DurationMs(86_400_000),
            on_timeout=name("leave"),
            on_deny=name("leave"),
        ),
    )
    return Plan(
        semantics=SEMANTICS,
        runbook="rounds",
        version="1.0.0",
        title="Rounds of this host",
        owner="team:guardians",
        document=Digest(digest("d")),
        program=Digest(digest("e")),
        mode=Mode.APPROVE,
        inputs={},
        tools=(),
        budget=PlanBudget(),
        ladder=(),
        tasks=(
            reading("disks", "host.filesystems"),
            reading("caches", "host.caches", args={"roots": "inputs.roots"}),
            decision("space", SPACE, needs=(name("disks"), name("caches"))),
            decision("verdict", VERDICT, needs=(name("space"),)),
            reading("places", "files.state", needs=("caches",), args={"paths": "caches.entries"}),
            ask,
            tidy,
            put_back,
            decision(
                "leave", NOTE, needs=(name("verdict"),), when='verdict.next == "nothing"', is_routed=True
            ),
        ),
    )


# -------------------------------------------------------------------------------------------- events


@dataclass
class MadeRun:
    """Events of one run, in the order in which they are added."""

    events: list[Event] = field(default_factory=list)
    now_ms: int = START_MS

    def add(self, *payloads: Payload, after_ms: int = 7, actor: str = "agent:rounds") -> "MadeRun":
        self.now_ms += after_ms
        for payload in payloads:
            n = len(self.events) + 1
            envelope = Envelope(
                stream=StreamId(f"run/{RUN}"),
                n=n,
                prev="0" * 64,
                type=payload.TYPE,
                type_v=1,
                at_ms=EpochMs(self.now_ms),
                cause=None if n == 1 else f"run/{RUN}#1",
                payload_commit="0" * 64,
            )
            self.events.append(Event(envelope=envelope, actor=Principal(actor), payload=payload))
        return self


def with_erased(events: list[Event], numbers: set[int]) -> list[Event]:
    return [replace(event, payload=Erased()) if event.envelope.n in numbers else event for event in events]


def decided(outcome: str, reasons: list[str], says: list[str], **more: Any) -> dict[str, Any]:
    return {
        "considered": [],
        "decision_v": 1,
        "errors": [],
        "facts": {"args": "untrusted/personal", "effect": "write", "mode": "approve", "undo_declared": True},
        "kind": "",
        "outcome": outcome,
        "policy": POLICY,
        "reasons": reasons,
        "requirement": None,
        "says": says,
        **more,
    }


READS = decided("allowed", ["reads"], ["Reading is allowed to what the runbook grants."])
ASKS = decided("asked", ["ask.writes"], ["In mode approve, people say yes to each write."])
WRITES = decided("allowed", ["writes.by_an_agent"], ["The mode lets tasks of the runbook act."])
FORBIDS = decided(
    "denied", ["forbidden.denied_before"], ["A person already refused this on this target in this run."]
)


def sealed(task: str, tool_name: str, args: Mapping[str, Any], target: str) -> dict[str, Any]:
    return {
        "agent": f"agent:rounds/{task}",
        "args": frozen_value(dict(args)),
        "guard": "tool/internal",
        "initiator": "system:start",
        "labels": dict.fromkeys(args, "untrusted/personal"),
        "precondition": None,
        "target": target,
        "task": task,
        "tool": tool_name,
    }


def read(
    task: str, tool_name: str, *, ms: int = 41, args: Mapping[str, Any] | None = None, **more: Any
) -> EffectRead:
    return EffectRead(
        **{
            "key": f"{RUN}/{task}/0/0/1",
            "task": task,
            "tool": tool_name,
            "action": digest("1"),
            "sealed": sealed(task, tool_name, args or {}, f"host:{task}"),
            "decision": READS,
            "ok": True,
            "started_ms": START_MS,
            "duration_ms": ms,
            **more,
        }
    )


def probe(purpose: str, *, holds: bool, files: list[dict[str, Any]], ms: int = 12) -> EffectRead:
    return read(
        "places",
        "files.state",
        ms=ms,
        key=f"{RUN}/places/0/1/9",
        out={"files": files},
        purpose=purpose,
        about=KEY,
        holds=holds,
    )


def done(task: str, out: Mapping[str, Any], *matched: int) -> TaskSucceeded:
    return TaskSucceeded(task=task, attempt=1, out=frozen_value(dict(out)), matched=list(matched))


def looked(*, used_pct: float = 96.5, worth_mb: int = 512) -> MadeRun:
    """Return a run that has read everything and decided."""
    made = MadeRun()
    made.add(
        RunStarted(
            run=RUN,
            plan=digest("c"),
            runbook="rounds",
            document=digest("d"),
            title="Rounds of this host",
            inputs={"worth_mb": 200, "roots": []},
            mode="approve",
            profile="solo",
            initiator="system:start",
            host="watch-1",
        ),
        actor="system:start",
    )
    made.add(
        read("disks", "host.filesystems", ms=18),
        done("disks", {"used_pct": used_pct, "fullest": "/var", "count": 3}),
    )
    made.add(
        read("caches", "host.caches", ms=640, args={"roots": []}),
        done("caches", {"worth_mb": worth_mb, "count": 2, "bytes": 536_870_912, "entries": PATHS}),
    )
    matched = [
        number for number, hit in ((1, 85 <= used_pct < 95), (2, used_pct >= 95), (3, worth_mb >= 200)) if hit
    ]
    rows = [dict(zip(SPACE.outputs, SPACE.rows[number - 1][1], strict=True)) for number in matched]
    made.add(done("space", {"rows": rows}, *matched))
    made.add(
        done("verdict", {"next": "act"}, 1) if worth_mb >= 200 else done("verdict", {"next": "nothing"}, 2)
    )
    made.add(read("places", "files.state", ms=9, args={"paths": PATHS}), done("places", {"files": PATHS}))
    return made


def ask(approval: str = ASKED, *, action: str = "2", supersedes: str = "") -> ApprovalAsked:
    return ApprovalAsked(
        approval=approval,
        task="ask",
        bundle=digest("b"),
        keys=[KEY],
        actions=[digest(action)],
        requirement={
            "approvers": ["team:guardians"],
            "count": 1,
            "name": "guardian",
            "second_person": False,
            "teams_distinct": False,
        },
        ladder=[
            Rung(ask="team:guardians", people=["ada", "bob"], from_ms=START_MS, until_ms=START_MS + 900_000)
        ],
        expires_ms=START_MS + 86_400_000,
        card="blob-1",
        policy=POLICY,
        question="Put this host in order?",
        supersedes=supersedes,
    )


def propose(action: str = "2") -> EffectProposed:
    return EffectProposed(
        key=KEY,
        task="tidy",
        tool="files.quarantine",
        action=digest(action),
        sealed=sealed("tidy", "files.quarantine", {"paths": PATHS}, "host:quarantine"),
    )


def judge(decision: dict[str, Any], outcome: str = "", action: str = "2") -> EffectJudged:
    return EffectJudged(
        key=KEY, action=digest(action), outcome=outcome or decision["outcome"], decision=decision
    )


def asked(made: MadeRun | None = None) -> MadeRun:
    made = made or looked()
    return made.add(
        probe("precondition", holds=True, files=PATHS),
        TaskStarted(task="ask", attempt=1),
        propose(),
        judge(ASKS),
        ask(),
    )


def answered(
    answer: str, *, by: str = "person:ada", why: str = "", approval: str = ASKED
) -> ApprovalAnswered:
    return ApprovalAnswered(
        approval=approval,
        bundle=digest("b"),
        answer=answer,
        by=by,
        surface="cli",
        latency_ms=124_000,
        card="blob-1",
        recorded_as="self-approved (solo)" if answer == "approve" else "",
        why=why,
    )


def sent(attempt: int = 1, action: str = "2") -> EffectDispatched:
    return EffectDispatched(
        key=KEY, action=digest(action), attempt=attempt, worker="w-1", deadline_ms=START_MS + 999_000, fence=1
    )


def approved(made: MadeRun | None = None) -> MadeRun:
    made = asked(made).add(
        AnswerRefused(
            approval=ASKED,
            answer="approve",
            by="person:eve",
            surface="cli",
            code="MW403",
            why="the ladder does not name you",
        ),
        after_ms=60_000,
    )
    made.add(ApprovalEscalated(approval=ASKED, rung=0, people=["ada"]), after_ms=4_000)
    made.add(answered("approve"), ApprovalClosed(approval=ASKED, outcome="approved"), after_ms=60_000)
    made.add(TaskSucceeded(task="ask", attempt=1, out={"answer": "approved", "by": ["person:ada"]}))
    return made.add(
        probe("precondition", holds=True, files=PATHS),
        judge(WRITES),
        ApprovalConsumed(approval=ASKED, key=KEY, action=digest("2")),
        TaskStarted(task="tidy", attempt=1),
        sent(),
    )


CONFIRMED = EffectConfirmed(
    key=KEY, out={"count": 2, "bytes": 536_870_912, "moved": PATHS}, duration_ms=83, cost_micro_usd=0
)


def skip_leave(made: MadeRun) -> MadeRun:
    return made.add(TaskSkipped(task="leave", why='its condition does not hold: verdict.next == "nothing"'))


def held() -> MadeRun:
    made = approved().add(CONFIRMED, after_ms=83)
    made.add(probe("verify", holds=True, files=[]))
    made.add(
        EffectVerified(key=KEY, holds=True, why=GONE),
        TaskSucceeded(task="tidy", attempt=1, out=CONFIRMED.out),
    )
    return skip_leave(made).add(RunEnded(outcome="resolved", why="every effect holds"))


def undone(status: str = "undone") -> MadeRun:
    made = held().add(UndoRequested(keys=[KEY], why="wrong folder"), after_ms=3_600_000, actor="person:ada")
    made.add(EffectUndone(key=KEY, status="undoing", by_key=UNDO_KEY, why="asked for"))
    restore = sealed("put_back", "files.restore", {"moved": PATHS}, "host:quarantine")
    allowed = decided("allowed", ["writes.by_a_person"], ["A person's own command acts."])
    made.add(
        EffectProposed(
            key=UNDO_KEY, task="put_back", tool="files.restore", action=digest("3"), sealed=restore
        ),
        EffectJudged(key=UNDO_KEY, action=digest("3"), outcome="allowed", decision=allowed),
        TaskStarted(task="put_back", attempt=1),
        EffectDispatched(
            key=UNDO_KEY, action=digest("3"), attempt=1, worker="w-1", deadline_ms=START_MS + 4_999_000
        ),
    )
    if status == "undone":
        made.add(
            EffectConfirmed(key=UNDO_KEY, out={"restored": 2}, duration_ms=55),
            TaskSucceeded(task="put_back", attempt=1, out={"restored": 2}),
            EffectUndone(key=KEY, status="undone", by_key=UNDO_KEY),
        )
        return made
    return made.add(
        EffectFailed(key=UNDO_KEY, code="MW533", why="it was purged"),
        TaskFailed(task="put_back", attempt=1, code="MW533", why="it was purged"),
        EffectUndone(key=KEY, status="undo_failed", by_key=UNDO_KEY, why="it was purged"),
    )


def left(made: MadeRun, because: str, outcome: str, why: str) -> MadeRun:
    made.add(TaskRouted(task="leave", by="ask", because=because))
    made.add(done("leave", {"note": "Left as it is."}, 1))
    made.add(TaskSkipped(task="tidy", why="`ask`, which it needs, failed"))
    return made.add(RunEnded(outcome=outcome, why=why))


def denied() -> MadeRun:
    made = asked().add(
        answered("deny", by="person:bob", why="not on a Friday"),
        ApprovalClosed(approval=ASKED, outcome="denied", why="not on a Friday"),
        EffectVoided(key=KEY, action=digest("2"), outcome="denied", why="not on a Friday"),
        after_ms=124_000,
    )
    made.add(TaskFailed(task="ask", attempt=1, code="MW451", why="not on a Friday"))
    return left(made, "on_deny", "no_action", "denied: not on a Friday")


def expired() -> MadeRun:
    why = "nobody entitled answered in time"
    made = asked().add(
        ApprovalClosed(approval=ASKED, outcome="expired", why=why),
        EffectVoided(key=KEY, action=digest("2"), outcome="expired", why=why),
        TaskFailed(task="ask", attempt=1, code="MW452", why=why),
        after_ms=86_400_000,
    )
    return left(made, "on_timeout", "escalated", why)


def sealed_anew() -> MadeRun:
    """Return a run whose leave went void, and whose question was put again."""
    made = asked().add(
        answered("approve"), ApprovalClosed(approval=ASKED, outcome="approved"), after_ms=124_000
    )
    why = "what would be sent is no longer what was sealed"
    made.add(
        EffectVoided(key=KEY, action=digest("2"), outcome="void", why=why),
        ApprovalClosed(approval=ASKED, outcome="void", why=why),
    )
    return made.add(
        propose("4"),
        judge(ASKS, action="4"),
        ask(ASKED_AGAIN, action="4", supersedes=ASKED),
    )


def in_doubt() -> MadeRun:
    doubt = EffectInDoubt(key=KEY, why="the worker that sent it is gone", settle_after_ms=START_MS + 300_000)
    return approved().add(doubt, after_ms=30_000)


def settled() -> MadeRun:
    made = in_doubt().add(probe("settle", holds=True, files=[]), EffectConfirmed(key=KEY, out={}, by="probe"))
    return made.add(probe("verify", holds=True, files=[]), EffectVerified(key=KEY, holds=True, why=GONE))


def failed() -> MadeRun:
    made = approved().add(
        EffectFailed(key=KEY, code="EXDEV", why="it lies on another device"),
        TaskFailed(task="tidy", attempt=1, code="EXDEV", why="it lies on another device"),
        after_ms=90,
    )
    return skip_leave(made).add(
        RunEnded(outcome="failed", why="`tidy` failed with EXDEV: it lies on another device")
    )


def unverified() -> MadeRun:
    made = approved().add(CONFIRMED).add(probe("verify", holds=False, files=PATHS))
    why = f"does not hold: {GONE}"
    made.add(
        EffectVerified(key=KEY, holds=False, why=why),
        TaskFailed(task="tidy", attempt=1, code="MW607", why=f"read back, and it {why}"),
        UndoRequested(keys=[KEY], why="its effect could not be verified"),
    )
    return made


def by_rule() -> MadeRun:
    """Return a run in mode auto: nobody is asked."""
    made = looked().add(
        propose(), judge(WRITES), done("ask", {"answer": "not needed", "by": []}), judge(WRITES), sent()
    )
    return made.add(CONFIRMED, after_ms=83)


def forbidden() -> MadeRun:
    made = looked().add(
        propose(),
        judge(FORBIDS),
        TaskFailed(task="ask", attempt=1, code="MW351", why="; ".join(FORBIDS["says"])),
    )
    made.add(TaskSkipped(task="tidy", why="`ask`, which it needs, failed"))
    return skip_leave(made).add(RunEnded(outcome="failed", why="`ask` failed with MW351"))


def nothing() -> MadeRun:
    made = looked(used_pct=61.25, worth_mb=12)
    made.add(TaskSkipped(task="ask", why='its condition does not hold: verdict.next == "act"'))
    made.add(TaskSkipped(task="tidy", why="`ask`, which it needs, was skipped"))
    made.add(done("leave", {"note": "Nothing here needs doing."}, 2))
    return made.add(RunEnded(outcome="no_action", why="there was nothing to do"))


def unread() -> MadeRun:
    """Return a run in which a tool could not read, twice, and that a person stopped."""
    made = MadeRun(events=looked().events[:1], now_ms=START_MS)
    for attempt in (1, 2):
        made.add(
            read("disks", "host.filesystems", ok=False, key=f"{RUN}/disks/0/0/{attempt}", attempt=attempt),
            TaskFailed(
                task="disks",
                attempt=attempt,
                code="MW520",
                why="no answer",
                retry_at_ms=START_MS + 90_000 if attempt == 1 else None,
            ),
        )
    made.add(TaskSkipped(task="space", why="`disks`, which it needs, failed"))
    made.add(CancelRequested(why="wrong host"), actor="person:ada")
    return made.add(RunEnded(outcome="cancelled", why="wrong host"))


RUNS: dict[str, Callable[[], MadeRun]] = {
    "held": held,
    "undone": undone,
    "undo failed": lambda: undone("undo_failed"),
    "denied": denied,
    "expired": expired,
    "sealed anew": sealed_anew,
    "in doubt": in_doubt,
    "settled": settled,
    "failed": failed,
    "unverified": unverified,
    "by rule": by_rule,
    "forbidden": forbidden,
    "nothing": nothing,
    "unread": unread,
}
