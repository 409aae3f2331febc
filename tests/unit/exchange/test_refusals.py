"""Documents that are not imported: each says why, in one sentence, with its place."""

import pytest

from midwatch.base.errors import MidwatchError
from midwatch.exchange.errors import (
    ForeignInvalidError,
    ForeignSyntaxError,
    ForeignTooBigError,
    FormatUnknownError,
    NotExportableError,
)
from midwatch.exchange.export.targets import Target, export
from midwatch.exchange.formats import Format, import_document
from midwatch.exchange.imported import Wish
from midwatch.runbook.errors import DocumentTooBigError, NotTextError
from midwatch.runbook.parse import parse_runbook

HEAD = "document: {dsl: 1.0.3, namespace: a, name: b, version: 1.0.0}\n"


def refused(
    text: str | bytes, kind: type[MidwatchError], *, name: str = "x.yaml", said: Format | None = None
) -> str:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(kind) as caught:
        import_document(data, name=name, wish=Wish(), said=said)
    return f"{caught.value.place}: {caught.value.sentence}"


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: *x",
        "a: !!python/object:os.system 1",
        "a: 1\na: 2",
        "{a: 1",
        "a: b: c",
        "- " * 100 + "x",
        "[" * 100 + "]" * 100,
        "a: " + "x" * 70_000,
        "a: 1\n---\nb: 2",
        'a: "\\u202e"',
    ],
)
def test_what_is_no_plain_yaml_within_the_limits(text: str) -> None:
    assert refused(text, ForeignSyntaxError).startswith("x.yaml:")


def test_what_is_no_text_or_too_big() -> None:
    refused(b"\xff\xfe", NotTextError, name="x.md")
    refused("x" * 1_000_001, DocumentTooBigError, name="x.md")


def test_what_has_no_format() -> None:
    refused("a: 1", FormatUnknownError)
    refused("just words: and: colons", FormatUnknownError, name="words")


@pytest.mark.parametrize(
    ("text", "said", "sentence"),
    [
        (HEAD + "do: []", Format.OPEN_WORKFLOW, "needs `do`"),
        (HEAD + "do: [{a: {set: {b: 1}}, c: {}}]", Format.OPEN_WORKFLOW, "one key"),
        (HEAD + "do: [{a: {set: {}}}, {a: {set: {}}}]", Format.OPEN_WORKFLOW, "called `a`"),
        (HEAD + "do: [{a: {then: b, set: {x: 1}}}]", Format.OPEN_WORKFLOW, "no task of this list"),
        (HEAD + "do: [{a: {what: 1}}]", Format.OPEN_WORKFLOW, "nothing here says"),
        (HEAD + "do: [{a: {set: {x: '${ .a) }'}}}]", Format.OPEN_WORKFLOW, "closes nothing"),
        (HEAD + "do: [{a: {set: {x: '${ \"a }'}}}]", Format.OPEN_WORKFLOW, "never closed"),
        (HEAD + "do: [{a: {call: http, with: {method: brew}}}]", Format.OPEN_WORKFLOW, "needs `with.method`"),
        (HEAD.replace("1.0.3", "0.8") + "do: [{a: {set: {x: 1}}}]", Format.OPEN_WORKFLOW, "version 1"),
        ("schemaVersion: '0.3'\nmainSteps: [{name: a}]", Format.SSM, "`name` and `action`"),
        ("schemaVersion: '0.3'\nmainSteps: [{name: a, action: b, nextStep: c}]", Format.SSM, "no step"),
        (
            "schemaVersion: '0.3'\nmainSteps: [{name: a, action: b, onFailure: 'step:c'}]",
            Format.SSM,
            "no step",
        ),
        ("version: 1.0\ntasks: {a: {next: [{do: b}]}}", Format.ORQUESTA, "no task"),
        ("version: 1.0\ntasks: {}", Format.ORQUESTA, "needs `tasks`"),
        ("- sequence: {commands: [{what: 1}]}", Format.RUNDECK, "says none of"),
        ("- name: a", Format.RUNDECK, "sequence.commands"),
        ("type: playbook\nspec_version: cacao-1.0", Format.CACAO, "cacao-2.0"),
    ],
)
def test_what_is_not_valid_in_its_own_format(text: str, said: Format, sentence: str) -> None:
    found = refused(text, ForeignInvalidError, said=said)

    assert sentence in found
    assert found.startswith("x.yaml:")


def test_more_tasks_than_a_runbook_may_have() -> None:
    many = "".join(f"- t{number}: {{set: {{a: 1}}}}\n" for number in range(300))
    refused(HEAD + "do:\n" + many, ForeignTooBigError)
    jobs = "- sequence:\n    commands:\n" + "    - exec: uptime\n" * 300
    refused(jobs, ForeignTooBigError)


def test_a_document_without_a_header_can_t_be_exported() -> None:
    runbook, _ = parse_runbook(b"# Words\n", name="x.md")

    for target in Target:
        with pytest.raises(NotExportableError):
            export(runbook, target, now="2026-11-27T00:00:00.000Z")
