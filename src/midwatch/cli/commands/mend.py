"""`midwatch undo`, `cancel` and `settle`."""

import click

from midwatch.cli.face import Face, json_option, pass_face


@click.command()
@click.argument("id")
@click.option("-m", "--message", "why", default="", metavar="WHY", help="Recorded with your request.")
@json_option
@pass_face
def undo(face: Face, id: str, why: str) -> int:  # noqa: A002 - the name on the command line
    """Put back what a run did, and verify that.

    The newest first. ID may be the beginning of a run's id, or of its question's. What was purged can't be
    put back.
    """
    from midwatch.cli.standing.answering import undo_run

    with face.driving() as opened:
        return undo_run(face, opened, id, why=why)


@click.command()
@click.argument("run")
@click.option("-m", "--message", "why", required=True, metavar="WHY", help="Recorded with the run.")
@json_option
@pass_face
def cancel(face: Face, run: str, why: str) -> int:
    """End a run: it does nothing more.

    What it did stays until `midwatch undo`.
    """
    from midwatch.cli.standing.answering import cancel_run

    with face.driving() as opened:
        return cancel_run(face, opened, run, why=why)


@click.command()
@click.argument("key")
@click.option("--happened/--did-not", default=None, required=True, help="Whether it took place.")
@click.option("-m", "--message", "why", required=True, metavar="WHY", help="How you know.")
@json_option
@pass_face
def settle(face: Face, *, key: str, happened: bool, why: str) -> int:
    """Say whether an effect in doubt took place.

    Nobody saw it end, and nothing could be read back that tells. KEY is the effect's, as `midwatch status`
    prints it.
    """
    from midwatch.cli.standing.answering import settle_effect

    with face.driving() as opened:
        return settle_effect(face, opened, key, happened=happened, why=why)
