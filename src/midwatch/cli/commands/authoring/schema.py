"""`midwatch schema`."""

import json

import click

from midwatch.cli.errors import EXIT_OK
from midwatch.cli.face import Face, pass_face


@click.command()
@click.argument("block", default="all", type=click.Choice(["header", "task", "tests", "include", "all"]))
@pass_face
def schema(face: Face, block: str) -> int:
    """Print the JSON Schema of a block, for editors and other programs.

    BLOCK is `all` unless told. The dialect is 2020-12. A block that fits looks right: whether its tasks
    and expressions fit together is what `lint` says.
    """
    from midwatch.runbook.language.schema import json_schema

    face.screen.raw(json.dumps(json_schema(block), indent=2, ensure_ascii=False))
    return EXIT_OK
