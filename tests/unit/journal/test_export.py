import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import midwatch.verify_journal
from midwatch.base.units import EpochMs
from midwatch.journal.chain import ChainBrokenError
from midwatch.journal.checkpoint import witness_line
from midwatch.journal.export import export_lines
from midwatch.verify_journal import main
from unit.journal.made_journal import VERIFIER, MadeJournal, key_of, made_journal

SOURCE = Path(midwatch.verify_journal.__file__)
Shown = pytest.CaptureFixture[str]


def lines_of(journal: MadeJournal, *, erased: bool = False) -> list[str]:
    return list(
        export_lines(
            journal.rows,
            checkpoints=journal.checkpoints,
            verifier=VERIFIER,
            key_of=(lambda _subject: None) if erased else key_of,
        )
    )


def written(folder: Path, lines: list[str], name: str = "export.jsonl") -> str:
    path = folder / name
    path.write_text("".join(lines), encoding="utf-8")
    return str(path)


def witness_of(journal: MadeJournal) -> str:
    return witness_line(journal.checkpoints[-1][1], verifier=VERIFIER, at_ms=EpochMs(0))


def test_the_format_is_a_header_events_and_checkpoints() -> None:
    lines = [json.loads(line) for line in lines_of(made_journal(1))]
    assert lines[0] == {"midwatch_export": 1, "origin": "midwatch/0123abcd", "vkey": VERIFIER}
    assert lines[1].keys() == {"stream", "n", "idx", "leaf", "leaf_hash", "salt", "payload"}
    assert json.loads(lines[1]["payload"])["actor"] == "person:ada"
    assert lines[8].keys() == {"checkpoint"}
    assert len(lines) == 9


def test_a_broken_journal_is_not_exported() -> None:
    from dataclasses import replace

    journal = made_journal(1)
    row = journal.rows[2]
    journal.rows[2] = replace(row, entry=replace(row.entry, at_ms=EpochMs(1)))
    with pytest.raises(ChainBrokenError):
        lines_of(journal)


