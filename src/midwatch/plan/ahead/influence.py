"""What somebody who owns the untrusted inputs could choose, by the labels: nothing here has run."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from midwatch.base.classes import EffectClass, Integrity
from midwatch.base.errors import MidwatchError
from midwatch.plan.checked import Checked
from midwatch.plan.compile import secret_labels
from midwatch.plan.labels import Labels, conditions
from midwatch.plan.model import Plan, PlanTask
from midwatch.plan.parts.callees import called_outs
from midwatch.plan.tools import Manifests, outs_with
from midwatch.runbook.expr import free_names
from midwatch.runbook.graph import graph_of
from midwatch.runbook.model import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """One thing that untrusted values decide."""

    task: str
    what: str
    """`argument NAME`, `whether it runs`, `its items`, `when it goes on`, `what NAME is given`."""
    source: str
    """The expression; empty where it is decided further above."""
    reads: tuple[str, ...]
    """What is untrusted of it."""
    acts: bool
    """Whether the task acts, or something is handed to a run that may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Influences:
    """What is open to who owns the untrusted inputs."""

    sources: tuple[str, ...]
    """Outputs that are untrusted: `task.field`."""
    chosen: tuple[Influence, ...]
    declassified: tuple[str, ...]
    """Untrusted outputs, `task.field`, that the author trusts within their schemas."""


def influences(checked: Checked, plan: Plan, manifests: Manifests) -> Influences:
    """Return what untrusted values decide in a runbook; in what it calls, only what is handed over."""
    finder = _Finder(checked, plan, manifests)
    return Influences(
        sources=tuple(finder.sources()),
        chosen=tuple(one for task in finder.labels.graph.tasks.values() for one in finder.of(task)),
        declassified=tuple(finder.declassified()),
    )


class _Finder:
    def __init__(self, checked: Checked, plan: Plan, manifests: Manifests) -> None:
        runbook = checked.runbook
        graph = graph_of(runbook)
        outs = outs_with(graph, manifests, called_outs(checked.called))
        given = secret_labels(runbook.header) if runbook.header else {}
        self.labels = Labels(graph, manifests, outs, checked.called, given)
        self._outs = outs
        self._plan: dict[str, PlanTask] = {str(task.name): task for task in plan.tasks}

    def sources(self) -> Iterator[str]:
        for name in self.labels.graph.tasks:
            for field in self._outs[name].get("properties", {}) or ["*"]:
                if self.labels.of_name(f"{name}.{field}").integrity is Integrity.UNTRUSTED:
                    yield f"{name}.{field}" if field != "*" else name

    def declassified(self) -> Iterator[str]:
        for name, task in self.labels.graph.tasks.items():
            yield from (f"{name}.{at.value}" for at in task.declassify)

    def of(self, task: Task) -> Iterator[Influence]:
        planned = self._plan[task.name.value]
        is_acting = planned.call is not None and planned.call.effect is not EffectClass.READ
        acts = is_acting or planned.callee is not None
        named = [(f"argument {name}", one.source) for name, one in (*task.args.items(), *task.bind.items())]
        if task.callee is not None:
            named = [(f"what {name} is given", one.source) for name, one in task.callee.inputs.items()]
        if task.loop is not None and task.loop.each is not None:
            named.append(("its items", task.loop.each.value))
        own = [(_word(task, source), source) for source in conditions(task)]
        if task.loop is not None and task.loop.until is not None:
            own.append(("when it goes on", task.loop.until.value))
        for what, source in (*named, *own):
            reads = tuple(self._untrusted(source, task)) if source else ()
            if reads:
                yield Influence(task=task.name.value, what=what, source=source, reads=reads, acts=acts)
        is_above = planned.guard.integrity is Integrity.UNTRUSTED
        if acts and is_above and not any(tuple(self._untrusted(source, task)) for _, source in own):
            yield Influence(task=task.name.value, what="whether it runs", source="", reads=(), acts=True)

    def _untrusted(self, source: str, task: Task) -> Iterable[str]:
        try:
            names = sorted(free_names(source))
        except MidwatchError:
            return
        for name in names:
            if self.labels.of_source(name, task).integrity is Integrity.UNTRUSTED:
                yield name


def _word(task: Task, source: str) -> str:
    return "whether it runs" if task.when is not None and task.when.value == source else "when it goes on"
