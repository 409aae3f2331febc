"""What became of a run: its outcome, each effect read back, what it cost, and what to type next."""

from typing import TYPE_CHECKING, Any

from midwatch.approvals.arguments import argument_lines
from midwatch.approvals.visible import visible
from midwatch.base.classes import Outcome
from midwatch.cli.errors import EXIT_FAILED, EXIT_OK
from midwatch.cli.screen import Screen, Styled
from midwatch.cli.standing.cards import question_record, show_question
from midwatch.cli.standing.follow import Follower, Rest, doubts
from midwatch.cli.standing.kinds import hand_record, show_hand
from midwatch.cli.standing.seals import position_of
from midwatch.cli.words import ahead, count, money, stamp
from midwatch.effects.ledger import EffectStatus
from midwatch.plan.model import Plan
from midwatch.policy.decision import Denial
from midwatch.run.dataflow import undoable
from midwatch.run.state import EffectState, RunState, TaskStatus

if TYPE_CHECKING:
    from midwatch.wiring.opening import Opened

_OUTCOMES = {
    Outcome.RESOLVED: ("Done.", "green"),
    Outcome.NO_ACTION: ("Nothing to do.", "green"),
    Outcome.ESCALATED: ("This needs a person.", "yellow"),
    Outcome.FAILED: ("It failed.", "red"),
    Outcome.CANCELLED: ("Cancelled.", "yellow"),
}
_STATUS_WORDS = {
    EffectStatus.VERIFIED: "done, read back, it holds",
    EffectStatus.UNVERIFIED: "done, but reading back does not show it",
    EffectStatus.CONFIRMED: "done",
    EffectStatus.UNDONE: "undone, read back",
    EffectStatus.UNDO_FAILED: "could not be undone",
    EffectStatus.IN_DOUBT: "nobody saw it end",
    EffectStatus.FAILED: "did not happen",
    EffectStatus.DENIED: "denied",
    EffectStatus.EXPIRED: "nobody answered",
    EffectStatus.VOID: "void: what it relied on changed",
}


def show_rest(screen: Screen, opened: "Opened", follower: Follower, rest: Rest) -> None:
    """Write why the run rests, and what to type."""
    state, house = follower.state, opened.house
    match rest.kind:
        case "asks":
            for asked in state.open_approvals:
                show_question(screen, house, state, asked)
        case "in_doubt":
            _show_doubts(screen, state, house.clock.now_ms())
        case "by_hand":
            for hand in state.open_hands:
                show_hand(screen, house, state.hands[hand])
        case "waits":
            _show_waits(screen, state)
        case "later":
            assert rest.until_ms is not None, "a later moment is a moment"
            words = f"It goes on {ahead(rest.until_ms, house.clock.now_ms())}, at {stamp(rest.until_ms)}"
            screen.line(f"{words}: at the next command then, or by itself under `midwatch server`.")
        case _:
            show_outcome(screen, state)


def _show_waits(screen: Screen, state: RunState) -> None:
    for name, wait in state.waits.items():
        if wait.event and state.task(name).status is TaskStatus.STARTED:
            screen.line(f"`{name}` waits: `midwatch signal {state.run} {visible(wait.event)}`")
    for child in state.live_children:
        screen.line(f"It waits for {child}, which it called: `midwatch show {child}`")


def show_outcome(screen: Screen, state: RunState) -> None:
    """Write how a run ended."""
    words, style = _OUTCOMES[Outcome(state.outcome)]
    if state.undo_keys:
        _show_undone(screen, state)
        return
    shadows = shadows_of(state)
    if shadows and state.outcome == Outcome.NO_ACTION:
        _show_shadows(screen, state, shadows)
        return
    why = f" {visible(state.why)}" if state.why and state.outcome not in {"resolved", "no_action"} else ""
    if state.outcome == "no_action" and "denied" in state.why:
        words, why = "Nothing was done.", f" {visible(state.why)}"
    screen.line()
    screen.line(Styled(words, style), why)


def shadows_of(state: RunState) -> tuple[EffectState, ...]:
    """Return what the run would have done, had its mode let it."""
    return tuple(
        effect for effect in state.effects.values() if effect.decision.get("kind") == Denial.SHADOW.value
    )


