"""Labels of values, known before anything runs: the label of a result is the join of what it reads."""

from collections.abc import Iterable, Mapping
from typing import assert_never

from midwatch.base.classes import Confidentiality, Integrity
from midwatch.base.ids import ToolName
from midwatch.base.labels import OPERATOR, TRUSTED, UNTRUSTED, Label, join
from midwatch.effects.manifest import Manifest
from midwatch.plan.parts.callees import Called
from midwatch.runbook.cel.schema import ONE_OF, Schema, properties_of, type_of
from midwatch.runbook.expr import free_names
from midwatch.runbook.graph import INDEX, INPUTS, PREVIOUS, Graph, graph_of
from midwatch.runbook.lint.tables import columns
from midwatch.runbook.model import Argument, Kind, Task

SECRET_FORMAT = Confidentiality.SECRET.value
_FAILED = "failed"


def is_bounded(schema: Schema) -> bool:
    """Return whether a schema leaves so little room that a value can't carry an instruction.

    An enum, a number, a boolean, an item of a list that was looked up, or a text with an anchored pattern.
    """
    if "enum" in schema or "const" in schema or ONE_OF in schema:
        return True
    pattern = str(schema.get("pattern", ""))
    match type_of(schema):
        case "number" | "integer" | "boolean" | "null":
            return True
        case "string":
            return (
                pattern.startswith("^")
                and pattern.endswith("$")
                and ".*" not in pattern
                and ".+" not in pattern
            )
        case _:
            return False


