"""Any Markdown becomes a runbook: nothing crashes, no word or command is lost, and the parser reads it."""

import re
from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from midwatch.exchange.draft import visible
from midwatch.exchange.imported import Imported, Wish
from midwatch.exchange.prose.convert import read_markdown
from midwatch.exchange.prose.pieces import Code, pieces_of
from midwatch.plan.review import lint_text
from midwatch.runbook.errors import NotTextError, SecretInTextError
from midwatch.runbook.model import Level
from midwatch.runbook.parse import parse_runbook
from midwatch.runbook.source import Severity

WORDS = """\
# Title|## Diagnosis|### Steps|#### Task: mine|###### Deep|Setext|======|---|***||||Some words.|* * *
1. First do this:|2. Then that|- a point|> a quotation|```|```sh|```console|~~~bash|~~~|````|   ```sh|   ```
  - ```bash|    ```|> ```sh|> ```|$ kubectl get pods -n <ns>|   kubectl delete pod $POD|> rm -rf /tmp/x
    systemctl restart x|# service foo restart|echo 'a'|+---+|task: x|tests:|runbook: v1|kind: command|```yaml
<details>|</details>|<!-- a|-->|{{ $labels.pod }}|\\|\ttabbed|a\u200bb|cat <<EOF|EOF|line \\|&lt;b&gt;
[link]: http://x|+++|title: x"""
TABLE = "| a | b |\n|---|---|\n| 1 | 2 |"
STEP = "```sh\n$ kubectl get pods -n <ns>\nNAME  READY\n```"
NESTED = "1. Look:\n\n   ```bash\n   systemctl restart app\n   ```\n\n   and see\n\n2. Next"
LINES = st.one_of(st.sampled_from([*re.split(r"[|\n]", WORDS), TABLE, STEP, NESTED]), st.text(max_size=30))
DOCUMENTS = st.lists(LINES, max_size=30).map("\n".join)
_ADDED = re.compile(r"^\s*(?:[>\s]*)")


def imported_from(data: bytes) -> Imported | None:
    """Return the runbook, or None where the bytes are no text; any other error is a failure."""
    with suppress(NotTextError):
        return read_markdown(data, name="x.md", wish=Wish())
    return None


def words(line: str) -> str:
    """Return a line without what only says where it stands: its margin and marks of quotation."""
    return re.sub(r"\s+", " ", _ADDED.sub("", visible(line).replace("\t", " "))).strip()


def assert_in_order(wanted: list[str], found: list[str]) -> None:
    at = 0
    for line in wanted:
        try:
            at = found.index(line, at) + 1
        except ValueError:
            raise AssertionError((line, wanted, found)) from None


@given(DOCUMENTS)
@settings(max_examples=400, deadline=None)
@example("---\ntitle: x\nweight: 1\n---\n```sh\nls\n")
@example("1. a\n   ```sh\n   ls\n2. b\n")
@example("> ```\n> $ ls\n> a\nafter")
def test_no_word_and_no_command_is_lost_and_all_stand_in_their_order(text: str) -> None:
    imported = imported_from(text.encode("utf-8", "surrogatepass"))
    if imported is None:
        return
    lines = [words(line) for line in imported.text.split("\n")]
    normal = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for code in (piece for piece in pieces_of(_without_matter(normal)) if isinstance(piece, Code)):
        wanted = [words(line) for line in code.content.split("\n") if words(line)]
        assert_in_order(wanted, lines)
    codes = "\n".join(
        piece.content for piece in pieces_of(_without_matter(normal)) if isinstance(piece, Code)
    )
    assert_in_order([words(line) for line in codes.split("\n") if words(line)], lines)


@given(DOCUMENTS)
@settings(max_examples=400, deadline=None)
def test_the_parser_finds_no_mistake_in_what_was_imported(text: str) -> None:
    imported = imported_from(text.encode("utf-8", "surrogatepass"))
    if imported is None:
        return
    runbook, findings = parse_runbook(imported.text.encode(), name="x.md")
    errors = [one for one in findings if one.severity is Severity.ERROR and one.kind is not SecretInTextError]
    assert errors == [], imported.text
    assert runbook.header is not None
    steps = sum("`, which a person does" in item.how for item in imported.report.items)
    assert len(runbook.tasks) == steps, imported.text


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_document_or_refused_by_name(data: bytes) -> None:
    report = lint_text(data, name="x.md", manifests={})
    assert report.level is Level.L0 or report.errors
    imported_from(data)


def _without_matter(text: str) -> str:
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return text
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
    return text if end is None else "\n".join([""] * (end + 1) + lines[end + 1 :])
