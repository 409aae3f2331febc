"""The floor: bare commits of one small row in WAL mode with the same durability, nothing else."""

import sqlite3
import time
from pathlib import Path

ROW = "x" * 200


def commits_per_second(folder: Path, *, commits: int) -> float:
    """Return bare commits per second, one after the other, on one connection with synchronous=FULL."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS floor (number INTEGER PRIMARY KEY, text TEXT)")
        begin = time.perf_counter()
        for _ in range(commits):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO floor (text) VALUES (?)", (ROW,))
            connection.execute("COMMIT")
        return commits / (time.perf_counter() - begin)
    finally:
        connection.close()
