"""`midwatch show`, `why` and `runs`."""

import click

from midwatch.cli.errors import EXIT_OK
from midwatch.cli.face import Face, json_option, pass_face


@click.command()
@click.argument("id", default="")
@json_option
@pass_face
def show(face: Face, id: str) -> int:  # noqa: A002 - the name on the command line
    """Show a run, or a question as it was put.

    ID is the beginning of a run's or a question's id; the newest run where none is given.
    """
    from midwatch.cli.looking import show_anything

    with face.looking() as opened:
        show_anything(face, opened, id)
    return EXIT_OK


@click.command()
@click.argument("id", default="")
@click.option("--depth", type=click.IntRange(0, 100), help="How far back; all the way unless told.")
@json_option
@pass_face
def why(face: Face, id: str, depth: int | None) -> int:  # noqa: A002 - the name on the command line
    """Walk from what happened back to the evidence.

    ID is a run's, a question's, an effect's or a reading's, or `RUN/TASK`; the newest run where none is
    given. The number behind a sentence is its entry in the run's journal.
    """
    from midwatch.cli.looking import show_why

    with face.looking() as opened:
        show_why(face, opened, id, deepest=depth)
    return EXIT_OK


@click.command()
@click.option(
    "-n", "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many."
)
@click.option("--live", is_flag=True, help="Only those that have not ended.")
@json_option
@pass_face
def runs(face: Face, *, limit: int, live: bool) -> int:
    """List the runs, the newest first."""
    from midwatch.cli.looking import list_runs

    with face.looking() as opened:
        list_runs(face, opened, limit=limit, live=live)
    return EXIT_OK
