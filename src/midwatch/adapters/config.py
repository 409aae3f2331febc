"""`midwatch.toml`: where it is found, what it may say, and where each value came from.

Rule 1: a file in the current folder counts only when this user or root owns it and not everybody may
write it: whoever could plant one would decide which policy is in force.
Rule 2: an unknown key is an error, so that a misspelt safeguard can't be silently absent.
"""

import difflib
import os
import pwd
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midwatch.base.classes import Profile
from midwatch.base.errors import MidwatchError

NAME = "midwatch.toml"
PORT = 4747
DEFAULT = "default"
_BYTES_MAX = 1 << 18
_PORT_MAX = 65_535
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")
_KEYS: Mapping[str, str] = {
    "state": "a path",
    "database": "a path",
    "profile": "`solo` or `team`",
    "policy": "a path",
    "people": "a path",
    "tools": "a list of paths",
    "runbooks": "a list of paths",
    "secrets.file": "a path",
    "secrets.environment": "a list of names of variables",
    "server.port": "a whole number from 1 to 65535",
}


class ConfigUnreadableError(MidwatchError):
    """The configuration file can't be read."""

    code = "MW901"
    fix = "Name a file that you may read: `midwatch --config FILE …`, or unset MIDWATCH_CONFIG."


class ConfigSyntaxError(MidwatchError):
    """The configuration file is not TOML."""

    code = "MW902"
    fix = "Correct the place named; texts stand in double quotes."


class ConfigKeyError(MidwatchError):
    """The configuration has a key that Midwatch doesn't know."""

    code = "MW903"
    fix = "{hint}The keys are: {known}."


class ConfigValueError(MidwatchError):
    """A value in the configuration, or in the environment, is of a wrong kind."""

    code = "MW904"
    fix = "Give `{key}` {wanted}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting, resolved; paths are absolute."""

    file: Path | None
    """The configuration file that was read; None where there is none."""
    state: Path
    database: Path
    profile: Profile
    port: int
    policy: Path | None
    """Folder of `*.cedar` and `*.cedarschema`; None takes the policy that ships with Midwatch."""
    people: Path | None
    """None means this user alone."""
    tools: tuple[Path, ...]
    runbooks: tuple[Path, ...]
    origins: Mapping[str, str]
    """Key to where its value came from: `default`, a variable's name, or `file:line`."""
    warnings: tuple[str, ...] = ()
    secrets_file: Path | None = None
    """TOML that only this user can read: a name and a value for each secret."""
    secrets_environment: tuple[str, ...] = ()
    """Variables of the environment that are secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the configuration is read in: this process's environment, or a test's."""

    environ: Mapping[str, str]
    cwd: Path
    home: Path
    uid: int


def surroundings() -> Surroundings:
    """Return those of this process."""
    try:
        home = os.environ.get("HOME") or pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        home = "/"
    return Surroundings(environ=os.environ, cwd=Path.cwd(), home=Path(home), uid=os.geteuid())


def load_config(given: Path | None, around: Surroundings) -> Config:
    """Return the settings from the first file found, the environment, and the defaults.

    The file is the one given, else MIDWATCH_CONFIG's, else `./midwatch.toml`, else
    `~/.config/midwatch/midwatch.toml`; only one is read.

    Raises:
        ConfigUnreadableError: MW901; ConfigSyntaxError: MW902; ConfigKeyError: MW903;
        ConfigValueError: MW904.
    """
    file, warnings = _found(given, around)
    text, table = ("", {}) if file is None else _parsed(file)
    flat = _flattened(table)
    _check_keys(flat, text, file)
    read = _Reader(flat=flat, text=text, file=file, around=around)
    state, state_origin = read.state()
    origins = {key: read.origin(key) for key in _KEYS} | {"state": state_origin}
    return Config(
        file=file,
        state=state,
        database=read.path("database", below=state) or state / "midwatch.db",
        profile=read.profile(),
        port=read.port(),
        policy=read.path("policy"),
        people=read.path("people"),
        tools=read.paths("tools"),
        runbooks=read.paths("runbooks"),
        origins=origins,
        warnings=warnings,
        secrets_file=read.path("secrets.file"),
        secrets_environment=read.names("secrets.environment"),
    )


def _found(given: Path | None, around: Surroundings) -> tuple[Path | None, tuple[str, ...]]:
    if given is not None:
        return around.cwd / given, ()
    named = around.environ.get("MIDWATCH_CONFIG")
    if named:
        return around.cwd / named, ()
    warnings: tuple[str, ...] = ()
    here = around.cwd / NAME
    if here.exists():
        why = _distrusted(here, around.uid)
        if not why:
            return here, ()
        warnings = (f"{here} is ignored: {why}.",)
    base = around.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if base.startswith("/") else around.home / ".config"
    own = folder / "midwatch" / NAME
    return (own if own.exists() else None), warnings


def _distrusted(path: Path, uid: int) -> str:
    """Return why a file that happens to lie here decides nothing; empty where it may."""
    about = path.stat()
    if about.st_uid not in {uid, 0}:
        return "somebody else owns it"
    return "everybody may write it" if about.st_mode & stat.S_IWOTH else ""


