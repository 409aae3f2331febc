"""DBOS Transact, tamed: the one place that knows its settings.

Importing this module imports the library, which takes most of a second: only what starts or feeds
the engine does so, when it does.
"""

import json
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dbos
import sqlalchemy as sa

from midwatch.adapters.store.connect import BUSY_TIMEOUT_MS, CHECKPOINT_PAGES, meaning_of

APPLICATION = "midwatch"
VERSION = "1"
"""Constant for good: DBOS's default, a hash of the source, would strand queued drives at every deploy."""
QUEUE = "drives"
WORKFLOW = "drive"
POLL_S = 0.05
"""How often the queue is looked at while the database changes."""
_LISTENER_POLL_S = 0.1
"""How often DBOS wakes up for messages, which we never send; also how long a stop waits for it."""
_CONNECTIONS_MAX = 4
"""Few, so that threads of this process wait for each other in order, not for SQLite's lock by chance."""

_DEVELOPMENT = "Using SQLite as a system database"


class JsonText(dbos.Serializer):
    """Arguments as JSON: nothing that is read from disk is ever executed, as pickles are."""

    def serialize(self, data: Any) -> str:
        """Return the data as text; an exception as what it says."""
        return json.dumps(data, default=repr)

    def deserialize(self, serialized_data: str) -> Any:  # noqa: N804, RUF100 - the library calls its `self` `cls`
        """Return what the text says."""
        return json.loads(serialized_data)

    def name(self) -> str:
        """Return the name under which rows remember it."""
        return "midwatch_json"


def quieten() -> None:
    """Keep DBOS off the terminal: whoever wants its log attaches a handler to the logger `dbos`.

    It adds a handler of its own unless there is one, and says at each start that SQLite is for
    development. The pattern used here (no steps, no recovery by replay, our own journal) is covered
    by the crash tests of this repository on SQLite, so the warning would alarm without a reason.
    """
    logger = logging.getLogger("dbos")
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
        logger.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_DEVELOPMENT)


def database_engine(path: Path) -> sa.Engine:
    """Return connections for DBOS's own statements on our file.

    `synchronous = NORMAL` is on purpose, and saves two fsyncs per drive: what makes a drive durable
    is the row that our own transaction wrote with FULL. Should the power fail, DBOS may forget that
    it started or finished a drive, and it is driven again, which changes nothing. No commit with
    FULL is ever lost by it, since both share one write-ahead log.
    """
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        pool_size=_CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=60,
    )

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        # Only statements that write begin a transaction, and take the lock at once: no upgrade can fail.
        connection.isolation_level = "IMMEDIATE"
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute("PRAGMA foreign_keys = ON")

    return engine


def wrapped(connection: sqlite3.Connection) -> sa.Connection:
    """Return a connection of the store as one of SQLAlchemy's, for `enqueue_in_transaction`.

    Call it outside a transaction: SQLAlchemy probes a new connection and rolls back. It believes
    itself in one transaction from now on; the store alone begins and commits.
    """
    engine = sa.create_engine(
        "sqlite://", creator=lambda: connection, poolclass=sa.pool.StaticPool, pool_reset_on_return=None
    )
    return engine.connect()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what SQLite refuses to DBOS into the store's errors, with a fix."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        meaning = meaning_of(error.orig, path) if isinstance(error.orig, sqlite3.Error) else None
        if meaning is None:
            raise
        raise meaning from error


def make_tables(path: Path) -> None:
    """Make DBOS's own tables where they are missing, in one transaction."""
    quieten()
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000)
    try:
        known = connection.execute(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'dbos_migrations'"
        )
        is_known = known.fetchone() is not None
    finally:
        connection.close()
    if not is_known:
        dbos.DBOS.migrate(sa.URL.create("sqlite", database=str(path)).render_as_string())


def client_of(engine: sa.Engine) -> dbos.DBOSClient:
    """Return a client that feeds and inspects the queue without running anything."""
    return dbos.DBOSClient(
        system_database_engine=engine, serializer=JsonText(), application_name=APPLICATION, lazy=True
    )


def configuration(path: Path, engine: sa.Engine, *, worker: str) -> dbos.DBOSConfig:
    """Return the settings of an engine that talks to nobody but the file."""
    return {
        "name": APPLICATION,
        "system_database_url": sa.URL.create("sqlite", database=str(path)).render_as_string(),
        "system_database_engine": engine,
        "application_version": VERSION,
        "executor_id": worker,
        "serializer": JsonText(),
        "enable_otlp": False,
        "notification_listener_polling_interval_sec": _LISTENER_POLL_S,
    }


# The second condition lets SQLite use DBOS's partial index.
_WAITS = """
SELECT 1 FROM workflow_status
WHERE queue_name = ? AND status = 'ENQUEUED' AND status IN ('ENQUEUED', 'PENDING') LIMIT 1
"""


def waits(connection: sqlite3.Connection) -> bool:
    """Return whether some drive waits on the queue; a hundredth of what DBOS's own look costs."""
    return connection.execute(_WAITS, (QUEUE,)).fetchone() is not None


def pending(client: dbos.DBOSClient, workers: Sequence[str] = ()) -> list[dbos.WorkflowStatus]:
    """Return the drives that are under way at these workers, or at any."""
    return client.list_workflows(
        status="PENDING",
        name=WORKFLOW,
        queue_name=QUEUE,
        executor_id=list(workers) or None,
        load_input=False,
        load_output=False,
    )


def put_back(client: dbos.DBOSClient, drives: Sequence[str]) -> None:
    """Put drives that are under way back on the queue: whoever drove them has no say any more."""
    if drives:
        # Without the name they would go to DBOS's internal queue, which nobody limits.
        client.resume_workflows(list(drives), queue_name=QUEUE)


def delete_finished(client: dbos.DBOSClient, *, before: str, limit: int) -> int:
    """Delete at most so many drives that ended before a moment (ISO 8601); return how many."""
    found = client.list_workflows(
        status="SUCCESS",
        name=WORKFLOW,
        queue_name=QUEUE,
        completed_before=before,
        limit=limit,
        load_input=False,
        load_output=False,
    )
    if found:
        client.delete_workflows([status.workflow_id for status in found])
    return len(found)
