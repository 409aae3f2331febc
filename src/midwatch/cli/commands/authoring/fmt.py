"""`midwatch fmt`."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from midwatch.cli.commands.authoring.files import write_document
from midwatch.cli.errors import EXIT_FINDINGS, EXIT_OK
from midwatch.cli.face import Face, json_option, pass_face
from midwatch.cli.screen import Screen

if TYPE_CHECKING:
    from midwatch.runbook.write import HeaderForm


class Done(NamedTuple):
    """One file, before and after."""

    path: Path
    before: bytes
    after: bytes

    @property
    def is_changed(self) -> bool:
        """Whether it looks different now."""
        return self.before != self.after


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit with 3 where a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@click.option(
    "--header",
    type=click.Choice(["front-matter", "block"]),
    help="Put the header there; else it stays where it is.",
)
@json_option
@pass_face
def fmt(face: Face, files: tuple[Path, ...], *, check: bool, diff: bool, header: str | None) -> int:
    """Format the blocks and tables of runbooks in place.

    Keys in the order of the language, aligned tables, quotes of one kind, and the graph that a document
    keeps. Prose and comments stay as they are, and so does what the document means: its program digest
    doesn't change.
    """
    from midwatch.cli.standing.plans import read_file
    from midwatch.runbook.write import HeaderForm

    form = HeaderForm(header) if header else None
    before = [(path, read_file(path)) for path in files]
    done = [Done(path, data, _formatted(face, path, data, form)) for path, data in before]
    if not check and not diff:
        for each in done:
            if each.is_changed:
                write_document(each.path, each.after)
    record = {"files": [{"path": str(each.path), "changed": each.is_changed} for each in done]}

    def words(screen: Screen) -> None:
        for each in done:
            if diff:
                screen.raw(_diff(each)) if each.is_changed else None
            elif each.is_changed:
                screen.line(f"{'would change' if check else 'changed'}  {each.path}")

    face.out(record, words)
    return EXIT_FINDINGS if check and any(each.is_changed for each in done) else EXIT_OK


def _formatted(face: Face, path: Path, data: bytes, form: "HeaderForm | None") -> bytes:
    from midwatch.runbook.revise.fmt import formatted
    from midwatch.wiring.documents import library_beside

    return formatted(data, name=str(path), header=form, library=library_beside(face.config, path))


def _diff(done: Done) -> str:
    before, after = (
        data.decode("utf-8", "replace").splitlines(keepends=True) for data in (done.before, done.after)
    )
    return "".join(difflib.unified_diff(before, after, str(done.path), f"{done.path} (formatted)"))
