"""The journal folded into the rows that it means."""

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from midwatch.app.drive.project import changed_rows
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import Principal, RunId, StreamId
from midwatch.journal.events import Erased, Event, Payload, StoredEvent
from midwatch.journal.run_events import ApprovalAsked, RunEvent, RunStarted
from midwatch.journal.verify import Finding
from midwatch.ports.rows import ApprovalRow, EffectRow, HandRow, NoticeRow, Row, RunRow, TaskRow
from midwatch.run.evolve import Fold
from midwatch.run.state import RunState

RowKey = tuple[str, ...]
"""Table and key of a row."""

_RUN = "run/"


class Folding:
    """What the journal means, as far as it was read.

    Of a run that has come to its end only the rows are kept: memory goes to what is under way, and not to
    all that ever was.
    """

    def __init__(self, ends: Mapping[StreamId, int]) -> None:
        """Begin with nothing; `ends` says how many events each stream had before the first was read."""
        self.rows: dict[RowKey, Row] = {}
        self.runs = 0
        """How many runs were folded."""
        self.plans: set[str] = set()
        self.cards: dict[str, str] = {}
        """Address of a card to the place of the event that names it."""
        self.broken: list[Finding] = []
        self.left_out: set[RunId] = set()
        """Runs of which nothing more can be said: they are erased, or can't be followed."""
        self._ends = ends
        self._folds: dict[StreamId, Fold] = {}
        self._settled: set[StreamId] = set()
        self._grown: set[StreamId] = set()
        """Streams that went on behind the end that was known of them."""

    def visit(self, stored: StoredEvent, actor: Principal, payload: Payload) -> None:
        """Take an event, the next of its stream; an outline of its payload is enough."""
        stream = stored.stream
        fold = self._folds.get(stream)
        if fold is None:
            fold = self._begun(stored, payload)
            if fold is None:
                return
        if isinstance(payload, Erased):
            self._leave_out(stream)
            return
        if isinstance(payload, RunStarted | ApprovalAsked):
            self._note(stored.ref, payload)
        try:
            fold.fact(cast(RunEvent, payload), stored.n, stored.at_ms, actor)
            if stored.n == self._ends.get(stream):
                self._settle(stream, fold)
        except (MidwatchError, KeyError) as error:
            self._cant_follow(stream, stored.ref, error)

    def _begun(self, stored: StoredEvent, payload: Payload) -> Fold | None:
        """Return a fold for the event to be added to; None where none is to be made."""
        stream = stored.stream
        if not stream.startswith(_RUN) or _run(stream) in self.left_out:
            return None
        if isinstance(payload, Erased):
            self._leave_out(stream)
            return None
        if stream in self._settled:
            self._grown.add(stream)
            self._note(stored.ref, payload)
            return None
        fold = self._folds[stream] = Fold(RunState(run=_run(stream)))
        self.runs += 1
        return fold

    def finish(self, events_of: Callable[[StreamId], Iterable[Event]]) -> None:
        """Settle what is left, and again what went on; `events_of` reads a whole stream."""
        for stream, fold in list(self._folds.items()):
            try:
                self._settle(stream, fold)
            except KeyError as error:
                self._cant_follow(stream, stream, error)
        for stream in sorted(self._grown):
            if _run(stream) not in self.left_out:
                self._again(stream, events_of(stream))

    def _again(self, stream: StreamId, events: Iterable[Event]) -> None:
        fold = Fold(RunState(run=_run(stream)))
        place: str = stream
        try:
            for event in events:
                place = event.ref
                fold.add(event)
            self._settle(stream, fold)
        except (MidwatchError, KeyError) as error:
            self._cant_follow(stream, place, error)

    def _note(self, place: str, payload: Payload) -> None:
        match payload:
            case RunStarted(plan=plan):
                self.plans.add(plan)
            case ApprovalAsked(card=card):
                self.cards[card] = place
            case _:
                pass

    def _settle(self, stream: StreamId, fold: Fold) -> None:
        state = fold.state()
        self.rows.update((key_of(row), row) for row in changed_rows(RunState(run=state.run), state))
        self._settled.add(stream)
        self._folds.pop(stream, None)

    def _cant_follow(self, stream: StreamId, place: str, error: Exception) -> None:
        self.broken.append(Finding(place=place, sentence=f"can't follow what was before it: {error}"))
        self._leave_out(stream)

    def _leave_out(self, stream: StreamId) -> None:
        run = _run(stream)
        self.left_out.add(run)
        self._folds.pop(stream, None)
        if stream in self._settled:
            self.rows = {key: row for key, row in self.rows.items() if row.run != run}


def _run(stream: StreamId) -> RunId:
    return RunId(stream.removeprefix(_RUN))


def key_of(row: Row) -> RowKey:
    """Return the name of the row's table, and its key there."""
    match row:
        case TaskRow():
            return ("tasks", row.run, row.task, str(row.iteration))
        case EffectRow():
            return ("effects", row.key)
        case RunRow():
            return ("runs", row.run)
        case ApprovalRow():
            return ("approvals", row.approval)
        case HandRow():
            return ("hands", row.hand)
        case NoticeRow():
            return ("notices", row.run, str(row.n), row.person)
