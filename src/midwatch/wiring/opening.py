"""Opening a house: folder, keys, database, tools, policy, and the engine where runs are driven."""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from midwatch.adapters.clock import SystemChance, SystemClock
from midwatch.adapters.config import Config
from midwatch.adapters.crew import ThreadCrew
from midwatch.adapters.keys import FileKeys
from midwatch.adapters.process import boot_id, is_surely_dead, os_user, own_row
from midwatch.adapters.store.connect import alone
from midwatch.adapters.store.sqlite import SqliteStore
from midwatch.adapters.tools.alive import is_held
from midwatch.adapters.tools.registry import ALIVE, HostTools
from midwatch.adapters.tools.secrets import SecretSource
from midwatch.app.house import House
from midwatch.base.ids import RunId
from midwatch.ports.rows import WorkerRow
from midwatch.ports.store import Store, StoreFullError, StoreUnreachableError
from midwatch.wiring.force import Force
from midwatch.wiring.queue import NoDrives, new_engine
from midwatch.wiring.worker import Embedded, SealLag

SERVER = "server"
"""How the name of a worker begins that watches the timers until it is stopped."""
COMMAND = "command"
"""How the name of a worker begins that lives as long as one command."""
_CLOSE_WITHIN_S = 2.0
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A house with its doors open; close it when done."""

    config: Config
    house: House
    os_user: str
    worker: Embedded | None
    """Drives runs once started; None where the house was opened to look only."""
    listeners: list[Callable[[RunId], None]]
    """Called after each commit to a run by this process."""
    _closers: list[Callable[[], None]] = field(default_factory=list)

    def interrupt(self, *, within_s: float) -> None:
        """Wait a moment for what is under way to reach a commit; the process is about to end."""
        if self.worker is not None and self.worker.interrupt(within_s=within_s):
            self.close()

    def close(self) -> None:
        """Close everything, in the reverse order of opening."""
        while self._closers:
            self._closers.pop()()


def exists(config: Config) -> bool:
    """Return whether there is a house to open: looking never makes one."""
    return config.database.exists()


def open_house(config: Config, *, need_engine: bool, role: str = COMMAND) -> Opened:
    """Open the house of a configuration; the first to do so makes it.

    Args:
        need_engine: false leaves the engine alone, which takes half a second to import: nothing can
            be started, answered or driven then, only looked at.
        role: `server` or `command`.

    Raises:
        StoreUnreachableError: MW707, and what else database, keys, tools, policy and people refuse.
    """
    with contextlib.ExitStack() as undo:
        opened = _opened(config, undo, need_engine=need_engine, role=role)
        closers = undo.pop_all()
    opened._closers.append(closers.close)  # noqa: SLF001 - made in this function
    return opened


@contextlib.contextmanager
def opened_house(config: Config, *, need_engine: bool, role: str = COMMAND) -> Iterator[Opened]:
    """Open a house, and close it whatever happens."""
    opened = open_house(config, need_engine=need_engine, role=role)
    try:
        yield opened
    finally:
        opened.close()


def _opened(config: Config, undo: contextlib.ExitStack, *, need_engine: bool, role: str) -> Opened:
    make_state(config.state)
    clock, chance = SystemClock(), SystemChance()
    row = own_row(f"{role}-{os.getpid()}-{chance.token(4).hex()}")
    engine = new_engine(config.database, worker=row.worker) if need_engine else None
    store = SqliteStore(config.database, drives=engine or NoDrives())
    undo.callback(store.close)
    keys = FileKeys(config.state / "keys")
    alive = config.state / ALIVE
    secrets = SecretSource(file=config.secrets_file, environment=config.secrets_environment)
    tools = HostTools(state=config.state, folders=config.tools, alive=alive / row.worker, secrets=secrets)
    undo.callback(tools.close)
    crew = ThreadCrew()
    undo.callback(lambda: crew.close(within_s=_CLOSE_WITHIN_S))
    lag = SealLag(clock.now_ms)
    listeners: list[Callable[[RunId], None]] = []

    def on_commit(run: RunId) -> None:
        lag.noted()
        for listener in listeners:
            listener(run)

    force = Force(config)
    house = House(
        store=store,
        tools=tools,
        keys=keys,
        clock=clock,
        chance=chance,
        crew=crew,
        worker=row.worker,
        profile=config.profile,
        in_force=force,
        is_surely_dead=lambda row: is_surely_dead(row) and not _has_children(row, alive),
        watched=lambda: role == SERVER or server_of(store) is not None,
        seal_lag_ms=lag,
        on_commit=on_commit,
    )
    force.house = house
    if need_engine:
        with alone(config.state):
            force.activate()
        lag.noted()
    worker = Embedded(house, engine, row, lag) if engine is not None else None
    if worker is not None:
        undo.callback(worker.stop)
    return Opened(config=config, house=house, os_user=os_user(), worker=worker, listeners=listeners)


def _has_children(row: WorkerRow, alive: Path) -> bool:
    """Return whether a child of a dead worker is still there; nothing outlives a boot."""
    return row.boot == boot_id() and is_held(alive / row.worker)


def server_of(store: Store) -> str | None:
    """Return the name of a live worker that watches the timers; None where there is none."""
    for row in store.workers():
        if row.worker.startswith(f"{SERVER}-") and not is_surely_dead(row):
            return row.worker
    return None


def make_state(folder: Path) -> None:
    """Make the state folder, closed to others, where it is missing.

    Raises:
        StoreUnreachableError: MW707; StoreFullError: MW706.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.stat()
        if about.st_mode & _OTHERS and about.st_uid == os.geteuid():
            folder.chmod(0o700)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreFullError(f"no room to make {folder}", path=str(folder)) from error
        raise StoreUnreachableError(f"{folder} can't be used: {error.strerror}", path=str(folder)) from error
