"""Tables behave like dictionaries that are copied at each change, and don't get slower with their size."""

from hypothesis import given
from hypothesis import strategies as st

from midwatch.base.table import RECENT_MAX, Table

changes = st.lists(st.tuples(st.integers(0, 200), st.integers()), max_size=4 * RECENT_MAX)


@given(changes)
def test_a_table_holds_what_a_dictionary_would_in_the_same_order(made: list[tuple[int, int]]) -> None:
    table: Table[int, int] = Table()
    wanted: dict[int, int] = {}
    for key, value in made:
        table = table.having(key, value)
        wanted[key] = value
    assert list(table.items()) == list(wanted.items())
    assert list(reversed(table)) == list(reversed(wanted))
    assert len(table) == len(wanted)
    assert dict(table) == wanted


@given(changes, changes)
def test_what_changed_since_is_told(before: list[tuple[int, int]], more: list[tuple[int, int]]) -> None:
    table: Table[int, object] = Table()
    for key, value in before:
        table = table.having(key, [value])
    later = table
    for key, value in more:
        later = later.having(key, [value])
    told = dict(later.changed_since(table))
    assert told == {key: value for key, value in later.items() if table.get(key) is not value}
    assert dict(later.changed_since({})) == dict(later)


def test_a_change_copies_little_however_much_there_is() -> None:
    table: Table[int, int] = Table()
    whole = 0
    for number in range(20_000):
        before = table
        table = table.having(number, number)
        whole += before._old is not table._old
    assert whole == 20_000 // (RECENT_MAX + 1)
