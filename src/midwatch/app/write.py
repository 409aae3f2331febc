"""Appending to a stream that belongs to no run; what belongs to one is in `drive.family.append`."""

from midwatch.app.drive.family.append import EMPTY, TRIES_MAX, Write, append_to_run
from midwatch.app.house import SUBJECT, House
from midwatch.base.ids import Principal, StreamId
from midwatch.journal.chain import extend
from midwatch.journal.events import Draft, Payload
from midwatch.ports.store import Change, StreamMovedError

__all__ = ["EMPTY", "Write", "append_to_run", "append_to_stream"]


def append_to_stream(house: House, stream: str, payload: Payload, *, actor: Principal) -> None:
    """Append one fact to a stream that belongs to no run: `policy`, `tenant/…`, `access/…`.

    Raises:
        StoreFullError: MW706, when nothing can be written.
    """
    name = StreamId(stream)
    key = house.keys.subject_key(SUBJECT, create=True)
    assert key is not None, "a key that may be created is there"
    draft = Draft(payload=payload, actor=actor)
    for _ in range(TRIES_MAX):
        head = house.store.head(name)
        entries = extend(
            name,
            head.n,
            head.hash,
            [draft],
            at_ms=house.clock.now_ms(),
            subject=SUBJECT,
            key=key,
            noise=house.chance.token,
        )
        try:
            house.store.append(Change(stream=name, expected=head, entries=entries))
        except StreamMovedError:
            continue
        return
    raise StreamMovedError(f"the stream {stream} is too busy to be written to", stream=stream)
