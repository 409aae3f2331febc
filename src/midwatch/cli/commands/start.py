"""`midwatch start`."""

import json
from collections.abc import Iterable
from typing import Any

import click

from midwatch.base.classes import Mode
from midwatch.cli.face import Face, json_option, pass_face


@click.command()
@click.argument("runbook", default="rounds", metavar="[RUNBOOK]")
@click.option("--practice", is_flag=True, help="Plant files in a folder of their own, and look at those.")
@click.option("--new", is_flag=True, help="Cancel the watch under way, and begin another.")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode if mode is not Mode.AUTO]),
    help="How far it may go; never further than the runbook.",
)
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of the runbook; JSON, or a text."
)
@json_option
@pass_face
def start(
    face: Face, *, runbook: str, practice: bool, new: bool, mode: str | None, inputs: tuple[str, ...]
) -> int:
    """Stand one watch on this machine.

    Reads about ten things of this host, says what it found, and asks before anything is touched. A watch
    that is under way goes on where it was. RUNBOOK is `rounds` unless told: the name of a runbook, or a file.
    """
    from midwatch.cli.standing.watch import ROUNDS, Wish, stand

    if practice and runbook != ROUNDS:
        raise click.UsageError("--practice is for the runbook `rounds` alone")
    wish = Wish(
        runbook=runbook,
        practice=practice,
        new=new,
        mode=None if mode is None else Mode(mode),
        inputs=tuple(_pairs(inputs)),
    )
    with face.driving(only_existing=False) as opened:
        return stand(face, opened, wish)


def _pairs(given: tuple[str, ...]) -> Iterable[tuple[str, Any]]:
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{text!r} is no NAME=VALUE", param_hint="--input")
        try:
            yield name, json.loads(value)
        except ValueError:
            yield name, value
