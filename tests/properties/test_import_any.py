"""Whatever a file holds, its import is a runbook that the parser reads, or a refusal by name."""

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from midwatch.base.errors import MidwatchError
from midwatch.exchange.formats import Format, import_document
from midwatch.exchange.imported import Imported, Wish
from midwatch.exchange.report import Fate, leaf_count
from midwatch.exchange.tree import read_tree
from midwatch.runbook.errors import SecretInTextError
from midwatch.runbook.parse import parse_runbook
from midwatch.runbook.source import Severity
from suites.fidelity import GIVEN

SAMPLES = Path(__file__).parents[1] / "suites" / "samples"
TREES = [
    (Format(section), YAML(typ="safe", pure=True).load(text))
    for section, constructs in GIVEN.items()
    for text, _ in constructs.values()
]
WORDS = [
    *("", "end", "exit", "${ . }", "${ .a) }", "t", "first", "a b", "{{x}}", "a\nb", "\u00e9"),
    *("${ $secrets.a }", "task: x", "step:first", "PT1S", "true", "# x", "<% failed() %>"),
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from(WORDS),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just({"a": {"b": ["c"]}}),
)


def paths_of(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, item in inner for path in paths_of(item, (*at, key)))]


def changed(tree: Any, path: tuple[Any, ...], value: Any, *, removes: bool) -> Any:
    if not path:
        return value
    whole = copy.deepcopy(tree)
    at = whole
    for key in path[:-1]:
        at = at[key]
    if removes:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return whole


def imported(data: bytes, *, name: str, said: Format) -> Imported | None:
    """Return the runbook, or None where the document is refused; any other error is a failure."""
    with suppress(MidwatchError):
        return import_document(data, name=name, wish=Wish(), said=said)
    return None


def assert_sound(data: bytes, found: Imported) -> None:
    runbook, findings = parse_runbook(found.text.encode(), name="x.md")
    errors = [one for one in findings if one.severity is Severity.ERROR and one.kind is not SecretInTextError]
    assert errors == [], found.text
    assert runbook.header is not None
    assert sum(map(found.report.parts, Fate)) == leaf_count(read_tree(data, name="x").tree)


@given(st.sampled_from(TREES), st.data())
@settings(max_examples=400, deadline=None)
def test_a_document_with_anything_changed_is_imported_or_refused(
    given_tree: tuple[Format, Any], data: st.DataObject
) -> None:
    said, tree = given_tree
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(paths_of(tree)))
        tree = changed(tree, path, data.draw(ODD), removes=bool(path) and data.draw(st.booleans()))
    text = json.dumps(tree).encode()
    found = imported(text, name="x.json", said=said)
    if found is None:
        return
    assert_sound(text, found)


@given(st.sampled_from(list(Format)), st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_imported_or_refused(said: Format, data: bytes) -> None:
    found = imported(data, name="x", said=said)
    assert found is None or found.text.startswith("---\nrunbook: v1\n")
