"""Reading policies and their schema: what is wrong with them, and where."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cedarpy

from midwatch.policy.discern import Discernment, discernment_of
from midwatch.policy.errors import (
    PolicyIdError,
    PolicyInvalidError,
    PolicyNamelessError,
    PolicySchemaError,
    PolicyUnreadableError,
)

FORBID_KINDS = ("ask", "not_now", "forbidden", "shadow", "answer")
"""How the id of a `forbid` begins, and thereby what its refusal means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One policy as people see it."""

    id: str
    says: str
    allows: bool
    """A `permit`; else a `forbid`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Policies and schema, parsed and validated."""

    rules: Mapping[str, Rule]
    """By id, in the order of the file."""
    policies: cedarpy.PolicySet
    schema: cedarpy.Schema
    discernment: Discernment
    """What these policies can tell apart."""


def read_rules(policies_text: str, schema_text: str, *, file: str) -> Source:
    """Return the parsed policies, each validated against the schema.

    Raises:
        PolicyUnreadableError: MW301, when the text is not Cedar.
        PolicyInvalidError: MW302, when a policy doesn't fit the schema.
        PolicyNamelessError: MW303, when a policy has no @id or no @says.
        PolicySchemaError: MW304, when the schema can't be read.
        PolicyIdError: MW305, when an id is used twice or begins wrongly.
    """
    try:
        schema = cedarpy.Schema.from_str(schema_text)
    except ValueError as error:
        raise PolicySchemaError(f"the schema can't be read: {error}", file=file) from error
    try:
        policies = cedarpy.PolicySet.from_str(policies_text)
        listed = json.loads(cedarpy.policies_to_json_str(policies_text))
    except ValueError as error:
        raise PolicyUnreadableError(
            f"the policy can't be read: {error}", place=_place_of_broken(policies_text, file), file=file
        ) from error
    rules = _listed_rules(listed, policies_text, file)
    _validate(policies_text, schema, tuple(rules), file)
    discernment = discernment_of(listed["staticPolicies"])
    return Source(rules=rules, policies=policies, schema=schema, discernment=discernment)


def _listed_rules(listed: Mapping[str, Any], text: str, file: str) -> dict[str, Rule]:
    """Return the rules by id, in the order of the file."""
    if listed["templates"] or listed["templateLinks"]:
        raise PolicyInvalidError(
            "templates are not supported: write the policy out", file=file, policy="template"
        )
    rules: dict[str, Rule] = {}
    numbered = sorted(listed["staticPolicies"].items(), key=lambda item: int(item[0].removeprefix("policy")))
    for number, (_, policy) in enumerate(numbered):
        notes = policy.get("annotations", {})
        name, says = notes.get("id") or "", notes.get("says") or ""
        place = _place_of_statement(text, number, file)
        if not name or not says:
            what = "@says" if name else "@id"
            raise PolicyNamelessError(
                f"policy {number + 1} ({name or 'nameless'}) has no {what}", place=place, file=file
            )
        allows = policy["effect"] == "permit"
        if name in rules:
            raise PolicyIdError(f"the id {name!r} is used twice", place=place)
        if (name.partition(".")[0] in FORBID_KINDS) is allows:
            raise PolicyIdError(f"the id {name!r} doesn't fit a {policy['effect']}", place=place)
        rules[name] = Rule(id=name, says=says, allows=allows)
    return rules


def _validate(text: str, schema: cedarpy.Schema, ids: Sequence[str], file: str) -> None:
    found = cedarpy.validate_policies(text, schema)
    for error in found.errors:
        number = int(error.policy_id.removeprefix("policy") or 0)
        raise PolicyInvalidError(
            f"{ids[number]}: {error.error.replace(f'`{error.policy_id}`', f'`{ids[number]}`')}",
            place=_place_of_statement(text, number, file),
            file=file,
            policy=ids[number],
        )


_TOKEN = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"|;|[^;"/\s]+|/', re.DOTALL)


def _statements(text: str) -> list[tuple[int, str]]:
    """Return each statement up to its semicolon with the offset at which it begins."""
    found: list[tuple[int, str]] = []
    start: int | None = None
    for token in _TOKEN.finditer(text):
        if token[0].startswith("//"):
            continue
        start = token.start() if start is None else start
        if token[0] == ";":
            found.append((start, text[start : token.end()]))
            start = None
    if start is not None:
        found.append((start, text[start:]))
    return found


def _place(text: str, offset: int, file: str) -> str:
    return f"{file}:{text.count(chr(10), 0, offset) + 1}:1"


def _place_of_statement(text: str, number: int, file: str) -> str:
    statements = _statements(text)
    return _place(text, statements[number][0], file) if number < len(statements) else file


def _place_of_broken(text: str, file: str) -> str:
    """Return where the first statement begins that is not Cedar by itself; Cedar doesn't say."""
    for offset, statement in _statements(text):
        try:
            cedarpy.PolicySet.from_str(statement)
        except ValueError:
            return _place(text, offset, file)
    return file
