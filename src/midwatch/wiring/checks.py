"""What `doctor` looks at: each check says in one line what it saw, and in one line how to mend it."""

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from midwatch.adapters.clock import SystemClock
from midwatch.adapters.config import Config
from midwatch.adapters.keys import FileKeys
from midwatch.adapters.process import os_user
from midwatch.adapters.tools.manifests import load_manifests
from midwatch.approvals.people import People
from midwatch.base.errors import MidwatchError
from midwatch.base.units import SECOND_MS
from midwatch.plan.codec import plan_from
from midwatch.plan.model import Plan
from midwatch.ports.store import RunFilter
from midwatch.wiring.force import read_people, read_policy
from midwatch.wiring.health import port_is_free
from midwatch.wiring.lint import lint_file
from midwatch.wiring.opening import Opened, server_of
from midwatch.wiring.places import runbook_files

FREE_BYTES_MIN = 200_000_000
LOCAL = "Put the state folder on a local file system: MIDWATCH_STATE=/var/tmp/midwatch."
CLOCK_SLACK_MS = 5 * SECOND_MS
_RUNS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One look."""

    name: str
    ok: bool
    saw: str
    fix: str = ""


class _BrokenError(Exception):
    """What a look found broken, and how to mend it."""

    def __init__(self, saw: str, fix: str) -> None:
        super().__init__(saw)
        self.fix = fix


def check_files(config: Config) -> Iterator[Check]:
    """Yield what can be said without opening the house."""
    yield _settings(config)
    yield _guarded("state folder", lambda: _state(config))
    if config.state.exists():
        yield _guarded("database writes", lambda: _wal(config.state))
    yield _guarded("disk space", lambda: _space(config))
    yield _guarded(
        "policy", lambda: f"{len(read_policy(config)[0].rules)} rules from {read_policy(config)[1]}"
    )
    yield _guarded("tools", lambda: f"{len(load_manifests(config.tools))} tools declared")
    yield _guarded("people", lambda: _people(config))
    yield from _runbooks(config)


def check_house(opened: Opened) -> Iterator[Check]:
    """Yield what is to be said of an open house, its journal left to the audit."""
    yield _guarded("keys", lambda: f"closed to others, log {FileKeys(opened.config.state / 'keys').origin}")
    yield _clock(opened)
    yield _parked(opened)
    yield _port(opened.config, has_server=server_of(opened.house.store) is not None)


def check_port(config: Config) -> Check:
    """Return whether a server could listen, where there is no house yet."""
    return _port(config, has_server=False)


def _guarded(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, saw=look())
    except _BrokenError as error:
        return Check(name=name, ok=False, saw=str(error), fix=error.fix)
    except MidwatchError as error:
        where = f" ({error.place})" if error.place else ""
        return Check(name=name, ok=False, saw=f"{error.code}: {error.sentence}{where}", fix=error.help)


def _settings(config: Config) -> Check:
    said = [f"{key} from {origin}" for key, origin in config.origins.items() if origin != "default"]
    saw = f"{config.file or 'no file, all defaults'}{': ' if said else ''}{', '.join(said)}"
    if config.warnings:
        fix = "Own it, and run `chmod o-w` on it; or name it with --config."
        return Check(name="settings", ok=False, saw=config.warnings[0], fix=fix)
    return Check(name="settings", ok=True, saw=saw)


def _state(config: Config) -> str:
    if not config.state.exists():
        return f"{config.state} is not there yet; `midwatch start` makes it"
    about = config.state.stat()
    if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise _BrokenError(f"{config.state} is open to other users", f"Run `chmod 700 {config.state}`.")
    if not os.access(config.state, os.W_OK | os.X_OK):
        raise _BrokenError(f"{config.state} can't be written", "Own it, or point MIDWATCH_STATE elsewhere.")
    return f"{config.state}, closed to others"


def _wal(folder: Path) -> str:
    """Write a database with a write-ahead log beside the real one, and take it away again."""
    try:
        with tempfile.TemporaryDirectory(prefix="doctor-", dir=folder) as place:
            connection = sqlite3.connect(Path(place) / "probe.db")
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            connection.execute("CREATE TABLE probe (n INTEGER)")
            connection.execute("INSERT INTO probe VALUES (1)")
            connection.commit()
            connection.close()
    except (OSError, sqlite3.Error) as error:
        raise _BrokenError(f"a database can't be written in {folder}: {error}", LOCAL) from error
    if mode != "wal":
        raise _BrokenError(f"the file system of {folder} has no write-ahead log, only {mode}", LOCAL)
    return "a write-ahead log can be written"


def _space(config: Config) -> str:
    place = config.state
    while not place.exists():
        place = place.parent
    free_bytes = shutil.disk_usage(place).free
    if free_bytes < FREE_BYTES_MIN:
        raise _BrokenError(
            f"{free_bytes // 1_000_000} MB are left where {config.state} lies",
            "Free some space there, or point MIDWATCH_STATE elsewhere.",
        )
    return f"{free_bytes // 1_000_000} MB left"


def _people(config: Config) -> str:
    people, origin = read_people(config)
    person = people.person_of_os_user(os_user())
    return f"you are {person.id}, one of {len(people.people)}, by {origin}"


def _runbooks(config: Config) -> Iterator[Check]:
    try:
        declared = load_manifests(config.tools)
        people = read_people(config)[0]
    except MidwatchError:
        return
    for path in runbook_files(config):
        report = lint_file(config, path, path.read_bytes(), declared)
        if report.plan is None:
            fix = f"Run `midwatch lint {path}`."
            yield Check(name=path.name, ok=False, saw=f"{len(report.errors)} errors", fix=fix)
            continue
        lost = _unreachable(report.plan, people)
        if lost:
            fix = f"Add {lost[0]} to people.toml, or change the ladder in {path}."
            yield Check(name=path.name, ok=False, saw=f"nobody is reached at {', '.join(lost)}", fix=fix)
        else:
            yield Check(name=path.name, ok=True, saw=f"L{report.level.value}, every rung reaches somebody")


def _unreachable(plan: Plan, people: People) -> tuple[str, ...]:
    """Return the rungs on which nobody is, now."""
    now_ms = SystemClock().now_ms()
    ladders = [part.ladder for task in plan.tasks for part in (task.approval, task.hand) if part is not None]
    rungs = [*plan.ladder, *(rung for ladder in ladders for rung in ladder)]
    lost = []
    for ask in dict.fromkeys(rung.ask for rung in rungs):
        try:
            if not people.resolve(ask, now_ms):
                lost.append(ask)
        except MidwatchError:
            lost.append(ask)
    return tuple(lost)


def _clock(opened: Opened) -> Check:
    rows = opened.house.store.run_rows(RunFilter(limit=1))
    now_ms = opened.house.clock.now_ms()
    newest_ms = max((row.ended_ms or row.started_ms for row in rows), default=now_ms)
    if newest_ms > now_ms + CLOCK_SLACK_MS:
        behind = (newest_ms - now_ms) // SECOND_MS
        return Check(
            name="clock",
            ok=False,
            saw=f"the clock is {behind} s behind the newest run",
            fix="Set the clock: `timedatectl set-ntp true`.",
        )
    return Check(name="clock", ok=True, saw="not behind what is recorded")


def _parked(opened: Opened) -> Check:
    rows = opened.house.store.run_rows(RunFilter(live=True, limit=_RUNS_MAX))
    for row in rows:
        stored = opened.house.store.plan(row.plan)
        try:
            if stored is None:
                return Check(
                    name="runs under way",
                    ok=False,
                    saw=f"the plan of {row.run} is missing",
                    fix="Restore the database from a backup.",
                )
            plan_from(stored)
        except MidwatchError as error:
            return Check(name="runs under way", ok=False, saw=f"{row.run}: {error.sentence}", fix=error.help)
    return Check(name="runs under way", ok=True, saw=f"{len(rows)}, each readable by this version")


def _port(config: Config, *, has_server: bool) -> Check:
    if has_server:
        return Check(name="port", ok=True, saw=f"{config.port} is the server's")
    if port_is_free(config.port):
        return Check(name="port", ok=True, saw=f"{config.port} is free for `midwatch server`")
    return Check(
        name="port",
        ok=False,
        saw=f"{config.port} is taken",
        fix="Set another `port` under [server] in midwatch.toml.",
    )
