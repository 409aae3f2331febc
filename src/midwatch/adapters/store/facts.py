"""Control facts that the gate judges on (`policy`, `people`, `halt`), and the version of them all."""

import sqlite3

FACTS_VERSION = "SELECT COALESCE(MAX(version), 0) FROM mw_facts"
FACT = "SELECT value FROM mw_facts WHERE name = :name"
FACTS = "SELECT name, value FROM mw_facts"
_SET = """
INSERT INTO mw_facts (name, value, version) VALUES (:name, :value, :version)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, version = excluded.version
"""


def set_fact(connection: sqlite3.Connection, name: str, value: str) -> int:
    """Set a fact inside the open transaction and return the version of all; same value, same version."""
    version = int(connection.execute(FACTS_VERSION).fetchone()[0])
    known = connection.execute(FACT, {"name": name}).fetchone()
    if known is not None and known[0] == value:
        return version
    connection.execute(_SET, {"name": name, "value": value, "version": version + 1})
    return version + 1