def _parsed(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigUnreadableError(f"{file} can't be read: {error.strerror}", place=str(file)) from error
    if len(data) > _BYTES_MAX:
        raise ConfigUnreadableError(f"{file} has more than {_BYTES_MAX} bytes", place=str(file))
    try:
        text = data.decode()
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigSyntaxError(
            f"byte {error.start + 1} is not UTF-8 text", place=f"{file}:{line}"
        ) from error
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        lines = data.decode().splitlines() or [""]
        line, column = (
            (int(place[1]), int(place[2])) if place and place[1] else (len(lines), len(lines[-1]) + 1)
        )
        sentence = _PLACE.sub("", str(error))
        raise ConfigSyntaxError(
            f"this is not TOML: {sentence[:1].lower()}{sentence[1:]}",
            place=f"{file}:{line}:{column}",
            excerpt=_excerpt(lines, line, column),
        ) from error


def _excerpt(lines: list[str], line: int, column: int) -> str:
    source = lines[line - 1] if line <= len(lines) else ""
    return f"{source}\n{' ' * (column - 1)}^"


def _flattened(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return each value under its dotted key; one level of tables is all there is."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}": item for inner, item in value.items()})
        else:
            flat[key] = value
    return flat


def _where(text: str, key: str) -> tuple[int, int]:
    """Return line and column of a dotted key; tomllib keeps no places."""
    table, _, name = key.rpartition(".")
    current = ""
    spelled = re.compile(rf"\s*(?:{re.escape(key)}|[\"']?{re.escape(name)}[\"']?)\s*=")
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+\s*([^\]]*?)\s*\]", line)
        if header:
            current = header[1]
        elif (current == table or line.lstrip().startswith(f"{key}")) and spelled.match(line):
            return number, len(line) - len(line.lstrip()) + 1
    return 1, 1


def _check_keys(flat: Mapping[str, Any], text: str, file: Path | None) -> None:
    for key in flat:
        if key in _KEYS:
            continue
        close = difflib.get_close_matches(key, _KEYS, n=1)
        line, column = _where(text, key)
        raise ConfigKeyError(
            f"there is no setting `{key}`",
            place=f"{file}:{line}:{column}",
            excerpt=_excerpt(text.splitlines(), line, column),
            hint=f"Did you mean `{close[0]}`? " if close else "",
            known=", ".join(_KEYS),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Takes values out of one file, and says where a wrong one stands."""

    flat: Mapping[str, Any]
    text: str
    file: Path | None
    around: Surroundings

    def origin(self, key: str) -> str:
        return f"{self.file}:{_where(self.text, key)[0]}" if key in self.flat else DEFAULT

    def state(self) -> tuple[Path, str]:
        named = self.around.environ.get("MIDWATCH_STATE")
        if named:
            return Path(os.path.abspath(self.around.cwd / self._at_home(named))), "MIDWATCH_STATE"  # noqa: PTH100 - without following links
        own = self.path("state")
        if own is not None:
            return own, self.origin("state")
        base = self.around.environ.get("XDG_STATE_HOME", "")
        if base.startswith("/"):
            return Path(base) / "midwatch", "XDG_STATE_HOME"
        return self.around.home / ".local" / "state" / "midwatch", DEFAULT

    def path(self, key: str, *, below: Path | None = None) -> Path | None:
        value = self.flat.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            raise self._wrong(key)
        assert self.file is not None, "a value comes from a file"
        base = below if below is not None else self.file.parent
        return Path(os.path.abspath(base / self._at_home(value)))  # noqa: PTH100 - without following links

    def paths(self, key: str) -> tuple[Path, ...]:
        values = self.flat.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
            raise self._wrong(key)
        return tuple(
            Path(os.path.abspath((self.file or self.around.cwd).parent / self._at_home(value)))  # noqa: PTH100 - as above
            for value in values
        )

    def names(self, key: str) -> tuple[str, ...]:
        values = self.flat.get(key, [])
        if not isinstance(values, list) or not all(isinstance(name, str) and name for name in values):
            raise self._wrong(key)
        return tuple(values)

    def profile(self) -> Profile:
        value = self.flat.get("profile", Profile.SOLO.value)
        if value not in {profile.value for profile in Profile}:
            raise self._wrong("profile")
        return Profile(value)

    def port(self) -> int:
        value = self.flat.get("server.port", PORT)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _PORT_MAX:
            raise self._wrong("server.port")
        return value

    def _at_home(self, text: str) -> Path:
        return self.around.home / text[2:] if text.startswith("~/") else Path(text)

    def _wrong(self, key: str) -> ConfigValueError:
        line, column = _where(self.text, key)
        return ConfigValueError(
            f"`{key}` is {self.flat[key]!r}, not {_KEYS[key]}",
            place=f"{self.file}:{line}:{column}",
            excerpt=_excerpt(self.text.splitlines(), line, column),
            key=key,
            wanted=_KEYS[key],
        )