def _show_shadows(screen: Screen, state: RunState, shadows: tuple[EffectState, ...]) -> None:
    mode = state.started.mode if state.started is not None else ""
    screen.line()
    screen.line(
        Styled(f"Nothing was done: in mode {mode} nothing acts.", "green"), " It would have asked to:"
    )
    for effect in shadows:
        screen.line(f"  {effect.task}: {effect.tool} on {visible(str(effect.sealed['target']))}")
        for line in argument_lines(effect.sealed["args"], width=screen.width - 4):
            screen.line("    ", Styled(line, "dim"))
    for asked in state.approvals.values():
        screen.line("To see the card: ", Styled(f"midwatch show {asked.approval}", "bold"))


def _show_undone(screen: Screen, state: RunState) -> None:
    left = [key for key in state.undo_keys if state.effects[key].status is not EffectStatus.UNDONE]
    screen.line()
    if not left:
        screen.line(Styled("Everything is back as it was, and was read back.", "green"))
        return
    screen.line(Styled(f"{count(len(left), 'effect')} could not be undone.", "red"))
    for key in left:
        effect = state.effects[key]
        screen.line(f"  {effect.task}: {effect.code} {visible(effect.why)}".rstrip())


def _show_doubts(screen: Screen, state: RunState, now_ms: int) -> None:
    screen.line()
    for key in doubts(state):
        effect = next(effect for effect in state.effects.values() if effect.key == key)
        screen.line(
            Styled("In doubt: ", "yellow"),
            f"{effect.task} on {visible(str(effect.sealed['target']))}. {visible(effect.why)}",
        )
        if now_ms < effect.settle_after_ms:
            screen.line(f"  It may still happen until {stamp(effect.settle_after_ms)}: not before that,")
        screen.line("  look whether it took place, then say so:")
        screen.line("  ", Styled(f"midwatch settle {key} --happened -m WHY", "bold"))
        screen.line("  ", Styled(f"midwatch settle {key} --did-not -m WHY", "bold"))


def show_effects(screen: Screen, opened: "Opened", follower: Follower, *, after_row: int) -> None:
    """Write each effect with what was read back and where it is sealed; then the cost, and how to undo it."""
    state, plan = follower.state, follower.plan
    acted = [effect for effect in state.effects.values() if effect.attempt]
    if not acted:
        return
    screen.line()
    for effect in acted:
        style = "green" if effect.status in {EffectStatus.VERIFIED, EffectStatus.UNDONE} else "yellow"
        words = _STATUS_WORDS.get(effect.status, effect.status.value)
        screen.line(f"{plan.task(effect.task).title}: ", Styled(words, style))
        position = position_of(opened.house, f"run/{state.run}", effect.n, after_row=after_row)
        sealed = f"position {position} of the log" if position is not None else "not sealed yet"
        screen.line("  ", Styled(f"entry run/{state.run}#{effect.n}, {sealed}", "dim"))
    screen.line(f"Cost: {money(state.cost_micro_usd)}.")
    if not state.undoing and undoable(plan, state):
        screen.line("To put everything back: ", Styled(f"midwatch undo {state.run}", "bold"))


def exit_code(state: RunState) -> int:
    """Return the exit code that a run's standing means."""
    broken = {EffectStatus.UNVERIFIED, EffectStatus.UNDO_FAILED}
    failed = state.outcome == Outcome.FAILED or any(
        effect.status in broken for effect in state.effects.values()
    )
    return EXIT_FAILED if failed else EXIT_OK


def run_record(opened: "Opened", plan: Plan, state: RunState, rest: Rest | None) -> dict[str, Any]:
    """Return a run for machines."""
    started = state.started
    assert started is not None, "a run that is shown was started"
    return {
        "run": state.run,
        "runbook": started.runbook,
        "title": started.title,
        "practice": started.practice,
        "mode": started.mode,
        "initiator": started.initiator,
        "started_ms": state.started_ms,
        "ended_ms": state.ended_ms,
        "rests": None if rest is None else rest.kind,
        "outcome": state.outcome,
        "why": state.why,
        "cost_micro_usd": state.cost_micro_usd,
        "questions": [question_record(opened.house, asked) for asked in state.open_approvals],
        "approvals": {asked.approval: asked.status for asked in state.approvals.values()},
        "effects": [_effect_record(effect) for effect in state.effects.values()],
        "undoable": list(undoable(plan, state)),
        "hands": [hand_record(opened.house, state.hands[hand]) for hand in state.open_hands],
    }


def _effect_record(effect: EffectState) -> dict[str, Any]:
    return {
        "key": effect.key,
        "task": effect.task,
        "tool": effect.tool,
        "target": effect.sealed["target"],
        "status": effect.status.value,
        "action": effect.action,
        "entry": f"run/{effect.key.partition('/')[0]}#{effect.n}",
        "code": effect.code,
        "why": effect.why,
    }
