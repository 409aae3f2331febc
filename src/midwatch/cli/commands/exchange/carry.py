"""`midwatch import` and `midwatch export`."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from midwatch.base.classes import Mode
from midwatch.cli.errors import EXIT_OK, FileInTheWayError
from midwatch.cli.face import Face, json_option, pass_face
from midwatch.cli.screen import Screen, Styled
from midwatch.cli.words import count

if TYPE_CHECKING:
    from midwatch.exchange.report import Report

TO_REVIEW = "tools-to-review"
FORMATS = ("markdown", "open-workflow", "cacao", "ssm", "orquesta", "rundeck")
TARGETS = ("skill", "open-workflow", "cacao", "markdown")
_STYLES = {"exactly": "green", "approximately": "yellow", "not": "red"}


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--from", "said", type=click.Choice(FORMATS), help="Its format; else what it shows by itself.")
@click.option(
    "-o",
    "--out",
    default=".",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write to.",
)
@click.option(
    "--mode",
    type=click.Choice([Mode.PROPOSE.value, Mode.APPROVE.value]),
    default=Mode.PROPOSE.value,
    help="How far the runbook may go.",
)
@click.option("--owner", default="team:guardians", help="Who owns it and is asked, such as team:web.")
@click.option(
    "--commands", is_flag=True, help="Of Markdown: make tasks of plain commands, for a person to review."
)
@click.option("--all", "every", is_flag=True, help="List what was carried exactly too.")
@json_option
@pass_face
def import_(face: Face, /, **given: Any) -> int:
    """Make a runbook of a document from elsewhere.

    FILE is Markdown, or a workflow, playbook, automation or job in YAML or JSON. What became of every part
    of it is said: carried exactly, approximately, or not. Nothing that is there is written over.
    """
    from midwatch.exchange.formats import Format, import_document
    from midwatch.exchange.imported import Wish

    path: Path = given["file"]
    wish = Wish(mode=Mode(given["mode"]), owner=given["owner"], with_commands=given["commands"])
    said = Format(given["said"]) if given["said"] else None
    imported = import_document(read_bytes(path), name=str(path), wish=wish, said=said)
    folder: Path = given["out"]
    targets = {folder / f"{imported.id}.runbook.md": imported.text}
    targets |= {folder / TO_REVIEW / name: text for name, text in imported.files.items()}
    _write(targets)
    written = [str(target) for target in targets]

    def words(screen: Screen) -> None:
        _report(screen, imported.report, every=given["every"])
        for target in written:
            screen.line(f"wrote  {target}")
        screen.line(f"Next: midwatch lint {written[0]}")

    face.out({"written": written, "report": imported.report.as_record()}, words)
    return EXIT_OK


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--to", "target", type=click.Choice(TARGETS), required=True, help="The format.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write to; else it is printed.",
)
@click.option("--all", "every", is_flag=True, help="List what was carried exactly too.")
@json_option
@pass_face
def export(face: Face, file: Path, target: str, out: Path | None, *, every: bool) -> int:
    """Write a runbook in another format.

    An agent skill, a workflow, a playbook or plain Markdown. What became of every part of it is said.
    """
    from midwatch.cli.screen import standard_error
    from midwatch.exchange.export.targets import Target, file_name
    from midwatch.exchange.export.targets import export as exported
    from midwatch.plan.compile import refuse
    from midwatch.runbook.parse import parse_runbook

    runbook, findings = parse_runbook(read_bytes(file), name=str(file))
    refuse(str(file), findings)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text, report = exported(runbook, Target(target), now=now)
    identifier = runbook.header.id.value if runbook.header else "runbook"
    record: dict[str, Any] = {"report": report.as_record()}
    if out is None:
        if face.json:
            face.out({"text": text, **record}, lambda _: None)
        else:
            face.screen.raw(text)
            _report(standard_error(), report, every=every)
        return EXIT_OK
    path = out / file_name(identifier, Target(target))
    _write({path: text})

    def words(screen: Screen) -> None:
        _report(screen, report, every=every)
        screen.line(f"wrote  {path}")

    face.out({"written": [str(path)], **record}, words)
    return EXIT_OK


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file, and no more than tell that it is too big.

    Raises:
        FileInTheWayError: MW946.
    """
    from midwatch.runbook.source import DOCUMENT_BYTES_MAX

    try:
        with path.open("rb") as file:
            return file.read(DOCUMENT_BYTES_MAX + 1)
    except OSError as error:
        raise FileInTheWayError(f"{path} can't be read: {error.strerror}", path=str(path)) from error


def _write(targets: dict[Path, str]) -> None:
    """Write files that are not there yet; none of them where one is in the way."""
    for path in targets:
        if path.exists():
            raise FileInTheWayError(f"{path} is there already", path=str(path))
    for path, text in targets.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise FileInTheWayError(f"{path} can't be written: {error.strerror}", path=str(path)) from error


def _report(screen: Screen, report: "Report", *, every: bool) -> None:
    from midwatch.exchange.report import Fate

    parts = {fate: report.parts(fate) for fate in Fate}
    total = sum(parts.values())
    told = ", ".join(f"{number} {fate}" for fate, number in parts.items())
    screen.line(f"{report.name}: {count(total, 'part')} of {report.source_format}, carried: {told}.")
    for item in report.items:
        if item.fate is not Fate.EXACTLY or every or not item.parts:
            screen.line(
                "  ",
                Styled(item.fate.value, _STYLES[item.fate.value]),
                f"  {item.place}  {item.what}: {item.how}",
            )
