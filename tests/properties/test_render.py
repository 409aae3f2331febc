"""A runbook that is written anew is read as what it was; a page has nothing in it that acts."""

import random
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.runbook.parse import parse_runbook
from midwatch.runbook.render.html import page
from midwatch.runbook.render.mermaid import mermaid
from midwatch.runbook.revise.anew import markdown
from midwatch.runbook.source import HIDDEN, Severity
from midwatch.runbook.write import Document, SectionText, TableText, TaskText, TestsText, document_text
from properties.test_fmt import DOCUMENTS, jumbled
from properties.test_write import KEYS, PROSE, TEXTS, VALUES
from support.runbooks import said
from unit.plan.documents import GOOD

NAMES = st.sampled_from(["a", "measure", "n", "on", "null", "task", "end"])
COMMANDS = st.text(max_size=30).filter(lambda text: not HIDDEN.search(text)).map("run {}".format)
NOTES = st.dictionaries(KEYS.map("x-{}".format), VALUES, max_size=2)


@st.composite
def tasks(draw: Any) -> TaskText:
    kind = draw(st.sampled_from(["command", "decision", "manual", "agent"]))
    block = {"task": draw(NAMES), "kind": kind, "needs": draw(st.lists(NAMES, max_size=2)), **draw(NOTES)}
    block |= (
        {"tool": draw(TEXTS), "args": draw(st.dictionaries(NAMES, VALUES, max_size=2))}
        if kind == "command"
        else {}
    )
    block |= {} if kind == "command" else {"out": {"next": {"type": "string", "title": draw(TEXTS)}}}
    table = TableText(
        header=("a.b", "next"), rows=tuple(draw(st.lists(st.tuples(PROSE, TEXTS), min_size=1, max_size=3)))
    )
    return TaskText(
        title=draw(PROSE),
        block=block,
        prose=draw(PROSE),
        command=draw(COMMANDS) if kind == "command" else "",
        language=draw(st.sampled_from(["", "sql", "sh"])),
        table=table if kind == "decision" else None,
        is_undo=draw(st.booleans()),
    )


@st.composite
def documents(draw: Any) -> str:
    header = {
        "id": "x",
        "version": draw(TEXTS),
        "budget": {"usd": 0.5},
        "metrics": draw(NOTES),
        **draw(NOTES),
    }
    parts = [SectionText(title=draw(PROSE), prose=draw(PROSE)), *draw(st.lists(tasks(), max_size=3))]
    case = {"name": draw(TEXTS), "given": draw(NOTES), "expect": {"ends": "resolved"}}
    return document_text(
        Document(
            title=draw(PROSE), header=header, parts=(*parts, TestsText(cases=(case,))), prose=draw(PROSE)
        )
    )


def check_identity(text: str) -> None:
    runbook, findings = parse_runbook(text.encode(), name="x")
    anew = markdown(runbook)
    again, new_findings = parse_runbook(anew.encode(), name="x")
    assert said(again) == said(runbook), anew
    assert [finding.code for finding in new_findings] == [finding.code for finding in findings]
    assert markdown(again) == anew


@settings(max_examples=100, deadline=None)
@given(documents())
def test_a_document_written_anew_says_the_same(text: str) -> None:
    check_identity(text)


@pytest.mark.nightly
@settings(max_examples=10_000, deadline=None)
@given(documents())
def test_ten_thousand_documents_written_anew_say_the_same(text: str) -> None:
    check_identity(text)


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([*DOCUMENTS, GOOD]))
def test_a_whole_runbook_written_anew_says_the_same(chance: random.Random, text: str) -> None:
    check_identity(jumbled(text, chance))


class Page(HTMLParser):
    """What is in a page, as far as it could act or load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.ids: list[str | None] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in {"meta", "br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


@settings(max_examples=100, deadline=None)
@given(documents())
def test_a_page_is_well_formed_and_has_nothing_in_it_that_acts_or_loads(text: str) -> None:
    runbook, findings = parse_runbook(text.encode(), name="x")
    found = Page()
    found.feed(page(runbook))
    assert found.open == []
    assert (
        len(set(found.ids)) == len(found.ids)
        or any(finding.severity is Severity.ERROR for finding in findings)
        or (len({task.name.value for task in runbook.tasks}) < len(runbook.tasks))
    )
    assert not found.tags & {
        "script",
        "img",
        "iframe",
        "object",
        "embed",
        "link",
        "form",
        "base",
        "video",
        "audio",
    }
    assert not [
        name for name, _ in found.attributes if name.startswith("on") or name in {"src", "style", "srcset"}
    ]
    hrefs = [value or "" for name, value in found.attributes if name == "href"]
    assert not [
        href for href in hrefs if href.lower().lstrip().startswith(("javascript:", "data:", "vbscript:"))
    ]


@settings(max_examples=100, deadline=None)
@given(documents())
def test_a_graph_has_a_line_for_each_task_whatever_its_title(text: str) -> None:
    runbook, _ = parse_runbook(text.encode(), name="x")
    lines = mermaid(runbook).splitlines()
    assert lines[0] == "flowchart TD"
    assert len([line for line in lines if "<br/>" in line]) == len(runbook.tasks)
    assert all(line.startswith("    t_") for line in lines[1:])