def test_the_verifier_runs_alone_without_midwatch(tmp_path: Path) -> None:
    program = tmp_path / "verify_journal.py"
    program.write_bytes(SOURCE.read_bytes())
    assert "import midwatch" not in program.read_text()
    assert "from midwatch" not in program.read_text()
    journal = made_journal(40)
    done = subprocess.run(
        [sys.executable, "-I", str(program), written(tmp_path, lines_of(journal)),
         "--witness", written(tmp_path, [witness_of(made_journal(3))], "witness"), "--vkey", VERIFIER],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("OK 280 events in 3 streams, 280 payloads checked, 0 withheld or erased")
    assert done.stdout.endswith("1 remembered heads agree\n")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_verifier_is_short_enough_to_be_read() -> None:
    assert len(SOURCE.read_text().splitlines()) < 300


def test_erased_and_unsealed_events_are_told(tmp_path: Path, capsys: Shown) -> None:
    journal = made_journal(2)
    journal.append("run/r-1")
    assert main([written(tmp_path, lines_of(journal, erased=True))]) == 0
    assert "0 payloads checked, 15 withheld or erased, 1 not sealed yet" in capsys.readouterr().out


Change = Callable[[list[str]], None]


def replaced(at: int, old: str, new: str) -> Change:
    def change(lines: list[str]) -> None:
        assert old in lines[at]
        lines[at] = lines[at].replace(old, new)

    return change


def removed(at: int) -> Change:
    return lambda lines: lines.__delitem__(at)


def moved(at: int, to: int) -> Change:
    return lambda lines: lines.insert(to, lines.pop(at))


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (replaced(0, '"midwatch_export":1', '"midwatch_export":2'), 1, "version 1"),
        (replaced(0, "midwatch/0123abcd+", "midwatch/0123abce+"), 1, "verifier key"),
        (replaced(0, '"origin":"midwatch', '"origin":"midwitch'), 1, "origin"),
        (replaced(5, '\\"type_v\\":1', '\\"type_v\\": 1'), 6, "canonical"),
        (replaced(5, '\\"type\\":\\"task', '\\"type\\":\\"risk'), 6, "leaf_hash isn't the hash"),
        (replaced(5, "person:ada", "person:eve"), 6, "payload of run/r-2#2 isn't the one"),
        (replaced(5, '"salt":"', '"salt":"zz'), 6, "hexadecimal"),
        (replaced(5, '"n":2', '"n":3'), 6, "the leaf at run/r-2#3 is that of run/r-2#2"),
        (replaced(5, '"idx":4', '"idx":3'), 6, "position 3 of the event on line 5"),
        (replaced(5, '"idx":4', '"idx":"4"'), 6, "isn't a number"),
        (replaced(5, '"idx":4', '"idx":99'), 0, "no event has position 4"),
        (replaced(5, '"idx":4,', ""), 6, "missing or unknown fields"),
        (replaced(5, '"idx":4', '"idx":4,"more":1'), 6, "missing or unknown fields"),
        (replaced(5, '"stream"', "stream"), 6, "isn't JSON"),
        (replaced(5, '"leaf":"', '"leaf":7,"l":"'), 6, "leaf is missing"),
        (removed(5), 6, "run/r-2#3 comes after run/r-2#1"),
        (removed(7), 14, "policy#2 comes after policy#0"),
        (removed(28), 32, "says 28 events, and the log has 27"),
        (moved(5, 6), 6, "comes after"),
        (removed(-1), 23, "no checkpoint covers"),
        (replaced(-1, "\\n28\\n", "\\n27\\n"), 33, "isn't signed"),
        (replaced(-1, '"checkpoint":"midwatch', '"checkpoint":"midwitch'), 33, "isn't a checkpoint of"),
        (moved(-1, -2), 32, "out of order"),
        (moved(28, 31), 32, "comes after the checkpoints"),
        (lambda lines: lines.clear(), 0, "empty"),
    ],
)
def test_what_is_broken_is_named_by_file_and_line(
    change: Change, line: int, says: str, tmp_path: Path, capsys: Shown
) -> None:
    lines = lines_of(made_journal(4))
    change(lines)
    path = written(tmp_path, lines)
    assert main([path]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith(f"BROKEN {path}:{line}: ")
    assert says in shown


def test_any_flipped_bit_of_an_export_is_found(tmp_path: Path, capsys: Shown) -> None:
    data = "".join(lines_of(made_journal(1))).encode()
    path = tmp_path / "export.jsonl"
    unfound = []
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        if main([str(path)]) == 0:
            unfound.append(at)
    assert unfound == []


def test_a_rebuilt_export_is_whole_alone_and_broken_beside_its_witness(tmp_path: Path, capsys: Shown) -> None:
    rebuilt = written(tmp_path, lines_of(made_journal(8, word="b")))
    witness = written(tmp_path, [witness_of(made_journal(4))], "witness")
    assert main([rebuilt]) == 0
    assert "no witness" in capsys.readouterr().out
    assert main([rebuilt, "--witness", witness]) == 1
    assert f"{witness}:1: the first 28 events aren't those" in capsys.readouterr().out


def test_a_cut_export_is_whole_alone_and_broken_beside_its_witness(tmp_path: Path, capsys: Shown) -> None:
    cut = written(tmp_path, lines_of(made_journal(3)))
    witness = written(tmp_path, [witness_of(made_journal(2)), witness_of(made_journal(4))], "witness")
    assert main([cut]) == 0
    assert main([cut, "--witness", witness]) == 1
    assert f"{witness}:2: the witness remembers 28 events, the log has 21: cut off" in capsys.readouterr().out


def test_another_key_than_the_expected_is_named(tmp_path: Path, capsys: Shown) -> None:
    assert main([written(tmp_path, lines_of(made_journal(1))), "--vkey", "other+1+2"]) == 1
    assert "not other+1+2" in capsys.readouterr().out


def test_a_file_that_is_no_witness_is_named(tmp_path: Path, capsys: Shown) -> None:
    export = written(tmp_path, lines_of(made_journal(1)))
    for content in ([], ["[]\n"], ["{}\n"]):
        assert main([export, "--witness", written(tmp_path, content, "witness")]) == 1
    assert capsys.readouterr().out.count("BROKEN") == 3


def test_a_file_that_is_not_there_or_not_text_exits_2(tmp_path: Path, capsys: Shown) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert main([str(tmp_path / "nothing")]) == main([str(tmp_path / "binary")]) == 2
    assert capsys.readouterr().out.count("CAN'T READ") == 2
