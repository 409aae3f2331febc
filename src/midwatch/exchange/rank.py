"""Which runbooks are worth automating first, and why, in plain sentences.

Four things are looked at, each from 0 to 100, from the words of the document alone:

    repetition       how often it is done: a trigger, a schedule, steps that are typed the same each time
    decidability     whether a machine could decide: conditions on values rather than on judgement
    reversibility    whether what it does can be taken back
    blast radius     how little it can break; more is better here too

The score is their mean, weighted 25 : 30 : 25 : 20. It orders a list for a person; it decides nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from midwatch.base.classes import EffectClass
from midwatch.exchange.prose.pieces import Code, pieces_of
from midwatch.exchange.prose.placeholders import placeholders_in
from midwatch.exchange.prose.shell import typed_in
from midwatch.exchange.risk import Reach, Risk, risks_of
from midwatch.runbook.model import Kind, Runbook, Task

WEIGHTS = {"repetition": 25, "decidability": 30, "reversibility": 25, "blast_radius": 20}
COMMANDS_MAX = 300
_JUDGEMENT = re.compile(
    r"\b(?:investigate|judge|decide|consider|if necessary|as needed|if needed|might|may be|unclear|"
    r"suspicious|contact|escalate|ask|coordinate|consult|use your|depending on|check with|discuss)\b",
    re.IGNORECASE,
)
_MEASURED = re.compile(
    r"(?:[<>]=?|==|!=)\s*\d|\b\d+\s?(?:%|percent|GiB|MiB|GB|MB|ms|seconds|minutes)\b", re.IGNORECASE
)
_OFTEN = re.compile(
    r"\b(?:alert(?:name|s|ing)?|fires|every (?:day|night|week|hour|month)|daily|weekly|nightly|cron|"
    r"schedule[ds]?|regularly|periodic(?:ally)?|recurring|again and again|usually|often)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """One of the four."""

    name: str
    points: int
    """0 to 100."""
    reasons: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """Return the aspect as plain JSON."""
        return {"name": self.name, "points": self.points, "reasons": list(self.reasons)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One runbook, and how much speaks for automating it."""

    name: str
    title: str
    score: int
    """0 to 100."""
    aspects: tuple[Aspect, ...]

    def as_record(self) -> dict[str, Any]:
        """Return the candidate as plain JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "score": self.score,
            "aspects": [aspect.as_record() for aspect in self.aspects],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    commands: tuple[str, ...]
    outputs: int
    risks: tuple[Risk, ...]
    placeholders: int
    words: str
    runbook: Runbook


def candidate_of(runbook: Runbook) -> Candidate:
    """Return what speaks for and against automating a runbook."""
    facts = _facts(runbook)
    aspects = (_repetition(facts), _decidability(facts), _reversibility(facts), _blast(facts))
    score = sum(WEIGHTS[aspect.name] * aspect.points for aspect in aspects) // sum(WEIGHTS.values())
    title = runbook.title or runbook.source.name
    if not facts.commands and not runbook.tasks:
        score = min(score, 10)
    return Candidate(name=runbook.source.name, title=title, score=score, aspects=aspects)


def ranked(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates, the best first; equal ones by name."""
    return sorted(candidates, key=lambda one: (-one.score, one.name))


def _facts(runbook: Runbook) -> _Facts:
    commands: list[str] = []
    outputs = 0
    for piece in pieces_of(runbook.source.text):
        if isinstance(piece, Code):
            typed = typed_in(piece.content, piece.word)
            commands.extend(typed.commands)
            outputs += bool(typed.output)
    commands.extend(line.strip() for task in runbook.tasks for line in _snippets(task))
    commands = commands[:COMMANDS_MAX]
    prose = "\n".join([*(one.prose for one in runbook.sections), *(task.prose for task in runbook.tasks)])
    return _Facts(
        commands=tuple(commands),
        outputs=outputs,
        risks=(*(risk for command in commands for risk in risks_of(command)), *_declared(runbook)),
        placeholders=len(placeholders_in(commands)),
        words=prose,
        runbook=runbook,
    )


def _snippets(task: Task) -> list[str]:
    """Return the lines of what stands in a task's prose as code: the original of an imported step."""
    return (
        [line for line in task.prose.split("\n") if line.startswith("    ")]
        if task.kind is Kind.MANUAL
        else []
    )


