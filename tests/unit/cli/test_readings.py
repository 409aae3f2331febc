"""What a reading says in a few words, whatever part of it a task keeps."""

from midwatch.cli.standing.readings import evidence, phrase, phrase_of_items


def test_a_task_that_keeps_only_some_fields_shows_those() -> None:
    assert phrase("host.filesystems", {"used_pct": 81.5}) == "used_pct 81.5"
    assert evidence("host.processes", {"zombies": 0}) == ()


def test_a_task_that_ran_once_for_each_item_says_how_many() -> None:
    assert phrase_of_items({"items": [{}, {}], "failed": []}) == "2 readings"
    assert phrase_of_items({"items": [{}], "failed": [{"index": 1}]}) == "1 reading, 1 failed"
