"""`midwatch test FILE…` and `midwatch test new`."""

from collections.abc import Sequence
from pathlib import Path

import click

from midwatch.cli.errors import EXIT_FINDINGS, EXIT_OK
from midwatch.cli.face import Face, json_option, pass_face


class _Tests(click.Group):
    """`midwatch test FILE…` plays; the one word that is no file is `new`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the first word for a subcommand only where it is one."""
        if not args or args[0] not in {"new", "play"}:
            args = ["play", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Tests)
def test() -> None:
    """Play the scenarios of runbooks.

    In virtual time; `midwatch test FILE...` is short for `midwatch test play FILE...`.
    """


@test.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("-k", "wanted", default="", metavar="TEXT", help="Only scenarios whose name holds this text.")
@click.option("-v", "verbose", count=True, help="List all, tell the failed ones' runs; -vv tells every run.")
@click.option(
    "--cover-min", type=click.FloatRange(0, 100), metavar="PERCENT", help="Fail where less is covered."
)
@click.option(
    "--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write JUnit XML."
)
@json_option
@pass_face
def play(
    face: Face,
    *,
    files: tuple[Path, ...],
    wanted: str,
    verbose: int,
    cover_min: float | None,
    junit: Path | None,
) -> int:
    """Play the scenarios of runbooks.

    In virtual time, without a key, a network or a state folder: real driver, real gate, the house's policy
    or the shipped one; only tools, people and time are made up. FILE is a runbook, with its own `tests:`
    and those of `NAME.tests.yaml` and `tests/NAME.*.yaml` beside it, or such a file alone. A folder stands
    for the runbooks in it. Exits with 3 where a scenario ends otherwise than it expects.

    `midwatch test new` writes a scenario from a run that took place.
    """
    from midwatch.cli.commands.testing.playing import play_files

    is_fine = play_files(
        face, _runbooks(files), wanted=wanted, verbose=verbose, cover_min=cover_min, junit=junit
    )
    return EXIT_OK if is_fine else EXIT_FINDINGS


@test.command()
@click.option("--from-run", "run", required=True, metavar="RUN", help="The run, or the beginning of its id.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it here."
)
@click.option("--name", default="", metavar="TEXT", help="What the scenario is called.")
@json_option
@pass_face
def new(face: Face, *, run: str, output: Path | None, name: str) -> int:
    """Turn a run that took place into a scenario.

    Its inputs are given, what its tools said are mocks, its answers keep their moments, and what happened is
    what is expected. Personal and secret fields are replaced by samples. Save it as `NAME.tests.yaml` beside
    the runbook.
    """
    from midwatch.cli.commands.testing.fresh import write_scenario

    with face.looking() as opened:
        write_scenario(face, opened, run, name=name, output=output)
    return EXIT_OK


def _runbooks(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        found.extend(sorted(path.glob("*.runbook.md")) if path.is_dir() else [path])
    return list(dict.fromkeys(found))
