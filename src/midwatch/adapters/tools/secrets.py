"""Secrets: handles become values in the child, right before the call, and values become handles after it.

Rule 1: a handle `secret:NAME` is all that is ever sealed, journalled, shown or logged.
Rule 2: it is resolved only where the manifest's property says `format: secret`; elsewhere it is a text.
Rule 3: what a tool says is searched for the value before it leaves the child; encoded forms are not found.
"""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midwatch.base.errors import MidwatchError

PREFIX = "secret:"
IN_ENVIRONMENT = "HANDLE_"
"""How the variables of a child begin that hold what the operator let through."""
_HANDLE = re.compile(r"secret:([A-Za-z_][A-Za-z0-9_]*)")
_FORBIDDEN = stat.S_IRWXG | stat.S_IRWXO


class SecretMissingError(MidwatchError):
    """A secret that a tool needs is not configured, or was not given by its handle; nothing was sent."""

    code = "MW640"
    fix = "Put it into the file of `[secrets] file`, or name its variable in `[secrets] environment`."


class SecretSourceError(MidwatchError):
    """The file of secrets can't be used: it is missing, damaged, or open to others."""

    code = "MW641"
    fix = 'Mend {path}: TOML with `NAME = "value"`, owned by you, `chmod 600`.'


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """Where the operator keeps secrets: a file that only this user can read, variables that are named."""

    file: Path | None = None
    environment: tuple[str, ...] = ()

    def for_child(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that a child gets: those that are named, and are there."""
        return {IN_ENVIRONMENT + name: environ[name] for name in self.environment if name in environ}


def wants_secrets(schema: Any) -> bool:
    """Return whether a manifest takes a secret anywhere in its arguments."""
    if isinstance(schema, Mapping):
        return schema.get("format") == "secret" or any(wants_secrets(part) for part in schema.values())
    return isinstance(schema, list) and any(wants_secrets(part) for part in schema)


def resolved(
    schema: Mapping[str, Any], args: Mapping[str, Any], *, file: str, tool: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the arguments with their secrets, and each secret's value with the handle that stands for it.

    Raises:
        SecretMissingError: MW640; SecretSourceError: MW641.
    """
    used: dict[str, str] = {}
    values = _Values(file=file, tool=tool)
    found = _resolved(schema, dict(args), values, used)
    assert isinstance(found, dict), "arguments are an object"
    return found, used


class _Values:
    """The secrets of this host, read when the first is asked for."""

    def __init__(self, *, file: str, tool: str) -> None:
        self._file = Path(file) if file else None
        self._tool = tool
        self._known: Mapping[str, Any] | None = None

    def of(self, name: str) -> str:
        given = os.environ.get(IN_ENVIRONMENT + name)
        if given is None and self._file is not None:
            if self._known is None:
                self._known = _read(self._file)
            given = self._known.get(name)
        if not isinstance(given, str) or not given:
            raise SecretMissingError(f"{self._tool} was not called: there is no secret {name}", name=name)
        return given


def _resolved(schema: Any, value: Any, values: _Values, used: dict[str, str]) -> Any:
    schema = schema if isinstance(schema, Mapping) else {}
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        rest = schema.get("additionalProperties", {})
        return {
            name: _resolved(properties.get(name, rest), item, values, used) for name, item in value.items()
        }
    if isinstance(value, list):
        return [_resolved(schema.get("items", {}), item, values, used) for item in value]
    if schema.get("format") != "secret" or not isinstance(value, str):
        return value
    handle = _HANDLE.fullmatch(value)
    if handle is None:
        raise SecretMissingError(
            "a secret is given by its handle, `secret:NAME`, and in no other way", name=""
        )
    used[values.of(handle[1])] = value
    return values.of(handle[1])


def _read(file: Path) -> Mapping[str, Any]:
    """Return what a file of secrets holds; refuses one that others could read or exchange."""
    try:
        with file.open("rb") as opened:
            about = os.fstat(opened.fileno())
            if about.st_mode & _FORBIDDEN or about.st_uid not in {os.geteuid(), 0}:
                raise SecretSourceError(f"others may read {file}", path=str(file))
            return tomllib.load(opened)
    except OSError as error:
        raise SecretSourceError(f"{file} can't be read: {error.strerror}", path=str(file)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise SecretSourceError(f"{file} is not TOML", path=str(file)) from None


def scrubbed(value: Any, used: Mapping[str, str]) -> Any:
    """Return what a tool said, with the handle in the place of each secret that it was given."""
    match value:
        case str():
            for secret in sorted(used, key=len, reverse=True):
                value = value.replace(secret, used[secret])
            return value
        case dict():
            return {scrubbed(name, used): scrubbed(item, used) for name, item in value.items()}
        case list() | tuple():
            return [scrubbed(item, used) for item in value]
        case _:
            return value
