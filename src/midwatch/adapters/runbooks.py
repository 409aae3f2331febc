"""The files around a runbook: its own folder, and the folders of known runbooks."""

import stat
from dataclasses import dataclass
from pathlib import Path

from midwatch.runbook.errors import IncludeError
from midwatch.runbook.source import DOCUMENT_BYTES_MAX, Found

RUNBOOK_SUFFIX = ".runbook.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderLibrary:
    """What a runbook may include or call: files below its folder, and runbooks known by name.

    A path that leads out of the folder by a symbolic link is refused like one that says so.
    """

    folder: Path
    known: tuple[Path, ...] = ()
    """Folders of runbooks that are called by name, the first one first."""

    def read(self, path: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            IncludeError: MW139, it is not there, no plain file, too large, or out of the folder.
        """
        file = self._inside(path)
        if file is None:
            raise IncludeError(
                f"{path} leads out of {self.folder}", hint="Copy the file into the runbook's folder."
            )
        try:
            about = file.stat()
            if not stat.S_ISREG(about.st_mode):
                raise IncludeError(f"{file} is no file", hint="Name a file.")
            if about.st_size > DOCUMENT_BYTES_MAX:
                sentence = f"{file} has {about.st_size} bytes, more than {DOCUMENT_BYTES_MAX}"
                raise IncludeError(sentence, hint="Check that it is the file you meant.")
            return file.read_bytes()
        except OSError as error:
            sentence = f"{file} can't be read: {error.strerror}"
            raise IncludeError(sentence, hint="Correct the path, or add the file.") from error

    def has(self, path: str) -> bool:
        """Return whether a file or folder is there, within the folder."""
        file = self._inside(path)
        return file is not None and file.exists()

    def find(self, runbook: str) -> Found | None:
        """Return the runbook of a name beside this one, else in the known folders, or None.

        Raises:
            IncludeError: MW139, it is there and can't be read.
        """
        for folder in (self.folder, *self.known):
            path = f"{runbook}{RUNBOOK_SUFFIX}"
            library = FolderLibrary(folder=folder, known=self.known)
            if library.has(path):
                data = library.read(path)
                return Found(name=str(folder / path), path=path, data=data, library=library)
        return None

    def _inside(self, path: str) -> Path | None:
        try:
            root, file = self.folder.resolve(), (self.folder / path).resolve()
        except (OSError, RuntimeError, ValueError):
            return None
        return file if file.is_relative_to(root) else None
