"""The wire form of a plan: canonical JSON, and back.

A plan's dataclasses are its schema: each is an object with a member for each field, enums are their
values, labels are spelled `integrity/confidentiality`, and a number with a fraction inside of a JSON
value is `{"$float": …}`. A plan that was stored by an older release lacks newer fields; they get
their defaults.
"""

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, NewType, Union, get_args, get_origin

from midwatch.base.canonical import canonical, digest_of, frozen_value, thawed_value
from midwatch.base.ids import Digest
from midwatch.base.labels import Label, label_from
from midwatch.plan.errors import PlanUnreadableError
from midwatch.plan.model import SEMANTICS, Plan


def plan_record(plan: Plan) -> dict[str, Any]:
    """Return the plan as plain JSON values without floats."""
    record = _encoded(plan)
    assert isinstance(record, dict)
    return record


def plan_bytes(plan: Plan) -> bytes:
    """Return the canonical bytes of a plan: what is stored, and what its digest names.

    Raises:
        NotCanonicalError: MW203, for a literal that has no canonical form.
    """
    return canonical(plan_record(plan))


def plan_digest(plan: Plan) -> Digest:
    """Return the name of a plan."""
    return digest_of(plan_bytes(plan))


def plan_from(data: bytes) -> Plan:
    """Return the plan that `plan_bytes` wrote.

    Raises:
        PlanUnreadableError: MW191, it is not a plan, or one of a newer release.
    """
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise PlanUnreadableError("a stored plan is not JSON", field="") from error
    semantics = record.get("semantics") if isinstance(record, dict) else None
    if not isinstance(semantics, int) or semantics > SEMANTICS:
        raise PlanUnreadableError(
            f"a stored plan has semantics {semantics!r}; this release knows up to {SEMANTICS}",
            field="semantics",
        )
    plan = _decoded(Plan, record, "plan")
    assert isinstance(plan, Plan)
    return plan


# ------------------------------------------------------------------------------------------ encoding


def _encoded(value: Any) -> Any:
    if isinstance(value, Label):
        return str(value)
    if is_dataclass(value):
        kind: Any = type(value)
        return {field.name: _field_encoded(value, field, hint) for field, hint in _hints(kind)}
    match value:
        case StrEnum():
            return value.value
        case Mapping():
            return {key: _encoded(item) for key, item in value.items()}
        case list() | tuple():
            return [_encoded(item) for item in value]
        case _:
            return value


def _field_encoded(value: Any, field: Field[Any], hint: Any) -> Any:
    inner = getattr(value, field.name)
    return frozen_value(_plain(inner)) if _holds_json(hint) else _encoded(inner)


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value


# ------------------------------------------------------------------------------------------ decoding


def _decoded(hint: Any, value: Any, path: str) -> Any:
    if isinstance(hint, NewType):
        return _decoded(hint.__supertype__, value, path)
    if hint is Any:
        return value
    origin = get_origin(hint)
    if origin is not None:
        return _generic(origin, get_args(hint), value, path)
    if hint is Label:
        return _label(value, path)
    if is_dataclass(hint):
        return _object(hint, value, path)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        if isinstance(value, str) and value in {member.value for member in hint}:
            return hint(value)
        raise _unreadable(path, value)
    if hint is int and isinstance(value, bool):
        raise _unreadable(path, value)
    if isinstance(value, hint):
        return value
    raise _unreadable(path, value)


def _generic(origin: Any, args: tuple[Any, ...], value: Any, path: str) -> Any:
    if origin in (Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        return _decoded(next(arg for arg in args if arg is not type(None)), value, path)
    if origin is tuple:
        if not isinstance(value, list):
            raise _unreadable(path, value)
        if args[-1] is Ellipsis:
            return tuple(_decoded(args[0], item, f"{path}[{index}]") for index, item in enumerate(value))
        if len(args) != len(value):
            raise _unreadable(path, value)
        return tuple(_decoded(arg, item, path) for arg, item in zip(args, value, strict=True))
    assert origin is Mapping, f"the plan holds a {origin}"  # the `collections.abc` class
    if not isinstance(value, dict):
        raise _unreadable(path, value)
    return {key: _decoded(args[1], item, f"{path}.{key}") for key, item in value.items()}


def _object(kind: Any, value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        raise _unreadable(path, value)
    given: dict[str, Any] = {}
    for field, hint in _hints(kind):
        where = f"{path}.{field.name}"
        if field.name in value:
            inner = value[field.name]
            given[field.name] = _decoded(hint, thawed_value(inner) if _holds_json(hint) else inner, where)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise PlanUnreadableError(f"a stored plan lacks `{where}`", field=where)
    unknown = sorted(value.keys() - {field.name for field, _ in _hints(kind)})
    if unknown:
        raise PlanUnreadableError(
            f"a stored plan has `{path}.{unknown[0]}`, which this release doesn't know", field=path
        )
    return kind(**given)


def _label(value: Any, path: str) -> Label:
    try:
        return label_from(value)
    except (AttributeError, ValueError) as error:
        raise _unreadable(path, value) from error


def _unreadable(path: str, value: Any) -> PlanUnreadableError:
    return PlanUnreadableError(f"a stored plan has a wrong `{path}`: {value!r:.80}", field=path)


@cache
def _hints(kind: Any) -> tuple[tuple[Field[Any], Any], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((field, hints[field.name]) for field in fields(kind))


@cache
def _holds_json(hint: Any) -> bool:
    """Return whether values of the type are JSON from outside, where floats can be."""
    return hint is Any or any(_holds_json(arg) for arg in get_args(hint) if arg is not Ellipsis)
