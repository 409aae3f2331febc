"""The tables on SQLite, as numbered steps that only ever go forward.

Rule 1: a released step is never edited; a change of the schema is a new step at the end.
Rule 2: `events` is the truth and append-only; every other table is an index of it, or operational.
Rule 3: every name begins with `mw_`: the engine keeps its tables in the same file (it has a `streams`).
Rule 4: the event's `row` is the order of commits, since SQLite has one writer at a time.
"""

import sqlite3

from midwatch.ports.store import StoreVersionError

_JOURNAL = (
    # The end of each stream: what a writer compares before it appends.
    """
    CREATE TABLE mw_streams (
        stream TEXT NOT NULL PRIMARY KEY,
        n INTEGER NOT NULL,
        head TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE mw_events (
        row INTEGER PRIMARY KEY,
        stream TEXT NOT NULL,
        n INTEGER NOT NULL,
        type TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        leaf BLOB NOT NULL,
        leaf_hash BLOB NOT NULL,
        subject TEXT NOT NULL,
        sealed BLOB NOT NULL,
        UNIQUE (stream, n)
    )
    """,
    """
    CREATE TRIGGER mw_events_no_update BEFORE UPDATE ON mw_events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
    """,
    """
    CREATE TRIGGER mw_events_no_delete BEFORE DELETE ON mw_events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
    """,
    # Position in the global log, from 0 and without gaps; what has no row here is not sealed yet.
    """
    CREATE TABLE mw_log (
        position INTEGER PRIMARY KEY,
        row INTEGER NOT NULL UNIQUE
    )
    """,
    """
    CREATE TABLE mw_tiles (
        level INTEGER NOT NULL,
        idx INTEGER NOT NULL,
        hashes BLOB NOT NULL,
        PRIMARY KEY (level, idx)
    )
    """,
    """
    CREATE TABLE mw_checkpoints (
        size INTEGER PRIMARY KEY,
        note TEXT NOT NULL,
        at_ms INTEGER NOT NULL
    )
    """,
)
_PROJECTIONS = (
    # `owner` and `drive_seq` are operational: who may write now, and how many drives were enqueued.
    """
    CREATE TABLE mw_runs (
        run TEXT NOT NULL PRIMARY KEY,
        runbook TEXT NOT NULL,
        plan TEXT NOT NULL,
        document TEXT NOT NULL,
        title TEXT NOT NULL,
        status TEXT NOT NULL,
        outcome TEXT NOT NULL,
        mode TEXT NOT NULL,
        initiator TEXT NOT NULL,
        practice INTEGER NOT NULL,
        key TEXT NOT NULL,
        started_ms INTEGER NOT NULL,
        ended_ms INTEGER,
        owner TEXT,
        drive_seq INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID
    """,
    "CREATE INDEX mw_runs_newest ON mw_runs (started_ms, run)",
    "CREATE INDEX mw_runs_live ON mw_runs (runbook, key) WHERE status <> 'ended'",
    """
    CREATE TABLE mw_tasks (
        run TEXT NOT NULL,
        task TEXT NOT NULL,
        iteration INTEGER NOT NULL,
        status TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        PRIMARY KEY (run, task, iteration)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE mw_effects (
        key TEXT NOT NULL PRIMARY KEY,
        run TEXT NOT NULL,
        task TEXT NOT NULL,
        tool TEXT NOT NULL,
        effect TEXT NOT NULL,
        target TEXT NOT NULL,
        action TEXT NOT NULL,
        status TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX mw_effects_run ON mw_effects (run, key)",
    """
    CREATE TABLE mw_approvals (
        approval TEXT NOT NULL PRIMARY KEY,
        run TEXT NOT NULL,
        task TEXT NOT NULL,
        bundle TEXT NOT NULL,
        status TEXT NOT NULL,
        rung INTEGER NOT NULL,
        asked_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX mw_approvals_run ON mw_approvals (run, asked_ms, approval)",
    "CREATE INDEX mw_approvals_open ON mw_approvals (asked_ms, approval) WHERE status = 'open'",
)
_OPERATIONS = (
    """
    CREATE TABLE mw_timers (
        run TEXT NOT NULL PRIMARY KEY,
        due_ms INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX mw_timers_due ON mw_timers (due_ms, run)",
    # A freed lease keeps its row: the fencing token must never start again.
    """
    CREATE TABLE mw_leases (
        resource TEXT NOT NULL PRIMARY KEY,
        run TEXT,
        key TEXT,
        fence INTEGER NOT NULL,
        until_ms INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    # `version` is the one that the fact came with; the greatest is the version of all facts.
    """
    CREATE TABLE mw_facts (
        name TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL,
        version INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX mw_facts_version ON mw_facts (version)",
    """
    CREATE TABLE mw_blobs (
        address TEXT NOT NULL PRIMARY KEY,
        subject TEXT NOT NULL,
        sealed BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE mw_plans (
        plan TEXT NOT NULL PRIMARY KEY,
        document BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE mw_workers (
        worker TEXT NOT NULL PRIMARY KEY,
        host TEXT NOT NULL,
        boot TEXT NOT NULL,
        pid INTEGER NOT NULL,
        started_ms INTEGER NOT NULL,
        beat INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
)
_PEOPLE = (
    """
    CREATE TABLE mw_hands (
        hand TEXT NOT NULL PRIMARY KEY,
        run TEXT NOT NULL,
        task TEXT NOT NULL,
        iteration INTEGER NOT NULL,
        purpose TEXT NOT NULL,
        status TEXT NOT NULL,
        rung INTEGER NOT NULL,
        asked_ms INTEGER NOT NULL,
        due_ms INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX mw_hands_run ON mw_hands (run, asked_ms, hand)",
    "CREATE INDEX mw_hands_open ON mw_hands (asked_ms, hand) WHERE status = 'open'",
    # Whom a message is for; what it says is in the journal alone, under its subject's key.
    """
    CREATE TABLE mw_notices (
        run TEXT NOT NULL,
        n INTEGER NOT NULL,
        person TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (run, n, person)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX mw_notices_newest ON mw_notices (at_ms, run, n, person)",
)
MIGRATIONS: tuple[tuple[str, ...], ...] = ((*_JOURNAL, *_PROJECTIONS, *_OPERATIONS), _PEOPLE)
"""Step 1, 2, …: each a list of statements."""


def version_of(connection: sqlite3.Connection) -> int:
    """Return the number of the last step that was taken on this database, 0 for a new one."""
    known = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'mw_schema_version'"
    )
    if known.fetchone() is None:
        return 0
    version = connection.execute("SELECT MAX(version) FROM mw_schema_version").fetchone()[0]
    return int(version or 0)


def migrate(connection: sqlite3.Connection) -> None:
    """Take every step that is missing, all in one transaction.

    Raises:
        StoreVersionError: MW708, when a newer Midwatch has taken steps that this one doesn't know.
    """
    _refuse_newer(version_of(connection))
    if version_of(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS mw_schema_version (version INTEGER PRIMARY KEY)")
        done = version_of(connection)
        _refuse_newer(done)
        for version, step in enumerate(MIGRATIONS[done:], done + 1):
            for statement in step:
                connection.execute(statement)
            connection.execute(
                "INSERT INTO mw_schema_version (version) VALUES (:version)", {"version": version}
            )
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _refuse_newer(version: int) -> None:
    if version > len(MIGRATIONS):
        raise StoreVersionError(
            f"the database has schema {version}, and this Midwatch knows up to {len(MIGRATIONS)}",
            version=version,
            known=len(MIGRATIONS),
        )
