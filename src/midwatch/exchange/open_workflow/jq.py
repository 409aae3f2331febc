"""Values and expressions of Open Workflow as jq.

Source: Open Workflow DSL 1.0, "Runtime Expressions": strict mode, `${ … }`; some keys are expressions anyway.
"""

import json
import re
from typing import Any

from midwatch.exchange.tree import Node

ONE = "def one(f): first(f, null);"
"""The first thing that an expression gives; null where it gives nothing."""
_STRICT = re.compile(r"\s*\$\{(.*)\}\s*", re.DOTALL)
_PART = re.compile(r"\{([A-Za-z_$][A-Za-z0-9_.$]*)\}")
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def expression_in(text: str) -> str | None:
    """Return what stands between `${` and `}`, or None where the text is no expression."""
    found = _STRICT.fullmatch(text)
    return found[1].strip() if found else None


def is_expression(node: Node) -> bool:
    """Return whether a value is an expression as a whole."""
    return node.is_text and expression_in(node.text) is not None


def bare(node: Node) -> str:
    """Return the jq of a value whose place makes every text an expression, with or without `${ }`."""
    if node.is_text:
        inner = expression_in(node.text)
        return one(node.text if inner is None else inner)
    return template(node)


def template(node: Node) -> str:
    """Return the jq of a value in which texts with `${ }` are expressions, at any depth."""
    if node.is_mapping:
        fields = (f"{literal(key)}: {template(value)}" for key, value in node.entries())
        return "{ " + ", ".join(fields) + " }" if node.value else "{}"
    if node.is_list:
        return "[" + ", ".join(map(template, node.items())) + "]"
    inner = expression_in(node.text) if node.is_text else None
    return literal(node.value) if inner is None else one(inner)


def one(expression: str) -> str:
    """Return the jq of one expression, kept together whatever it holds."""
    end = "\n" if "#" in expression else ""
    return f"one({expression.strip()}{end})"


def literal(value: Any) -> str:
    """Return a plain value as jq; no `{{`, which no command may hold."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("{{", "{\\u007b") if isinstance(value, str) else text.replace("{{", "{ {")


def uri_template(text: str) -> str:
    """Return the jq of an address with `{name}`, each a field of the input, escaped for an address."""
    parts: list[str] = []
    at = 0
    for found in _PART.finditer(text):
        parts.append(json.dumps(text[at : found.start()])[1:-1])
        name = found[1] if found[1].startswith("$") else f".{found[1]}"
        parts.append(f"\\({name} | tostring | @uri)")
        at = found.end()
    parts.append(json.dumps(text[at:])[1:-1])
    return '"' + "".join(parts) + '"'


def variables_of(program: str) -> frozenset[str]:
    """Return the names of the variables that a program mentions."""
    return frozenset(_VARIABLE.findall(program))


def imbalance(text: str) -> str:
    """Return what is wrong with brackets and quotes of an expression, or an empty text.

    No more than that is checked without jq; it keeps an expression from reaching into what stands around it.
    """
    open_: list[str] = []
    at, size = 0, len(text)
    while at < size:
        mark = text[at]
        if mark == "#" and (not open_ or open_[-1] != '"'):
            at = text.find("\n", at) if "\n" in text[at:] else size
        elif open_ and open_[-1] == '"' and mark == "\\":
            if text[at + 1 : at + 2] == "(":
                open_.append("(")
            at += 1
        elif mark == '"':
            open_.pop() if open_ and open_[-1] == '"' else open_.append('"')
        elif open_ and open_[-1] == '"':
            pass
        elif mark in _CLOSING:
            open_.append(mark)
        elif mark in _CLOSING.values():
            if not open_ or _CLOSING.get(open_[-1]) != mark:
                return f"`{mark}` closes nothing"
            open_.pop()
        at += 1
    return f"`{open_[-1]}` is never closed" if open_ else ""
