"""Frames on a pipe: four bytes of length, big endian, then JSON in UTF-8."""

import json
import os
import select
from typing import Any

from midwatch.adapters.tools.context import NS_PER_MS, boot_ns

LENGTH_BYTES = 4
FRAME_BYTES_MAX = 64 << 20
_CHUNK_BYTES = 1 << 16


def framed(value: Any) -> bytes:
    """Return the frame of a JSON value.

    Raises:
        ValueError: the value has no JSON, or is bigger than a frame may be.
    """
    body = encoded(value)
    if len(body) > FRAME_BYTES_MAX:
        raise ValueError(f"a frame of {len(body)} bytes is more than {FRAME_BYTES_MAX}")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def encoded(value: Any) -> bytes:
    """Return compact JSON; ValueError for NaN, TypeError for what JSON doesn't have."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def read_frame(fd: int) -> Any:
    """Wait for one frame and return its value; EOFError when the other side is gone."""
    length = int.from_bytes(_read_exactly(fd, LENGTH_BYTES), "big")
    return json.loads(_read_exactly(fd, length))


def _read_exactly(fd: int, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        chunk = os.read(fd, min(size - len(parts), _CHUNK_BYTES))
        if not chunk:
            raise EOFError
        parts += chunk
    return bytes(parts)


def write_frame(fd: int, frame: bytes) -> None:
    """Write a frame on a blocking pipe."""
    view = memoryview(frame)
    while view:
        view = view[os.write(fd, view) :]


def send_by(fd: int, frame: bytes, deadline_ns: int) -> int:
    """Write a frame on a pipe that does not block; return how many bytes went out by the deadline.

    BrokenPipeError when the other side is gone.
    """
    view, poll = memoryview(frame), select.poll()
    poll.register(fd, select.POLLOUT)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            if not poll.poll(_wait_ms(deadline_ns)):
                break
    return len(frame) - len(view)


def receive_by(fd: int, deadline_ns: int) -> Any:
    """Return the value of the next frame.

    Raises:
        TimeoutError: the deadline is over.
        EOFError: the other side is gone.
        ValueError: what came is no frame.
    """
    data, poll = bytearray(), select.poll()
    poll.register(fd, select.POLLIN)
    size = LENGTH_BYTES
    while True:
        if not poll.poll(_wait_ms(deadline_ns)):
            raise TimeoutError
        chunk = os.read(fd, _CHUNK_BYTES)
        if not chunk:
            raise EOFError
        data += chunk
        if size == LENGTH_BYTES and len(data) >= LENGTH_BYTES:
            size += int.from_bytes(data[:LENGTH_BYTES], "big")
            if size > FRAME_BYTES_MAX + LENGTH_BYTES:
                raise ValueError("a frame is too big")
        if size > LENGTH_BYTES and len(data) >= size:
            return json.loads(data[LENGTH_BYTES:size])


def _wait_ms(deadline_ns: int) -> int:
    return max(0, -(-(deadline_ns - boot_ns()) // NS_PER_MS))
