"""One call of the command line in this process."""

import json
from typing import Any, NamedTuple

import pytest

from midwatch.cli.wall import run


class Said(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def call(capsys: pytest.CaptureFixture[str], *args: object) -> Said:
    capsys.readouterr()
    code = run([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return Said(code, out, err)
