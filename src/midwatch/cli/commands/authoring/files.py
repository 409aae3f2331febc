"""Files that authors' commands write."""

from pathlib import Path

from midwatch.cli.errors import FileInTheWayError


def write_document(path: Path, data: bytes, *, may_replace: bool = True) -> None:
    """Write a file, whole or not at all.

    Raises:
        FileInTheWayError: MW946, it can't be written, or is there and may not be replaced.
    """
    from midwatch.wiring.documents import replace_file

    if not may_replace and path.exists():
        raise FileInTheWayError(f"{path} is there already", path=str(path))
    try:
        replace_file(path, data)
    except OSError as error:
        raise FileInTheWayError(f"{path} can't be written: {error.strerror}", path=str(path)) from error
