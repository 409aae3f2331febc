"""Decision tables of DMN models, written as runbooks: XML in, the text of a document out.

What is translated, and into what:

    input expression that is the name of an input        `inputs.name`, in lower case with `_`
    typeRef number, string, boolean                      JSON Schema; of outputs without one, from the cells
    inputValues, outputValues                            `enum`, in their order
    hitPolicy, aggregation, defaultOutputEntry           `hit:`, `aggregate:`, `default:`
    input and output entries                             cells, letter by letter; only `|` is escaped

Anything else in a table (other expressions as columns, other types) is refused, not guessed at.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
SCHEMAS = {"number": {"type": "number"}, "string": {"type": "string"}, "boolean": {"type": "boolean"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDocument:
    """One decision table as a runbook, and what its names were before."""

    decision: str
    text: str
    task: str
    inputs: Mapping[str, str]
    """Name in the model to name in the runbook."""
    outputs: Mapping[str, str]
    has_one_value: bool
    """The output has no name of its own: the decision's value is the bare value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test case: what goes in, and what each decision gives."""

    name: str
    inputs: Mapping[str, Any]
    results: Mapping[str, Any]


def tables_of(model: Path) -> dict[str, TableDocument]:
    """Return the decisions of a model that are decision tables, by name."""
    root = ET.parse(model).getroot()
    names = {element.get("name", "") for element in _children(root, "inputData")}
    return {
        decision.get("name", ""): _document(decision, table, names)
        for decision in _children(root, "decision")
        for table in _children(decision, "decisionTable")
    }


def cases_of(path: Path) -> list[Case]:
    """Return the cases of a test file."""
    return [
        Case(
            name=element.get("id", ""),
            inputs={node.get("name", ""): _value(node) for node in _children(element, "inputNode")},
            results={
                node.get("name", ""): _value(_one(node, "expected"))
                for node in _children(element, "resultNode")
            },
        )
        for element in _children(ET.parse(path).getroot(), "testCase")
    ]


# -------------------------------------------------------------------------------------------- tables


def _document(decision: ET.Element, table: ET.Element, known: set[str]) -> TableDocument:
    name = decision.get("name", "")
    rows = [([_text(cell) for cell in row], row) for row in _children(table, "rule")]
    cells = [
        [_text(entry) for entry in _children(row, "inputEntry")]
        + [_text(entry) for entry in _children(row, "outputEntry")]
        for _, row in rows
    ]
    inputs: dict[str, dict[str, Any]] = {}
    for column in _children(table, "input"):
        expression = _one(column, "inputExpression")
        read = _text(expression)
        assert read in known, f"{name}: the column `{read}` is not just an input"
        inputs[read] = _schema(expression.get("typeRef"), _allowed(column, "inputValues"), [])
    outputs: dict[str, dict[str, Any]] = {}
    defaults: dict[str, str] = {}
    columns = list(_children(table, "output"))
    for index, column in enumerate(columns, len(inputs)):
        output = column.get("name") or name
        written = [row[index] for row in cells]
        outputs[output] = _schema(column.get("typeRef"), _allowed(column, "outputValues"), written)
        for default in _children(column, "defaultOutputEntry"):
            defaults[_name(output)] = _text(default)
    assert len(defaults) in (0, len(columns)), f"{name}: some outputs have a default and others don't"
    block = [f"task: {_name(name)}", "kind: decision", f"hit: {_hit(table)}"]
    block += [f"aggregate: {table.get('aggregation', '').lower()}"] if table.get("aggregation") else []
    block += [f"out: {json.dumps({_name(key): schema for key, schema in outputs.items()})}"]
    block += (
        [f"default: {{{', '.join(f'{key}: {value}' for key, value in defaults.items())}}}"]
        if defaults
        else []
    )
    header = [f"inputs.{_name(read)}" for read in inputs] + [_name(output) for output in outputs]
    return TableDocument(
        decision=name,
        text=_runbook(
            name, {_name(read): schema for read, schema in inputs.items()}, block, [header, *cells]
        ),
        task=_name(name),
        inputs={read: _name(read) for read in inputs},
        outputs={output: _name(output) for output in outputs},
        has_one_value=len(columns) == 1 and not columns[0].get("name"),
    )


def _runbook(title: str, inputs: Mapping[str, Any], block: list[str], rows: list[list[str]]) -> str:
    head = [f"id: {_name(title).replace('_', '-')}", f"title: {json.dumps(title)}", 'version: "1"']
    lines = ["---", "runbook: v1", *head, "owner: team:ops", "mode: observe"]
    lines += [
        f"inputs: {json.dumps(inputs)}",
        "tools: []",
        "---",
        "",
        f"# {title}",
        "",
        f"## Task: {title}",
        "",
    ]
    lines += ["```yaml", *block, "```", ""]
    written = [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows]
    return "\n".join([*lines, written[0], "|---" * len(rows[0]) + "|", *written[1:], ""])


def _hit(table: ET.Element) -> str:
    return table.get("hitPolicy", "UNIQUE").lower().replace(" ", "-")


def _schema(type_ref: str | None, allowed: list[Any], written: list[str]) -> dict[str, Any]:
    if allowed:
        return {"enum": allowed}
    if type_ref is None:
        kinds = {"string" if cell.startswith('"') else "number" for cell in written}
        assert len(kinds) == 1, f"cells of several types: {written}"
        type_ref = kinds.pop()
    return SCHEMAS[type_ref]


def _allowed(column: ET.Element, tag: str) -> list[Any]:
    found: list[Any] = [one for values in _children(column, tag) for one in json.loads(f"[{_text(values)}]")]
    return found


def _name(words: str) -> str:
    """Return a name of FEEL as one of ours: `Approval Status` and `isAffordable` in lower case with `_`."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words)
    return re.sub(r"\W+", "_", split).strip("_").lower()


# ------------------------------------------------------------------------------------------- values


def _value(element: ET.Element) -> Any:
    """Return a value of a test file: numbers as decimals, structures as dicts, lists as lists."""
    lists = list(_children(element, "list"))
    if lists:
        return [_value(item) for item in _children(lists[0], "item")]
    components = list(_children(element, "component"))
    if components:
        return {component.get("name", ""): _value(component) for component in components}
    value = _one(element, "value")
    text = value.text or ""
    match value.get(XSI_TYPE):
        case "xsd:decimal" | "xsd:double" | "xsd:integer":
            return Decimal(text)
        case "xsd:boolean":
            return text == "true"
        case _:
            return text


def _children(element: ET.Element, tag: str) -> Iterator[ET.Element]:
    return (child for child in element if child.tag.rpartition("}")[2] == tag)


def _one(element: ET.Element, tag: str) -> ET.Element:
    (found,) = _children(element, tag)
    return found


def _text(element: ET.Element) -> str:
    return "".join(element.itertext()).strip()
