"""`midwatch new`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from midwatch.cli.commands.authoring.files import refuse_existing, write_document
from midwatch.cli.errors import EXIT_OK
from midwatch.cli.face import Face, json_option, pass_face
from midwatch.cli.screen import Screen, table

if TYPE_CHECKING:
    from midwatch.wiring.templates import Template


@click.command()
@click.argument("template", required=False)
@click.option("--list", "is_list", is_flag=True, help="List the templates.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write there, else to standard output.")
@click.option(
    "--tools",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write the manifests of its tools there, those that don't ship with Midwatch.",
)
@json_option
@pass_face
def new(face: Face, template: str | None, *, is_list: bool, output: Path | None, tools: Path | None) -> int:
    """Begin a runbook from a template.

    Each has a decision, a question to a Guardian, an act that is checked, and scenarios that `lint` reads:
    a yes, a no, and nobody who answers. Nothing that is there is written over.
    """
    from midwatch.wiring.templates import template_named, templates

    if is_list or template is None:
        every = templates()
        listed = [{"name": each.name, "title": each.title, "tools": list(each.tools)} for each in every]
        face.out({"templates": listed}, lambda screen: _say_list(screen, every))
        return EXIT_OK
    chosen = template_named(template)
    if output is None and not face.json and tools is None:
        face.screen.raw(chosen.text)
        return EXIT_OK
    files = {} if output is None else {output: chosen.text}
    if tools is not None:
        files |= {tools / f"{name}.toml": text for name, text in chosen.manifests.items()}
    refuse_existing(files)
    for path, text in files.items():
        write_document(path, text.encode())
    record = {"template": chosen.name, "written": [str(path) for path in files], "tools": list(chosen.tools)}
    face.out(record, lambda screen: _say_written(screen, chosen, list(files), output))
    return EXIT_OK


def _say_list(screen: Screen, every: "tuple[Template, ...]") -> None:
    rows = [(each.name, each.title) for each in every]
    for line in table(rows, heads=("template", "for")):
        screen.line(line)


def _say_written(screen: Screen, chosen: "Template", written: list[Path], output: Path | None) -> None:
    for path in written:
        screen.line(f"wrote  {path}")
    missing = [name for name in chosen.manifests if not any(path.name == f"{name}.toml" for path in written)]
    if missing:
        screen.line(f"Its tools {', '.join(missing)} need manifests: add --tools FOLDER.")
    if output is not None:
        screen.line(f"Next: midwatch lint {output}")
