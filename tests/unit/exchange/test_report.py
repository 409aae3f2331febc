"""The report accounts for every leaf of a source exactly once, whatever a mapping forgets."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.exchange.report import UNREAD, Accounts, Fate, leaf_count
from midwatch.exchange.tree import Node, read_tree

VALUES = st.recursive(
    st.one_of(st.integers(-9, 9), st.booleans(), st.none(), st.text("abc /~", max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text("abc/~", min_size=1, max_size=3), inner, max_size=4),
    ),
    max_leaves=20,
)


def root_of(value: object) -> Node:
    return read_tree(json.dumps(value).encode(), name="x.json")


def nodes(node: Node) -> list[Node]:
    below = [*(value for _, value in node.entries()), *node.items()]
    return [node, *(found for child in below for found in nodes(child))]


@given(st.dictionaries(st.text("abc", min_size=1), VALUES, min_size=1), st.data())
@settings(max_examples=200, deadline=None)
def test_every_leaf_is_in_exactly_one_item(value: dict[str, object], data: st.DataObject) -> None:
    root = root_of(value)
    accounts = Accounts(root)
    for node in nodes(root):
        match data.draw(st.sampled_from(["", "", "exactly", "approximately", "not"])):
            case "exactly":
                accounts.exactly(node, "x", "as it is")
            case "approximately":
                accounts.approximately(node, "x", "nearly")
            case "not":
                accounts.not_carried(node, "x", "because")
            case _:
                continue
    report = accounts.report(source_format="json")

    assert sum(report.parts(fate) for fate in Fate) == leaf_count(root.tree)
    assert len({item.pointer for item in report.items}) == len(report.items)
    assert all(item.place.startswith("x.json:") for item in report.items)


def test_what_nobody_marked_is_not_carried_and_says_so() -> None:
    root = root_of({"known": 1, "unknown": {"a": 1, "b": [2, 3]}})
    accounts = Accounts(root)
    accounts.exactly(root.get("known"), "known", "kept")
    report = accounts.report(source_format="json")

    lost = [item for item in report.items if item.fate is Fate.NOT]
    assert {item.pointer for item in lost} == {"/unknown/a", "/unknown/b/0", "/unknown/b/1"}
    assert {item.how for item in lost} == {UNREAD}


def test_of_two_marks_the_worse_one_counts() -> None:
    root = root_of({"a": 1})
    accounts = Accounts(root)
    accounts.approximately(root.get("a"), "a", "nearly")
    accounts.exactly(root.get("a"), "a", "kept")

    (item,) = accounts.report(source_format="json").items
    assert item.fate is Fate.APPROXIMATELY
