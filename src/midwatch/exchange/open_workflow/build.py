"""What every kind of task is mapped with: the draft, names, marks, and the one form of a jq task.

A jq task of ours does what a task of Open Workflow does around its work: `if`, `input.from`, the work,
`output.as`, `export.as`. Its output has `output`, `context` (where the document uses one), and what else
the flow goes by (`next`, `error`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from midwatch.exchange.draft import DraftTask
from midwatch.exchange.imported import Wish
from midwatch.exchange.naming import Names, snake
from midwatch.exchange.open_workflow.jq import ONE, bare, imbalance, is_expression, literal, variables_of
from midwatch.exchange.open_workflow.point import Edge, Point
from midwatch.exchange.report import Accounts
from midwatch.exchange.tree import Node

TRANSFORM = "jq.transform"
FAILED = "failed"
ERRORS = "https://open-workflow-specification.org/dsl/errors/types/"
ANY: dict[str, Any] = {}
KNOWN_VARIABLES = frozenset({"data", "input", "output", "context", "task", "workflow", "runtime"})
UNKNOWN_VARIABLES = frozenset({"secrets", "authorization"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a task stands: what its expressions see besides its input, and where its errors go."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """Name without `$` to CEL."""
    catches: bool = False
    """A `try` is around it: an error is an output, and the flow goes on to the handler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What leaves a task: to the next, to others of its list, out of the list, to the end, to the handler."""

    to: dict[str, list[Edge]] = field(default_factory=dict)
    """Name of a task of the same list, or `continue`, `exit`, `end`, to the edges."""
    errors: list[Edge] = field(default_factory=list)

    def add(self, target: str, *edges: Edge) -> None:
        """Let edges lead to a target."""
        self.to.setdefault(target, []).extend(edges)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One jq task that is to be made."""

    name: str
    title: str
    node: Node
    """The task of the document; its pointer is where errors happen."""
    entry: Point
    work: str = "."
    """jq from the task's input to its raw output."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Further fields of the output: name to jq over `$input`."""
    schemas: Mapping[str, Any] = field(default_factory=dict)
    binds: Mapping[str, str] = field(default_factory=dict)
    """Further bound values: name to CEL."""
    shapes_input: bool = True
    """Whether `if` and `input.from` of the node are applied here."""
    shapes_output: bool = True
    """Whether `output.as` and `export.as` are."""
    keys: Mapping[str, Any] = field(default_factory=dict)
    prose: str = ""


