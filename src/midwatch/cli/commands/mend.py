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
@click.option("--leave", is_flag=True, help="Leave what it did; `midwatch undo` takes it back later.")
@json_option
@pass_face
def cancel(face: Face, *, run: str, why: str, leave: bool) -> int:
    """Stop a run: it takes back what it did.

    Nothing new begins, and what is under way is seen through. Then what was done is put back, the newest
    first, unless the runbook says `on_stop: leave`; then what the runbook does last. Runs that it called
    are stopped the same way.
    """
    from midwatch.cli.standing.answering import cancel_run

    with face.driving() as opened:
        return cancel_run(face, opened, run, why=why, leave=leave)


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
