"""Labels of values, known before anything runs: the label of a result is the join of what it reads."""

from collections.abc import Mapping

from midwatch.base.classes import Integrity
from midwatch.base.ids import ToolName
from midwatch.base.labels import OPERATOR, TRUSTED, UNTRUSTED, Label, join
from midwatch.effects.manifest import Manifest
from midwatch.runbook.cel.schema import ONE_OF, Schema, type_of
from midwatch.runbook.expr import free_names
from midwatch.runbook.graph import INPUTS, Graph
from midwatch.runbook.lint.tables import columns
from midwatch.runbook.model import Kind, Task


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
    """The labels of one runbook, computed as they are asked for. Its graph has no circles."""

    def __init__(
        self, graph: Graph, manifests: Mapping[ToolName, Manifest], outs: Mapping[str, Schema]
    ) -> None:
        self.graph = graph
        self.manifests = manifests
        self.outs = outs
        self._guards: dict[str, Label] = {}
        self._decisions: dict[str, Label] = {}

    def of_source(self, source: str) -> Label:
        """Return the label of an expression's result."""
        return join(self.of_name(name) for name in sorted(free_names(source)))

    def of_name(self, name: str) -> Label:
        """Return the label of `task.field`, of an input, or of everything in a task's output."""
        root, _, member = name.partition(".")
        if root == INPUTS:
            return OPERATOR
        task = self.graph.tasks.get(root)
        if task is None:
            return UNTRUSTED
        if member:
            return self._of_field(task, member)
        fields = self.outs.get(root, {}).get("properties", {})
        return join(self._of_field(task, one) for one in fields) if fields else self._of_field(task, "*")

    def guard(self, task: Task) -> Label:
        """Return the label of the conditions that lead to a task: its own `when` and those above."""
        name = task.name.value
        if name not in self._guards:
            own = self.of_source(task.when.value) if task.when is not None else TRUSTED
            above = (self.guard(self.graph.tasks[need.value]) for need in task.needs)
            self._guards[name] = join((own, *above))
        return self._guards[name]

    def _of_field(self, task: Task, member: str) -> Label:
        label = self._declared(task, member)
        if any(at.value == member for at in task.declassify) and label.integrity is Integrity.UNTRUSTED:
            return Label(integrity=Integrity.TOOL, confidentiality=label.confidentiality)
        return label

    def _declared(self, task: Task, member: str) -> Label:
        match task.kind:
            case Kind.COMMAND:
                manifest = self.manifests.get(ToolName(task.tool.value)) if task.tool else None
                return manifest.label_of(member) if manifest else UNTRUSTED
            case Kind.DECISION:
                name = task.name.value
                if name not in self._decisions:
                    self._decisions[name] = join(self.of_source(text) for text, _ in columns(task))
                return self._decisions[name]
            case Kind.AGENT:
                return UNTRUSTED
            case Kind.APPROVAL | Kind.MANUAL:
                return OPERATOR
