"""Changes of values: what `dataclasses.replace` makes, and errors for what no value has."""

import dataclasses
from typing import Any

import pytest

from midwatch.base.values import changed
from midwatch.run.state import TaskState, TaskStatus

TASK = TaskState(status=TaskStatus.STARTED, attempt=2, n=7)


def test_a_change_is_that_of_the_standard_library_and_leaves_the_value_alone() -> None:
    made = changed(TASK, status=TaskStatus.FAILED, why="it broke")
    assert made == dataclasses.replace(TASK, status=TaskStatus.FAILED, why="it broke")
    assert type(made) is TaskState
    assert TASK.status is TaskStatus.STARTED


def test_a_field_that_no_value_has_is_an_error() -> None:
    wrong: dict[str, Any] = {"nn": 1}
    with pytest.raises(KeyError):
        changed(TASK, **wrong)
