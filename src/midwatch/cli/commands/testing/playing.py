"""Playing all scenarios of some files, and saying what came."""

from collections.abc import Sequence
from pathlib import Path

from midwatch.cli.commands.testing.gather import Document, chosen, gather
from midwatch.cli.commands.testing.junit import junit_of
from midwatch.cli.commands.testing.telling import (
    document_record,
    is_short,
    percent,
    show_document,
    show_scenario,
)
from midwatch.cli.errors import FileInTheWayError
from midwatch.cli.face import Face
from midwatch.cli.screen import Styled, standard_error
from midwatch.cli.told import show_finding
from midwatch.cli.words import count
from midwatch.lab.errors import CoverageError, NoScenarioError

_PROGRESS_EVERY = 25


def play_files(
    face: Face,
    files: Sequence[Path],
    *,
    wanted: str,
    verbose: int,
    cover_min: float | None,
    junit: Path | None,
) -> bool:
    """Play all, say what came, and return whether everything passed and enough was covered.

    Raises:
        NoScenarioError: MW656, when there is nothing to play.
        FileInTheWayError: MW946, when a file can't be read or written.
    """
    documents = [gather(face.config, path) for path in files]
    picked = chosen(documents, wanted)
    if not picked and not any(document.errors for document in documents):
        what = f"no scenario is called like {wanted!r}" if wanted else "there is no scenario in these files"
        raise NoScenarioError(what)
    screen = face.screen
    errors = standard_error()
    is_quiet = face.json
    for number, (document, scenario) in enumerate(picked):
        if errors.live and not is_quiet and number % _PROGRESS_EVERY == 0:
            errors.draw([[Styled(f"{number}/{len(picked)} {scenario.name}", "dim")]])
        played = document.play(scenario)
        if not is_quiet:
            show_scenario(screen, document, played, verbose=verbose)
    if junit is not None:
        _write(junit, junit_of(documents))
    short = [document for document in documents if _is_short(document, cover_min)]
    is_fine = not short and all(
        not document.errors and all(played.ok for played in document.played) for document in documents
    )
    record = {"ok": is_fine, "documents": [document_record(document) for document in documents]}

    def words(_: object) -> None:
        for document in documents:
            for finding in document.errors:
                show_finding(screen, finding)
            show_document(screen, document, verbose=verbose, cover_min=cover_min)
        _sum_up(face, documents, short, cover_min)

    face.out(record, words)
    return is_fine


def _is_short(document: Document, cover_min: float | None) -> bool:
    cover = document.cover
    return cover is not None and is_short(cover, cover_min)


def _sum_up(
    face: Face, documents: Sequence[Document], short: Sequence[Document], cover_min: float | None
) -> None:
    for document in short:
        cover = document.cover
        assert cover is not None, "a document that covers too little was played"
        sentence = f"{document.path} is covered to {percent(cover)}, less than {cover_min:g} %"
        error = CoverageError(sentence)
        face.screen.line(Styled(error.code, "red"), f" {error.sentence}")
        face.screen.line(Styled("Fix: ", "bold"), error.help)
    played = [one for document in documents for one in document.played]
    failed = sum(not one.ok for one in played)
    if len(documents) > 1:
        words = f"{count(len(played), 'scenario')} of {count(len(documents), 'document')}"
        face.screen.line(f"{words}: {len(played) - failed} passed, {failed} failed.")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileInTheWayError(f"{path} can't be written: {error.strerror}", path=str(path)) from error