class Build:
    """One document on its way to a runbook."""

    def __init__(self, root: Node, wish: Wish) -> None:
        """Begin with nothing."""
        self.root = root
        self.wish = wish
        self.accounts = Accounts(root)
        self.names = Names("step")
        self.tasks: list[DraftTask] = []
        self.tools: set[str] = set()
        self.origins: dict[str, set[str]] = {}
        self.files: dict[str, str] = {}
        self.depth = 0
        """How many functions of the document are being written out in each other."""
        self.gated: set[str] = set()
        """Pointers of tasks whose `if` is a task of its own before them."""
        self.has_context = _uses_context(root)
        self.ran: dict[str, str] = {}
        """Pointer of a task of the document to the name of the task of ours that stands for it."""

    # -------------------------------------------------------------------------------------------- tasks

    def own_tool(self, kind: str) -> str:
        """Return the name of the document's own tool for HTTP, `get` or `request`; it gets a manifest."""
        self.origins.setdefault(kind, set())
        document = self.root.get("document")
        return f"{snake(document.at('name') if document is not None else '', 'imported')}.{kind}"

    def add(self, task: DraftTask) -> None:
        """Append a task; its tool is granted."""
        self.tasks.append(task)
        tool = task.keys.get("tool")
        if tool is not None:
            self.tools.add(str(tool))

    def unit(self, unit: Unit, scope: Scope) -> Edge:
        """Make a jq task, and return the edge that leaves it when all is well."""
        program = self._program(unit)
        has_error = scope.catches
        schemas: dict[str, Any] = {"output": ANY}
        if self.has_context:
            schemas["context"] = ANY
        schemas.update(unit.schemas)
        keys: dict[str, Any] = {**unit.entry.keys, **unit.keys, "tool": TRANSFORM}
        args: dict[str, Any] = {"instance": f"'{unit.node.pointer}'"}
        if has_error:
            args["on_error"] = {name: _blank(schema) for name, schema in schemas.items()}
            schemas["error"] = ANY
        keys["args"] = args
        binds = self._binds(unit, scope, variables_of(program))
        if binds:
            keys["bind"] = binds
        keys["out"] = schemas
        self.add(
            DraftTask(
                name=unit.name,
                title=unit.title,
                kind="command",
                keys=keys,
                prose=unit.prose,
                fence=("jq", program),
            )
        )
        context = f"{unit.name}.context" if self.has_context else "null"
        when = f"{unit.name}.error == null" if has_error else ""
        return Edge(task=unit.name, when=when, data=f"{unit.name}.output", context=context)

    def error_edge(self, name: str) -> Edge:
        """Return the edge that leaves a task to the handler of its errors."""
        return Edge(task=name, when=f"{name}.error != null", data=f"{name}.error")

    def _binds(self, unit: Unit, scope: Scope, used: frozenset[str]) -> dict[str, str]:
        binds = {"data": unit.entry.data} if "data" in used else {}
        if self.has_context and "context" in used:
            binds["context"] = unit.entry.context
        binds.update({name: source for name, source in scope.variables.items() if name in used})
        binds.update({name: source for name, source in unit.binds.items() if name in used})
        if "workflow_input" in used:
            binds["workflow_input"] = "inputs.input"
        return binds

    def _program(self, unit: Unit) -> str:
        node = unit.node
        source = node.get("input", "from") if unit.shapes_input else None
        shape = node.get("output", "as") if unit.shapes_output else None
        export = node.get("export", "as") if unit.shapes_output else None
        is_gated = node.pointer in self.gated
        condition = node.get("if") if unit.shapes_input and not is_gated else None
        for part in (source, shape, export, condition):
            self.check(part)
        after = [bare(export) if export is not None else "", *unit.fields.values()]
        used = variables_of("\n".join([unit.work, bare(shape) if shape is not None else "", *after]))
        lines = [bare(source)] if source is not None else []
        if "input" in used or unit.fields:
            lines.append(". as $input")
        lines.extend([unit.work] if unit.work != "." else [])
        lines.extend([bare(shape)] if shape is not None else [])
        if "output" in used:
            lines.append(". as $output")
        fields = {"output": "."}
        if self.has_context:
            fields["context"] = bare(export) if export is not None else "$context"
        fields.update({name: f"($input | {text})" for name, text in unit.fields.items()})
        inner = ",\n  ".join(f"{name}: {text}" for name, text in fields.items())
        lines.append(f"{{ {inner} }}")
        body = "\n| ".join(lines)
        if condition is not None:
            other = {"output": "."} | ({"context": "$context"} if self.has_context else {})
            other.update({name: literal("otherwise") for name in unit.fields})
            skipped = "{ " + ", ".join(f"{name}: {text}" for name, text in other.items()) + " }"
            body = f"if {bare(condition)} then\n{body}\nelse {skipped} end"
        return self.program(node, f"$data\n| {body}")

    def program(self, node: Node, body: str) -> str:
        """Return a whole program: what it needs first, then the body."""
        used = variables_of(body)
        head = [ONE] if "one(" in body else []
        if "workflow" in used:
            document = self.root.get("document")
            definition = {"document": document.value if document is not None else {}}
            head.append(f"{{ definition: {literal(definition)}, input: $workflow_input }} as $workflow |")
        if "task" in used:
            name = node.pointer.rpartition("/")[2]
            head.append(f"{{ name: {literal(name)}, reference: {literal(node.pointer)} }} as $task |")
        if "runtime" in used:
            head.append('{ name: "midwatch", metadata: {} } as $runtime |')
        if "context" in used and not self.has_context:
            head.append("null as $context |")
        return "\n".join([*head, body])

    # ------------------------------------------------------------------------------------------ checking

    def check(self, node: Node | None) -> None:
        """Refuse expressions that would reach into what stands around them.

        Raises:
            ForeignInvalidError: MW172.
        """
        if node is None:
            return
        fault = imbalance(node.text) if node.is_text and (is_expression(node) or _is_bare(node)) else ""
        if fault:
            raise node.refused(f"the expression `{node.text[:80]}` can't be read: {fault}")
        for child in (*(value for _, value in node.entries()), *node.items()):
            self.check(child)

    def mark_shapes(self, node: Node) -> None:
        """Mark what every task may have besides its work."""
        accounts = self.accounts
        accounts.exactly(node.get("if"), "if", "part of the task's jq program")
        accounts.exactly(node.get("input", "from"), "input.from", "part of the task's jq program")
        accounts.exactly(node.get("output", "as"), "output.as", "part of the task's jq program")
        accounts.exactly(node.get("export", "as"), "export.as", "part of the task's jq program")
        accounts.exactly(node.get("then"), "then", "needs and conditions of the tasks that follow")
        for keys in (("input", "schema"), ("output", "schema"), ("export", "schema")):
            accounts.not_carried(node.get(*keys), ".".join(keys), "a schema at this place is not checked")
        accounts.not_carried(node.get("timeout"), "timeout", "declare a `timeout:` that fits the tool")
        accounts.approximately(node.get("metadata"), "metadata", "for people only; see the original")


def with_entry(unit: Unit, entry: Point) -> Unit:
    """Return the unit at another point."""
    return replace(unit, entry=entry)


def pointer_name(pointer: str) -> str:
    """Return the last part of a pointer."""
    return pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")


def _blank(schema: Mapping[str, Any]) -> Any:
    words = schema.get("enum")
    return words[-1] if isinstance(words, list) else None


def _is_bare(node: Node) -> bool:
    return pointer_name(node.pointer) in {"if", "from", "as", "when", "in", "while", "exceptWhen"}


def _uses_context(node: Node) -> bool:
    if node.is_text:
        return "$context" in node.text
    if node.is_mapping and node.get("export") is not None:
        return True
    children = (*(value for _, value in node.entries()), *node.items())
    return any(map(_uses_context, children))
