"""Live progress: the readings as they come in, then each thing that is done, in the order it is."""

from collections.abc import Sequence

from midwatch.approvals.visible import visible
from midwatch.base.classes import EffectClass
from midwatch.cli.screen import Part, Screen, Styled, columns, padded
from midwatch.cli.standing.readings import phrase, phrase_of_items
from midwatch.cli.words import length
from midwatch.journal.events import Event
from midwatch.journal.run_events import (
    ApprovalAnswered,
    EffectConfirmed,
    EffectDispatched,
    EffectFailed,
    EffectInDoubt,
    EffectRead,
    EffectUndone,
    EffectVerified,
    TaskFailed,
)
from midwatch.plan.model import Plan, PlanTask, TaskKind
from midwatch.run.state import RunState, TaskStatus


def readings_of(plan: Plan) -> tuple[PlanTask, ...]:
    """Return the readings that a run begins with: those that need nothing."""
    return tuple(
        task
        for task in plan.tasks
        if task.kind is TaskKind.COMMAND
        and task.call is not None
        and task.call.effect is EffectClass.READ
        and not task.needs
        and not task.is_undo
        and not task.is_routed
    )


class Progress:
    """Shows a run while it goes on; on a terminal the readings are drawn in place, else a line each."""

    def __init__(self, screen: Screen, plan: Plan, state: RunState) -> None:
        """Show nothing yet."""
        self._screen = screen
        self._plan = plan
        self._tasks = readings_of(plan)
        self._width = max((columns(task.title) for task in self._tasks), default=0)
        self._state = state
        self._took_ms: dict[str, int] = {}
        self._said: set[str] = set()
        self._drawn: list[list[Part]] = []
        fits = screen.live and len(self._tasks) < screen.height
        self._is_drawing = fits and not self._all_read(state)
        if self._is_drawing:
            self._draw()
        else:
            self._said |= {task.name for task in self._tasks if self._is_over(task)}

    def seen(self, event: Event, state: RunState) -> None:
        """Show what an event means."""
        self._state = state
        if isinstance(event.payload, EffectRead) and event.payload.purpose == "task":
            self._took_ms[event.payload.task] = event.payload.duration_ms
        if self._is_drawing:
            self._draw()
            self._is_drawing = not self._all_read(state)
        else:
            self._say_readings()
        line = self._done(event)
        if line:
            self._screen.line(*line)

    def _all_read(self, state: RunState) -> bool:
        self._state = state
        return all(self._is_over(task) for task in self._tasks)

    def _is_over(self, task: PlanTask) -> bool:
        known = self._state.task(task.name)
        return known.status in {TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.SKIPPED}

    def _say_readings(self) -> None:
        for task in self._tasks:
            if task.name not in self._said and self._is_over(task):
                self._said.add(task.name)
                self._screen.line(*self._reading(task))

    def _draw(self) -> None:
        lines = [self._reading(task) for task in self._tasks]
        if lines != self._drawn:
            self._drawn = lines
            self._screen.draw(lines)

    def _reading(self, task: PlanTask) -> list[Part]:
        known = self._state.task(task.name)
        title = padded(task.title, self._width)
        if known.status is TaskStatus.SUCCEEDED:
            assert task.call is not None, "readings call a tool"
            took_ms = self._took_ms.get(task.name)
            took = f"  {length(took_ms)}" if took_ms is not None else ""
            has_items = task.loop is not None and bool(task.loop.each)
            words = phrase_of_items(known.out) if has_items else phrase(task.call.tool, known.out)
            return ["  ", Styled(self._screen.tick, "green"), f" {title}  {words}", Styled(took, "dim")]
        if known.status is TaskStatus.FAILED:
            why = f"  {known.code}: {visible(known.why)}"
            return ["  ", Styled(self._screen.cross, "red"), f" {title}", Styled(why, "red")]
        if known.status is TaskStatus.SKIPPED:
            return ["  ", Styled(self._screen.dot, "dim"), f" {title}  ", Styled("not read", "dim")]
        return ["  ", Styled(self._screen.dot, "dim"), f" {title}  ", Styled("reading", "dim")]

    def _done(self, event: Event) -> Sequence[Part]:
        """Return the line for something that acts, or for a person's word; nothing for the rest."""
        tick, cross = Styled(self._screen.tick, "green"), Styled(self._screen.cross, "red")
        match event.payload:
            case EffectDispatched(key=key):
                return [
                    "  ",
                    Styled(self._screen.dot, "dim"),
                    f" {self._title(key)} ",
                    Styled("begins", "dim"),
                ]
            case EffectConfirmed(key=key, duration_ms=took_ms):
                return ["  ", tick, f" {self._title(key)}", Styled(f"  done in {length(took_ms)}", "dim")]
            case EffectVerified(key=key, holds=True):
                return ["  ", tick, f" {self._title(key)}", Styled("  read back: it holds", "dim")]
            case EffectVerified(key=key, holds=False, why=why):
                return ["  ", cross, f" {self._title(key)}", Styled(f"  read back: {visible(why)}", "red")]
            case EffectFailed(key=key, code=code, why=why):
                return ["  ", cross, f" {self._title(key)}", Styled(f"  {code}: {visible(why)}", "red")]
            case EffectInDoubt(key=key, why=why):
                return [
                    "  ",
                    cross,
                    f" {self._title(key)}",
                    Styled(f"  nobody saw it end: {visible(why)}", "yellow"),
                ]
            case EffectUndone(key=key, status="undone"):
                return ["  ", tick, f" {self._title(key)}", Styled("  is undone", "dim")]
            case EffectUndone(key=key, status="undo_failed", why=why):
                return [
                    "  ",
                    cross,
                    f" {self._title(key)}",
                    Styled(f"  can't be undone: {visible(why)}", "red"),
                ]
            case TaskFailed(task=task, code=code, why=why) if self._is_no_reading(task):
                return ["  ", cross, f" {self._plan_title(task)}", Styled(f"  {code}: {visible(why)}", "red")]
            case ApprovalAnswered(answer=answer, by=by, recorded_as=recorded_as):
                word = "approved" if answer == "approve" else "denied"
                note = f", {recorded_as}" if recorded_as else ""
                return ["  ", tick, f" {word} by {visible(by)}{note}"]
            case _:
                return ()

    def _is_no_reading(self, name: str) -> bool:
        return all(task.name != name for task in self._tasks)

    def _title(self, key: str) -> str:
        return next(
            (self._plan_title(effect.task) for effect in self._state.effects.values() if effect.key == key),
            key,
        )

    def _plan_title(self, name: str) -> str:
        return next((task.title for task in self._plan.tasks if task.name == name), name)
