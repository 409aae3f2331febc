"""`midwatch render`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from midwatch.cli.commands.authoring.files import write_document
from midwatch.cli.errors import EXIT_OK
from midwatch.cli.face import Face, pass_face
from midwatch.runbook.errors import IncludeError

if TYPE_CHECKING:
    from midwatch.runbook.source import Library


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--html", "form", flag_value="html", help="One page with contents, graph and tables (default).")
@click.option("--mermaid", "form", flag_value="mermaid", help="The graph, in Mermaid's words.")
@click.option("--markdown", "form", flag_value="markdown", help="The document, its blocks written anew.")
@click.option("--in-place", is_flag=True, help="Put the graph into the file itself, under `## Graph`.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write there, else to standard output.")
@pass_face
def render(face: Face, file: Path, *, form: str | None, in_place: bool, output: Path | None) -> int:
    """Render a runbook for reading.

    The page needs nothing but itself: it has no script and loads nothing. With --in-place the file keeps
    its graph in a fence that begins with `%% midwatch:graph`, and `fmt` keeps it up to date.
    """
    from midwatch.cli.standing.plans import read_file
    from midwatch.plan.compile import refuse
    from midwatch.runbook.parse import parse_runbook
    from midwatch.runbook.render.html import page
    from midwatch.runbook.render.mermaid import mermaid
    from midwatch.runbook.revise.anew import markdown
    from midwatch.wiring.documents import library_beside

    data = read_file(file)
    library = library_beside(face.config, file)
    if in_place:
        if form not in (None, "mermaid") or output is not None:
            raise click.UsageError("--in-place puts the graph into the file.")
        write_document(file, _with_graph(data, str(file), library))
        return EXIT_OK
    around = None if form == "markdown" else library
    runbook, findings = parse_runbook(data, name=str(file), library=around, path=file.name)
    if form == "markdown":
        findings = [finding for finding in findings if finding.kind is not IncludeError]
    refuse(str(file), findings)
    text = {"html": page, "mermaid": mermaid, "markdown": markdown}[form or "html"](runbook)
    if output is None:
        face.screen.raw(text)
    else:
        write_document(output, text.encode())
    return EXIT_OK


def _with_graph(data: bytes, name: str, library: "Library") -> bytes:
    from midwatch.plan.compile import refuse
    from midwatch.runbook.parse import parse_runbook
    from midwatch.runbook.revise.edit import with_line_ends_of
    from midwatch.runbook.revise.fmt import formatted
    from midwatch.runbook.revise.graph import with_graph
    from midwatch.runbook.source import source_from

    runbook, findings = parse_runbook(data, name=name, library=library)
    refuse(name, findings)
    source = source_from(data, name=name)
    text = with_graph(source, runbook)
    changed = data if text == source.text else with_line_ends_of(data, text)
    return formatted(changed, name=name, library=library)
