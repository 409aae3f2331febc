"""`midwatch approve`, `deny`, `done` and `signal`: what a run waits to hear."""

from pathlib import Path

import click

from midwatch.cli.face import Face, json_option, pass_face


@click.command()
@click.argument("id")
@click.option("-m", "--message", "why", default="", metavar="WHY", help="Recorded with your answer.")
@json_option
@pass_face
def approve(face: Face, id: str, why: str) -> int:  # noqa: A002 - the name on the command line
    """Say yes to a question, and have it done.

    Shows the card, records your answer, does exactly what the card says, reads it back, and says where
    it is sealed. ID may be the beginning of a question's id, or its run's.
    """
    from midwatch.cli.standing.answering import answer_question

    with face.driving() as opened:
        return answer_question(face, opened, id, word="approve", why=why)


@click.command()
@click.argument("id")
@click.option("-m", "--message", "why", required=True, metavar="WHY", help="Recorded with your answer.")
@json_option
@pass_face
def deny(face: Face, id: str, why: str) -> int:  # noqa: A002 - the name on the command line
    """Say no to a question, and why.

    Nothing is done, and the run does not ask the same again.
    """
    from midwatch.cli.standing.answering import answer_question

    with face.driving() as opened:
        return answer_question(face, opened, id, word="deny", why=why)


@click.command()
@click.argument("id")
@click.option(
    "--out", "pairs", multiple=True, metavar="K=V", help="One value that is wanted; may be repeated."
)
@click.option(
    "--out-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="All that is wanted, as a JSON object.",
)
@click.option("--failed", is_flag=True, help="It could not be done; say why with -m.")
@click.option("-m", "--message", "note", default="", metavar="NOTE", help="Recorded with what you hand in.")
@json_option
@pass_face
def done(
    face: Face,
    *,
    id: str,  # noqa: A002 - the name on the command line
    pairs: tuple[str, ...],
    out_file: Path | None,
    failed: bool,
    note: str,
) -> int:
    """Hand in what you did by hand.

    ID is the beginning of its id as `midwatch status` prints it, or its run's. What does not fit what the
    task wants is refused, and the run goes on waiting.
    """
    from midwatch.cli.handing import hand_over

    if failed and not note:
        raise click.UsageError("Say with -m why it could not be done.")
    with face.driving() as opened:
        return hand_over(face, opened, id, pairs=pairs, file=out_file, ok=not failed, note=note)


@click.command()
@click.argument("run")
@click.argument("name")
@click.option("--data", default="{}", metavar="JSON", help="A JSON object that goes with it.")
@click.option(
    "--id", "signal_id", default="", metavar="ID", help="What you call it: the same ID counts once."
)
@json_option
@pass_face
def signal(face: Face, *, run: str, name: str, data: str, signal_id: str) -> int:
    """Signal something to a run that waits for it.

    One that comes before the run waits is kept, and counts once.
    """
    from midwatch.cli.handing import send_signal

    with face.driving() as opened:
        return send_signal(face, opened, run, name=name, data=data, signal_id=signal_id)
