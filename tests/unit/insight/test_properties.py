"""Whatever part of a run is known: it can be told, and nothing is made up."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.approvals.arguments import size_words
from midwatch.base.canonical import thawed_value
from midwatch.base.ids import RunId
from midwatch.effects.ledger import EffectStatus
from midwatch.insight.cost import cost
from midwatch.insight.explanation import Sentence
from midwatch.insight.findings import findings
from midwatch.insight.narrate import story
from midwatch.insight.progress import progress
from midwatch.insight.why import why
from midwatch.insight.words import digest_words, span_words, usd_words, utc_words
from midwatch.journal.events import Erased, Event
from midwatch.run.evolve import fold
from unit.insight.made_run import ASKED, ASKED_AGAIN, KEY, RUN, RUNS, UNDO_KEY, made_plan, with_erased

PLAN = made_plan()
SUBJECTS = (
    RUN, KEY, UNDO_KEY, ASKED, ASKED_AGAIN, f"{RUN}/disks/0/0/1", "", "nobody knows this",
    *(str(task.name) for task in PLAN.tasks),
)  # fmt: skip
NUMBER = re.compile(r"\d+(?:\.\d+)?")
FILLED = {"/var is about to be full.", "Caches take up 512 MB."}
"""Findings whose `{{ CEL }}` was replaced."""
UNTIMED = settings(deadline=None)
"""A busy machine is no failure."""

NAMES = st.sampled_from(sorted(RUNS))
LENGTHS = st.integers(0, 60)
HOLES = st.sets(st.integers(1, 60), max_size=60)


@cache
def events_of(name: str) -> tuple[Event, ...]:
    return tuple(RUNS[name]().events)


def leaves(value: Any) -> Iterator[Any]:
    """Yield each scalar inside of a value."""
    match value:
        case Mapping():
            for item in value.values():
                yield from leaves(item)
        case list() | tuple():
            for item in value:
                yield from leaves(item)
        case _:
            yield value


def counts(value: Any) -> Iterator[int]:
    """Yield how long each list and object inside of a value is."""
    if isinstance(value, Mapping | list | tuple):
        yield len(value)
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from counts(item)


class Known:
    """Everything that the events and the plan hold, and how its numbers may be spelled."""

    def __init__(self, events: list[Event]) -> None:
        told = [asdict(event.payload) for event in events if not isinstance(event.payload, Erased)]
        envelopes = [[event.ref, event.envelope.at_ms, event.envelope.type, event.actor] for event in events]
        everything = [thawed_value(told), envelopes, asdict(PLAN), RUN]
        self.text = json.dumps(everything, ensure_ascii=False, default=str).replace("\\", "")
        numbers = {leaf for leaf in leaves(everything) if isinstance(leaf, int | float)}
        rows = set(range(1, 4))  # of tables, which are counted from 1
        self.exact = numbers | rows | set(counts(everything))
        spelled = [self.text]
        for number in self.exact:
            spelled.append(str(number))
            if isinstance(number, int):
                spelled += [span_words(number), utc_words(number), size_words(number), usd_words(number)]
        spelled += [digest_words(leaf) for leaf in leaves(everything) if isinstance(leaf, str)]
        self.numbers = {found for words in spelled for found in NUMBER.findall(words)}

    def check(self, sentence: Sentence, subject: str = "") -> None:
        self._check_numbers(sentence.text, subject)
        for leaf in leaves(sentence.values):
            match leaf:
                case bool() | None:
                    continue
                case int() | float():
                    assert leaf in self.exact, (leaf, sentence)
                case _ if leaf not in self.text:  # words with their values filled in
                    assert leaf in {subject, *EffectStatus, *FILLED}, (leaf, sentence)
                    self._check_numbers(leaf, subject)
                case _:
                    continue

    def _check_numbers(self, words: str, subject: str) -> None:
        unknown = set(NUMBER.findall(words)) - self.numbers - set(NUMBER.findall(subject))
        assert not unknown, (unknown, words)


@pytest.mark.parametrize("name", RUNS)
def test_the_made_runs_are_runs_that_the_engine_could_have_written(name: str) -> None:
    events = events_of(name)
    for length in range(len(events) + 1):
        assert fold(RunId(RUN), events[:length]).n == length


@UNTIMED
@given(NAMES, LENGTHS, HOLES, st.sampled_from(SUBJECTS))
def test_any_part_of_a_run_can_be_told(name: str, length: int, erased: set[int], subject: str) -> None:
    events = with_erased(list(events_of(name)[:length]), erased)
    record = why(PLAN, events, subject).as_record()
    assert json.loads(json.dumps(record)) == record
    story(PLAN, events)
    progress(PLAN, events)
    findings(PLAN, events)
    cost(events)


@UNTIMED
@given(NAMES, LENGTHS, HOLES, st.sampled_from(SUBJECTS))
def test_no_value_is_made_up(name: str, length: int, erased: set[int], subject: str) -> None:
    events = with_erased(list(events_of(name)[:length]), erased)
    known = Known(events)
    for sentence in why(PLAN, events, subject).sentences:
        known.check(sentence, subject)
    for line in story(PLAN, events):
        known.check(line)


@pytest.mark.parametrize("name", RUNS)
def test_nothing_is_told_twice(name: str) -> None:
    for subject in SUBJECTS:
        told = [(sentence.ref, sentence.text) for sentence in why(PLAN, events_of(name), subject).sentences]
        assert len(told) == len(set(told))
