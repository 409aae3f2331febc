"""Manifests of tools from TOML: those that ship with Midwatch, and the operator's `tools/*.toml`.

A manifest declares; nothing is believed from the tool itself. A declared tool without `runs` can be
named in runbooks and linted, and calling it fails.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs

from midwatch.adapters.tools.builtin import BUILTINS, is_below
from midwatch.adapters.tools.errors import ManifestError, ManifestTwiceError
from midwatch.base.classes import EffectClass, RetryClass
from midwatch.base.ids import ToolName
from midwatch.base.labels import Label, label_from
from midwatch.base.units import DurationMs
from midwatch.effects.manifest import Manifest

FILE_BYTES_MAX = 1 << 18
FILES_MAX = 500
_TEXT = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tool", "summary", "major", "effect", "retry", "arguments"],
    "properties": {
        "tool": {"type": "string", "pattern": "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*$", "maxLength": 80},
        "summary": {"type": "string", "minLength": 10, "maxLength": 500},
        "major": {"type": "integer", "minimum": 1},
        "effect": {"enum": [effect.value for effect in EffectClass]},
        "retry": {"enum": [retry.value for retry in RetryClass]},
        "runs": _TEXT,
        "programs": {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True},
        "origins": {
            "type": "object",
            "propertyNames": {
                "pattern": "^https?://[a-z0-9.-]+(:[0-9]{1,5})?$|^https?://\\[[0-9a-f:]+\\](:[0-9]{1,5})?$"
            },
            "additionalProperties": {"type": "string", "pattern": "^$|^https?://[^\\s@?#]+$"},
        },
        "target": {"type": "string", "minLength": 1},
        "timeout_ms": {"type": "integer", "minimum": 1, "maximum": 3_600_000},
        "output_bytes_max": {"type": "integer", "minimum": 1, "maximum": 16 << 20},
        "text_argument": _TEXT,
        "bound_argument": _TEXT,
        "note": _TEXT,
        "undone_by": _TEXT,
        "labels": {"type": "object", "additionalProperties": _TEXT},
        "arguments": {"type": "object", "required": ["type"], "properties": {"type": {"const": "object"}}},
        "out": {"type": "object"},
    },
}
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


def shipped_folder() -> Path:
    """Return the folder of the manifests that come with the package."""
    return Path(str(files("midwatch"))) / "shipped" / "tools"


def load_manifests(folders: Sequence[Path] = ()) -> dict[ToolName, Manifest]:
    """Return every declared tool by name: the shipped ones first, then folder by folder.

    A folder that does not exist has no manifests.

    Raises:
        ManifestError: MW501, with the file and, where known, the line.
        ManifestTwiceError: MW502.
    """
    found: dict[ToolName, Manifest] = {}
    places: dict[ToolName, Path] = {}
    for folder in (shipped_folder(), *folders):
        paths = sorted(folder.glob("*.toml"))
        if len(paths) > FILES_MAX:
            raise ManifestError(f"there are more than {FILES_MAX} manifests", place=str(folder))
        for path in paths:
            manifest = load_manifest(path)
            if manifest.tool in found:
                first = str(places[manifest.tool])
                raise ManifestTwiceError(
                    f"the tool {manifest.tool} is declared twice",
                    place=str(path),
                    first=first,
                    second=str(path),
                )
            found[manifest.tool], places[manifest.tool] = manifest, path
    return found


def load_manifest(path: Path) -> Manifest:
    """Return the manifest that a file declares.

    Raises:
        ManifestError: MW501.
    """
    try:
        data = path.read_bytes()
        if len(data) > FILE_BYTES_MAX:
            raise ManifestError(f"the file has more than {FILE_BYTES_MAX} bytes", place=str(path))
        table = tomllib.loads(data.decode())
    except OSError as error:
        raise ManifestError(f"the file can't be read: {error.strerror}", place=str(path)) from error
    except UnicodeDecodeError as error:
        raise ManifestError("the file is not UTF-8 text", place=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise _misspelt(path, error) from error
    for problem in jsonschema_rs.Draft202012Validator(SCHEMA).iter_errors(table):
        where = ".".join(str(part) for part in problem.instance_path) or "the file"
        raise ManifestError(f"{where}: {problem.message}", place=str(path))
    return _manifest(path, table)


def _misspelt(path: Path, error: tomllib.TOMLDecodeError) -> ManifestError:
    found = _PLACE.search(str(error))
    place = f"{path}:{found[1]}:{found[2]}" if found else str(path)
    return ManifestError(f"this is not TOML: {_PLACE.sub('', str(error)).strip()}", place=place)


def _manifest(path: Path, table: Mapping[str, Any]) -> Manifest:
    _check_schemas(path, table)
    effect, runs = EffectClass(table["effect"]), table.get("runs", "")
    _check_function(path, effect, runs)
    for key in ("text_argument", "bound_argument"):
        name = table.get(key, "")
        if name and name not in table["arguments"].get("properties", {}):
            raise ManifestError(f"{key}: there is no argument {name!r}", place=str(path))
    if table.get("programs") and runs != "command":
        raise ManifestError('programs: only a tool that `runs = "command"` has programs', place=str(path))
    if table.get("origins") and not runs.startswith("http."):
        raise ManifestError(
            "origins: only a tool that runs `http.get` or `http.request` has origins", place=str(path)
        )
    return Manifest(
        tool=ToolName(table["tool"]),
        summary=table["summary"],
        major=table["major"],
        effect=effect,
        retry=RetryClass(table["retry"]),
        arguments=table["arguments"],
        out=table.get("out", {}),
        target=table.get("target", table["tool"]),
        labels={name: _label(path, name, text) for name, text in table.get("labels", {}).items()},
        timeout_ms=DurationMs(table.get("timeout_ms", 30_000)),
        output_bytes_max=table.get("output_bytes_max", 1 << 20),
        text_argument=table.get("text_argument", ""),
        bound_argument=table.get("bound_argument", ""),
        note=table.get("note", ""),
        undone_by=table.get("undone_by", ""),
        runs=runs,
        programs=tuple(table.get("programs", ())),
        origins=table.get("origins", {}),
    )


def _check_schemas(path: Path, table: Mapping[str, Any]) -> None:
    for key in ("arguments", "out"):
        if _refers(table.get(key, {})):
            raise ManifestError(f"{key}: write the schema out, without `$ref`", place=str(path))
        try:
            jsonschema_rs.Draft202012Validator(table.get(key, {}))
        except ValueError as error:
            raise ManifestError(f"{key} is not a JSON Schema: {error}", place=str(path)) from error
    if table["arguments"].get("additionalProperties", True) is not False:
        raise ManifestError("arguments: say `additionalProperties = false`", place=str(path))


def _refers(schema: Any) -> bool:
    """Return whether a schema names another: the validator would follow an address to the network."""
    if isinstance(schema, dict):
        return any(key.startswith("$") or _refers(value) for key, value in schema.items())
    return isinstance(schema, list) and any(map(_refers, schema))


def _check_function(path: Path, effect: EffectClass, runs: str) -> None:
    if not runs:
        return
    if runs not in BUILTINS:
        raise ManifestError(f"runs: there is no {runs!r}; there are {', '.join(BUILTINS)}", place=str(path))
    floor = BUILTINS[runs].floor
    if is_below(effect, floor):
        raise ManifestError(f"effect: {runs} is at least {floor}, not {effect}", place=str(path))


def _label(path: Path, name: str, text: str) -> Label:
    try:
        return label_from(text)
    except ValueError as error:
        raise ManifestError(
            f"labels.{name}: {text!r} is no `integrity/confidentiality`", place=str(path)
        ) from error
