"""Files that authors' commands write."""

from collections.abc import Iterable
from pathlib import Path

from midwatch.cli.errors import FileInTheWayError


def refuse_existing(paths: Iterable[Path]) -> None:
    """Refuse to write over what is there.

    Raises:
        FileInTheWayError: MW946.
    """
    for path in paths:
        if path.exists():
            raise FileInTheWayError(f"{path} is there already", path=str(path))


def write_document(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all, and the folder that it is in.

    Raises:
        FileInTheWayError: MW946, it can't be written.
    """
    from midwatch.wiring.documents import replace_file

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        raise FileInTheWayError(f"{path} can't be written: {error.strerror}", path=str(path)) from error