class Labels:
    """The labels of one runbook, computed as they are asked for. Its graph has no circles.

    A runbook that is called has the labels that its caller gives: those of the values handed over, and
    as `guard` that of the conditions that led to the call.
    """

    def __init__(
        self,
        graph: Graph,
        manifests: Mapping[ToolName, Manifest],
        outs: Mapping[str, Schema],
        called: Mapping[str, Called] | None = None,
        inputs: Mapping[str, Label] | None = None,
        *,
        guard: Label = TRUSTED,
    ) -> None:
        self.graph = graph
        self.manifests = manifests
        self.outs = outs
        self.called = called or {}
        self._inputs = inputs or {}
        self._base = guard
        self._guards: dict[str, Label] = {}
        self._decisions: dict[str, Label] = {}
        self._below: dict[str, Labels] = {}
        self._open: set[str] = set()

    def of_source(self, source: str, task: Task | None = None) -> Label:
        """Return the label of an expression's result; `task` is where it stands, for its item's names."""
        names = sorted(free_names(source))
        local = {} if task is None else self._local(task, {name.partition(".")[0] for name in names})
        return join(local.get(name.partition(".")[0]) or self.of_name(name) for name in names)

    def of_name(self, name: str) -> Label:
        """Return the label of `task.field`, of an input, or of everything in a task's output."""
        root, _, member = name.partition(".")
        if root == INPUTS:
            members = [member] if member else list(self._inputs)
            return join((OPERATOR, *(self._inputs[one] for one in members if one in self._inputs)))
        task = self.graph.tasks.get(root)
        if task is None:
            return UNTRUSTED
        if task.loop is not None and task.loop.each is not None:
            return UNTRUSTED if member in ("", _FAILED) else join((self.of_items(task), self._whole(task)))
        return self._of_field(task, member) if member else self._whole(task)

    def of_arguments(self, arguments: Mapping[str, Argument], task: Task) -> dict[str, Label]:
        """Return the label of each argument; what the document says itself is trusted."""
        return {
            name: self.of_source(one.source, task) if one.source else TRUSTED
            for name, one in arguments.items()
        }

    def of_items(self, task: Task) -> Label:
        """Return the label of the list that a task runs over: who owns it chooses how often."""
        each = task.loop.each if task.loop is not None else None
        return self.of_source(each.value) if each is not None else TRUSTED

    def guard(self, task: Task) -> Label:
        """Return the label of what leads to a task: its own conditions, its items, and those above."""
        name = task.name.value
        if name not in self._guards:
            own = (self.of_source(source, task) for source in conditions(task))
            above = (self.guard(self.graph.tasks[need.value]) for need in task.needs)
            self._guards[name] = join((self._base, self.of_items(task), *own, *above))
        return self._guards[name]

    def below(self, task: Task) -> "Labels":
        """Return the labels inside of the runbook that a task calls."""
        name = task.name.value
        if name not in self._below:
            called = self.called[name]
            self._below[name] = Labels(
                graph_of(called.runbook),
                self.manifests,
                called.outs,
                called.below,
                self.of_arguments(task.callee.inputs if task.callee else {}, task),
                guard=self.guard(task),
            )
        return self._below[name]

    def _local(self, task: Task, roots: set[str]) -> Mapping[str, Label]:
        """Return the labels of the names that only a loop, a wait or an undo has."""
        found: dict[str, Label] = {}
        for one in (task, *self.graph.undone_by.get(task.name.value, ())):
            if one.loop is not None and one.loop.each is not None:
                label = join((self.of_items(one), found.get(INDEX, TRUSTED)))
                found.update({one.loop.item: label, INDEX: label})
        if task.loop is not None and task.loop.each is not None and PREVIOUS in roots:
            found[PREVIOUS] = self._before(task)
        if task.wait is not None and task.wait.event is not None:
            found["event"] = UNTRUSTED
        if task.wait is not None and task.wait.probe is not None:
            found["probe"] = self.of_name(task.wait.probe.value)
        return found

    def _before(self, task: Task) -> Label:
        """Return the label of the iteration before: what the task reads besides `previous`, all joined."""
        name = task.name.value
        if name in self._open:
            return TRUSTED
        self._open.add(name)
        label = self._whole(task)
        self._open.discard(name)
        return label

    def _whole(self, task: Task) -> Label:
        fields = properties_of(self.outs.get(task.name.value, {}))
        return join(self._of_field(task, one) for one in fields) if fields else self._of_field(task, "*")

    def _of_field(self, task: Task, member: str) -> Label:
        label = self._declared(task, member)
        if any(at.value == member for at in task.declassify) and label.integrity is Integrity.UNTRUSTED:
            return Label(integrity=Integrity.TOOL, confidentiality=label.confidentiality)
        return label

    def _declared(self, task: Task, member: str) -> Label:
        name = task.name.value
        match task.kind:
            case Kind.COMMAND:
                manifest = self.manifests.get(ToolName(task.tool.value)) if task.tool else None
                return manifest.label_of(member) if manifest else UNTRUSTED
            case Kind.DECISION:
                if name not in self._decisions:
                    self._decisions[name] = join(self.of_source(text, task) for text, _ in columns(task))
                return self._decisions[name]
            case Kind.AGENT:
                return UNTRUSTED
            case Kind.APPROVAL | Kind.MANUAL:
                return OPERATOR
            case Kind.WAIT:
                if task.wait is not None and task.wait.probe is not None:
                    return self.of_name(f"{task.wait.probe.value}.{member}")
                return UNTRUSTED if task.wait is not None and task.wait.event is not None else TRUSTED
            case Kind.CALL:
                return self._given_back(task, member)
            case Kind.NOTIFY:
                emit = task.notice.emit if task.notice else None
                return join(self.of_arguments(emit.data if emit else {}, task).values())
            case _:
                assert_never(task.kind)

    def _given_back(self, task: Task, member: str) -> Label:
        called = self.called.get(task.name.value)
        if called is None:
            return UNTRUSTED
        values = called.header.values
        wanted = [values[member]] if member in values else list(values.values())
        return join(self.below(task).of_source(at.value) for at in wanted)


def conditions(task: Task) -> Iterable[str]:
    """Yield the conditions on which it hangs whether what is below a task runs."""
    if task.when is not None:
        yield task.when.value
    if task.wait is not None:
        yield from (at.value for at in (task.wait.where, task.wait.holds) if at is not None)
