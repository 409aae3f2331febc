"""`midwatch lint` and `midwatch plan`."""

from pathlib import Path

import click

from midwatch.cli.errors import EXIT_FINDINGS, EXIT_OK
from midwatch.cli.face import Face, json_option, pass_face
from midwatch.cli.screen import Screen, Styled
from midwatch.cli.told import show_finding
from midwatch.cli.words import count
from midwatch.plan.review import LintReport


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--sarif", "is_sarif", is_flag=True, help="Write SARIF 2.1.0, for code hosts.")
@json_option
@pass_face
def lint(face: Face, files: tuple[Path, ...], *, is_sarif: bool) -> int:
    """Check runbooks.

    Says everything that is wrong, with its place and its fix, which level a document has (L0 to L3), and
    what the next one needs. Reads what a runbook includes and calls, in its own folder and below, the tools
    declared in the settings and in a folder `tools` beside it or its folder, and looks up everybody whom it
    asks. Exits with 3 where there is an error.
    """
    from midwatch.cli.standing.plans import read_file
    from midwatch.wiring.lint import lint_file
    from midwatch.wiring.manifests import manifests_for

    reports = [
        lint_file(face.config, path, read_file(path), manifests_for(face.config, path), asks_people=True)
        for path in files
    ]
    if is_sarif:
        face.screen.raw(_sarif_text(reports))
    else:
        face.out(
            {"reports": [report.as_record() for report in reports]}, lambda screen: _say_all(screen, reports)
        )
    return EXIT_FINDINGS if any(report.errors for report in reports) else EXIT_OK


def _sarif_text(reports: list[LintReport]) -> str:
    import json

    import midwatch
    from midwatch.cli.commands.authoring.sarif import sarif

    return json.dumps(sarif(reports, version=midwatch.__version__), indent=2, ensure_ascii=False)


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@json_option
@pass_face
def plan(face: Face, file: Path) -> int:
    """Say what a runbook may do at most.

    Nothing runs. Shows its tasks, how many ways lead through them, and the worst of all ways: effects,
    questions, calls of tools, tokens, dollars, minutes of work and of waiting; the limit of each loop; and
    what somebody could choose who owns the untrusted inputs. Exits with 3 where the runbook has an error.
    """
    from midwatch.cli.standing.ahead import ahead_record, say_ahead
    from midwatch.cli.standing.plans import read_file
    from midwatch.plan.ahead.outlook import outlook
    from midwatch.wiring.lint import lint_file
    from midwatch.wiring.manifests import manifests_for

    declared = manifests_for(face.config, file)
    report = lint_file(face.config, file, read_file(file), declared)
    seen = outlook(report, declared)
    if seen is None:
        face.out({"reports": [report.as_record()]}, lambda screen: _say_all(screen, [report]))
        return EXIT_FINDINGS
    face.out(ahead_record(seen), lambda screen: say_ahead(screen, seen))
    return EXIT_OK


def _say_all(screen: Screen, reports: list[LintReport]) -> None:
    for report in reports:
        for finding in report.findings:
            show_finding(screen, finding)
        rest = len(report.findings) - len(report.errors)
        screen.line(
            f"{report.name}: L{report.level.value}, {count(len(report.errors), 'error')}, "
            f"{count(rest, 'note')}."
        )
        if report.next_level_needs:
            screen.line(
                Styled(f"  L{report.level.value + 1} needs {', and '.join(report.next_level_needs)}.", "dim")
            )