def _declared(runbook: Runbook) -> list[Risk]:
    """Return what tasks declare that they do."""
    return [
        Risk(
            word=task.name.value,
            why="cannot be undone" if task.effect.value is EffectClass.IRREVERSIBLE else "writes",
            is_reversible=task.effect.value is EffectClass.WRITE,
            reach=Reach.ONE,
        )
        for task in runbook.tasks
        if task.effect is not None and task.effect.value is not EffectClass.READ and not task.is_undo
    ]


def _repetition(facts: _Facts) -> Aspect:
    points, reasons = 20, list[str]()
    header = facts.runbook.header
    if header is not None and header.triggers:
        points += 40
        reasons.append("A trigger starts it, so it comes again by itself.")
    often = sorted({word.lower() for word in _OFTEN.findall(facts.words)})
    if often:
        points += 25
        reasons.append(f"Its words speak of repetition: {', '.join(often[:4])}.")
    if facts.commands:
        points += min(30, 5 * len(facts.commands))
        verb = "is" if len(facts.commands) == 1 else "are"
        reasons.append(f"{_count(len(facts.commands), 'command')} {verb} typed the same way each time.")
    else:
        reasons.append("Nothing in it is typed, so there is little to repeat.")
    return Aspect(name="repetition", points=min(points, 100), reasons=tuple(reasons))


def _decidability(facts: _Facts) -> Aspect:
    points, reasons = 50, list[str]()
    judged, measured = len(_JUDGEMENT.findall(facts.words)), len(_MEASURED.findall(facts.words))
    decisions = sum(task.kind is Kind.DECISION for task in facts.runbook.tasks)
    if decisions:
        points += 35
        reasons.append(f"{_count(decisions, 'decision table')} tell what follows from which reading.")
    if measured:
        points += min(25, 8 * measured)
        reasons.append(f"{_count(measured, 'threshold')} in numbers.")
    if facts.outputs:
        points += 10
        reasons.append("It shows what commands answer, so that an answer can be compared.")
    if judged:
        points -= min(45, 6 * judged)
        reasons.append(f"{_count(judged, 'place')} where somebody has to judge, ask or escalate.")
    if facts.placeholders:
        points -= min(20, 4 * facts.placeholders)
        reasons.append(f"{_count(facts.placeholders, 'value')} to be filled in by hand.")
    if not reasons:
        reasons.append("Nothing says on what its steps depend.")
    return Aspect(name="decidability", points=max(0, min(points, 100)), reasons=tuple(reasons))


def _reversibility(facts: _Facts) -> Aspect:
    final = [risk for risk in facts.risks if not risk.is_reversible]
    back = [risk for risk in facts.risks if risk.is_reversible]
    undone = sum(task.undo is not None for task in facts.runbook.tasks)
    points, reasons = 100, list[str]()
    if final:
        points -= min(90, 30 + 15 * len(final))
        words = ", ".join(dict.fromkeys(f"`{risk.word}` {risk.why}" for risk in final[:4]))
        reasons.append(f"What can't be taken back: {words}.")
    if back:
        points -= min(30, 6 * len(back))
        reasons.append(f"{_count(len(back), 'change')} that can be put back.")
    if undone:
        points += 20
        reasons.append(f"{_count(undone, 'task')} with an undo.")
    if not facts.risks:
        reasons.append("It only seems to look; as far as its words tell, nothing has to be taken back.")
    return Aspect(name="reversibility", points=max(0, min(points, 100)), reasons=tuple(reasons))


def _blast(facts: _Facts) -> Aspect:
    reach = max((risk.reach for risk in facts.risks), default=Reach.NOTHING)
    points = {Reach.NOTHING: 100, Reach.ONE: 75, Reach.MANY: 40, Reach.ALL: 10}[reach]
    reason = {
        Reach.NOTHING: "Nothing that it types seems to change anything.",
        Reach.ONE: "What it changes is one thing at a time.",
        Reach.MANY: "It can touch several things, or a whole service.",
        Reach.ALL: "It can touch everything: a cluster, a database, or all that matches.",
    }[reach]
    worst = [risk for risk in facts.risks if risk.reach is reach]
    more = (f"For example `{worst[0].word}`, which {worst[0].why}.",) if worst else ()
    return Aspect(name="blast_radius", points=points, reasons=(reason, *more))


def _count(number: int, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"
