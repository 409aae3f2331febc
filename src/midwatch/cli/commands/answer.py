"""`midwatch approve` and `midwatch deny`."""

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
