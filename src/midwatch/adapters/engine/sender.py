"""The half of the queue that the store feeds: a drive becomes a row in the store's own transaction."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from midwatch.base.ids import RunId

if TYPE_CHECKING:
    import dbos
    import sqlalchemy as sa


class Sender:
    """Enqueues drives; works in any process, whether or not an engine runs in it."""

    def __init__(self, path: Path, *, sent: Callable[[], None]) -> None:
        """Import and open nothing yet.

        Args:
            sent: called after a commit that may have enqueued something.
        """
        self._path = path
        self._sent = sent
        self._lock = threading.Lock()
        self._client: dbos.DBOSClient | None = None
        self._engine: sa.Engine | None = None
        self._connection: sa.Connection | None = None

    def prepare(self) -> None:
        """Import DBOS and make its tables, the first time.

        Raises:
            StoreFullError: MW706, and what else the file refuses.
        """
        if self._client is not None:
            return
        from midwatch.adapters.engine import library

        with self._lock, library.told(self._path):
            if self._client is None:
                library.make_tables(self._path)
                self._engine = library.database_engine(self._path)
                self._client = library.client_of(self._engine)

    def attach(self, connection: sqlite3.Connection) -> None:
        """Take note of the connection whose transactions drives become part of."""
        from midwatch.adapters.engine import library

        self._connection = library.wrapped(connection)

    def enqueue(self, run: RunId, seq: int) -> None:
        """Put drive `seq` of the run on the queue, as part of the open transaction."""
        from midwatch.adapters.engine import library

        assert self._client is not None, "prepared"
        assert self._connection is not None, "attached"
        self._client.enqueue_in_transaction(
            self._connection,
            {
                "queue_name": library.QUEUE,
                "workflow_name": library.WORKFLOW,
                "workflow_id": f"{library.WORKFLOW}/{run}/{seq}",
                "app_version": library.VERSION,
            },
            run,
        )

    def committed(self) -> None:
        """Tell the engine of this process, if there is one, to look at the queue."""
        self._sent()

    def put_back(self, workers: Sequence[str]) -> int:
        """Put what these workers were driving back on the queue; return how many drives."""
        assert self._client is not None, "prepared"
        from midwatch.adapters.engine import library

        with library.told(self._path):
            drives = library.pending(self._client, workers)
            library.put_back(self._client, [status.workflow_id for status in drives])
        return len(drives)

    def holders(self) -> tuple[str, ...]:
        """Return every worker that is driving something, as far as the database knows."""
        from midwatch.adapters.engine import library

        assert self._client is not None, "prepared"
        with library.told(self._path):
            found = {status.executor_id for status in library.pending(self._client)}
        return tuple(sorted(worker for worker in found if worker))

    def close(self) -> None:
        """Close what `put_back` and `holders` left open; they open it again."""
        if self._engine is not None:
            self._engine.dispose()
