"""What `midwatch test` says: failures, one line for each document, and the story of a run."""

from itertools import groupby
from typing import Any

from midwatch.approvals.visible import visible
from midwatch.cli.commands.testing.gather import Document
from midwatch.cli.screen import Screen, Styled
from midwatch.cli.told import show_finding
from midwatch.cli.words import count, exactly
from midwatch.insight.narrate import story
from midwatch.lab.cover import BRANCH, KINDS, ROW, RULE, TASK, Coverage, Part
from midwatch.lab.play import Played

_MANY = {TASK: "tasks", BRANCH: "branches", ROW: "rows", RULE: "rules of the policy"}
_STAMP = 12


def show_scenario(screen: Screen, document: Document, played: Played, *, verbose: int) -> None:
    """Write what is wrong with a scenario; with `verbose` also that nothing is, and the story of its run."""
    if played.ok and not verbose:
        return
    mark = Styled(screen.tick, "green") if played.ok else Styled(screen.cross, "red")
    ends = played.seen.outcome if played.seen is not None else "not started"
    screen.line(
        mark,
        f" {document.path}: {visible(played.scenario.name)}",
        Styled(f"  {ends or 'goes on'} after {exactly(played.took_ms)}", "dim"),
    )
    if verbose > 1 or (verbose and not played.ok):
        _show_story(screen, document, played)
    for finding in played.findings:
        show_finding(screen, finding)


def _show_story(screen: Screen, document: Document, played: Played) -> None:
    assert document.playbook is not None, "what was played has a plan"
    told = story(document.playbook.plan, played.events)
    for text, lines in groupby(told, key=lambda line: line.text):
        same = list(lines)
        after_ms = max(0, (same[0].at_ms or 0) - played.scenario.start_ms)
        again = Styled(f"  ({len(same)} times)", "dim") if len(same) > 1 else ""
        screen.line("  ", Styled(f"{exactly(after_ms):>{_STAMP}}", "dim"), f"  {text}", again)


def show_document(screen: Screen, document: Document, *, verbose: int, cover_min: float | None) -> None:
    """Write one line about a document, and what its scenarios leave out where that is asked for."""
    cover = document.cover
    if cover is None or not document.played:
        return
    passed = sum(played.ok for played in document.played)
    failed = len(document.played) - passed
    words = f"{count(passed, 'scenario')} passed" + (f", {failed} failed" if failed else "")
    shares = ", ".join(f"{_MANY[kind]} {cover.count([kind])[0]}/{cover.count([kind])[1]}" for kind in KINDS)
    screen.line(f"{document.path}: {words}; {percent(cover)} covered", Styled(f" ({shares})", "dim"))
    if verbose or is_short(cover, cover_min):
        for part in cover.missed():
            screen.line("  ", Styled("not reached: ", "yellow"), _told(part))
    if verbose > 1 and (missed := cover.missed([RULE])):
        screen.line(
            "  ", Styled("rules that decided nothing: ", "dim"), ", ".join(one.name for one in missed)
        )


def _told(part: Part) -> str:
    return f"{part.kind} {part.name}  {part.place}".rstrip()


def percent(cover: Coverage) -> str:
    """Return a coverage as people say it, never rounded up to all."""
    share = cover.percent()
    return f"{int(share)} %" if share in {0.0, 100.0} else f"{int(share * 10) / 10:.1f} %"


def is_short(cover: Coverage, cover_min: float | None) -> bool:
    """Return whether less was exercised than was asked for."""
    return cover_min is not None and cover.percent() < cover_min


def document_record(document: Document) -> dict[str, Any]:
    """Return a document and its scenarios as plain JSON."""
    cover = document.cover
    return {
        "name": str(document.path),
        "errors": [finding.as_record() for finding in document.errors],
        "scenarios": [scenario_record(played) for played in document.played],
        "coverage": None if cover is None else cover.as_record(),
    }


def scenario_record(played: Played) -> dict[str, Any]:
    """Return a played scenario as plain JSON."""
    return {
        "name": played.scenario.name,
        "ok": played.ok,
        "ends": played.seen.outcome if played.seen is not None else None,
        "path": list(played.seen.path()) if played.seen is not None else [],
        "took_ms": played.took_ms,
        "findings": [finding.as_record() for finding in played.findings],
    }
