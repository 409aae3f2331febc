"""What a newcomer does, from the first watch to a verified effect and back."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import midwatch.verify_journal
from e2e.machine import Machine

KEY = Path(".ssh/id_ed25519")
CACHE = Path(".cache/pip")


@pytest.fixture(scope="module")
def stood(tmp_path_factory: pytest.TempPathFactory) -> tuple[Machine, dict[str, Any]]:
    """A machine on which a practice watch was stood and approved, with what `approve --json` said."""
    machine = Machine(tmp_path_factory.mktemp("stood"))
    question = machine.practice()["questions"][0]
    record: dict[str, Any] = machine.ok("approve", question["approval"], "--json").json
    return machine, record


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_was_approved_was_done_and_read_back(stood: tuple[Machine, dict[str, Any]]) -> None:
    machine, record = stood
    assert record["outcome"] == "resolved"
    assert {effect["status"] for effect in record["effects"]} == {"verified"}
    assert record["cost_micro_usd"] == 0
    assert not (machine.planted / CACHE).exists()
    assert mode_of(machine.planted / KEY) == 0o600


def test_the_journal_verifies_after_it(stood: tuple[Machine, dict[str, Any]]) -> None:
    machine, record = stood
    assert record["journal"]["verified"] is True
    found = machine.ok("audit", "verify", "--json").json
    assert found["whole"] is True
    assert found["sealed"] == found["events"]


def test_why_names_the_evidence(stood: tuple[Machine, dict[str, Any]]) -> None:
    machine, record = stood
    key = next(effect["key"] for effect in record["effects"] if effect["task"] == "tighten")
    told = machine.ok("why", key).out
    assert "person:" in told
    assert "keys.fixable_count = 1" in told


def test_a_task_and_the_newest_run_can_be_asked_about(stood: tuple[Machine, dict[str, Any]]) -> None:
    machine, record = stood
    assert machine.ok("why", "--json").json["kind"] == "run"
    assert machine.ok("why", f"{record['run']}/caches", "--json").json["kind"] == "task"


def test_a_prefix_of_an_id_will_do(stood: tuple[Machine, dict[str, Any]]) -> None:
    machine, record = stood
    assert machine.ok("show", record["run"][:6], "--json").json["run"] == record["run"]


def test_an_export_verifies_on_its_own(stood: tuple[Machine, dict[str, Any]], tmp_path: Path) -> None:
    machine, _ = stood
    file = tmp_path / "journal.jsonl"
    machine.ok("audit", "export", str(file))
    checked = subprocess.run(
        [sys.executable, midwatch.verify_journal.__file__, str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert machine.run("audit", "export", str(file)).code == 1  # never over a file


def test_a_witness_remembers_the_head(stood: tuple[Machine, dict[str, Any]], tmp_path: Path) -> None:
    machine, _ = stood
    file = tmp_path / "witness"
    machine.ok("audit", "witness", str(file))
    assert machine.ok("audit", "verify", "--witness", str(file), "--json").json["whole"] is True
    file.write_text("{}\n")
    refused = machine.run("audit", "verify", "--witness", str(file))
    assert (refused.code, "MW211" in refused.err) == (1, True)


def test_a_second_yes_does_nothing_more(stood: tuple[Machine, dict[str, Any]]) -> None:
    machine, record = stood
    (approval,) = record["approvals"]
    events = machine.ok("audit", "verify", "--json").json["events"]
    again = machine.run("approve", approval)
    assert "gave this answer before" in again.out or "MW4" in again.err
    after = machine.ok("show", record["run"], "--json").json
    assert after["effects"] == record["effects"]
    assert machine.ok("audit", "verify", "--json").json["events"] <= events + 1


def test_undo_puts_the_machine_back(machine: Machine) -> None:
    record = machine.practice()
    machine.ok("approve", record["questions"][0]["approval"])
    undone = machine.ok("undo", record["run"], "--json").json
    assert (machine.planted / CACHE / "http" / "0000.body").exists()
    assert mode_of(machine.planted / KEY) == 0o644
    assert sorted(undone["undone"]) == sorted(effect["key"] for effect in record["effects"])
    assert machine.ok("audit", "verify", "--json").json["whole"] is True
    again = machine.run("undo", record["run"])
    assert (again.code, "MW612" in again.err) == (1, True)


def test_what_was_purged_can_not_be_put_back(machine: Machine) -> None:
    record = machine.practice()
    machine.ok("approve", record["questions"][0]["approval"])
    unsure = machine.run("purge")
    assert (unsure.code, "MW947" in unsure.err) == (1, True)
    assert str(machine.planted / CACHE) in unsure.out
    purged = machine.ok("purge", "--yes", "--json").json
    assert purged["outcome"] == "resolved"
    assert "Nothing lies in quarantine" in machine.ok("purge").out
    undone = machine.run("undo", record["run"], "--json")
    assert mode_of(machine.planted / KEY) == 0o644, "what can still be undone is undone"
    assert undone.code == 5


def test_a_no_changes_nothing(machine: Machine) -> None:
    record = machine.practice()
    approval = record["questions"][0]["approval"]
    assert machine.run("deny", approval).code == 2, "a no has a reason"
    denied = machine.ok("deny", approval, "-m", "not tonight", "--json").json
    assert (denied["outcome"], denied["rests"]) == ("no_action", "ended")
    assert (machine.planted / CACHE).exists()
    assert mode_of(machine.planted / KEY) == 0o644
    assert "not tonight" in machine.ok("show", approval).out
    late = machine.run("approve", approval)
    assert (late.code, "MW4" in late.err) == (1, True)


def test_an_unknown_question_is_said_to_be_unknown(machine: Machine) -> None:
    machine.practice()
    refused = machine.run("approve", "a-000000")
    assert machine.ok("status", "--json").json["unsealed"] == 0
    assert (refused.code, "MW611" in refused.err) == (1, True)


def test_without_a_terminal_it_says_everything_and_leaves_the_run_parked(machine: Machine) -> None:
    said = machine.ok("start", "--practice")
    assert "PRACTICE" in said.out
    assert f"rm -rf {machine.state}" in said.out
    assert "No model is configured" in said.out
    assert "midwatch approve a-" in said.out
    assert "verified" in said.out.splitlines()[-1]
    assert "\x1b" not in said.out
    waiting = machine.ok("status", "--json").json
    assert [run["status"] for run in waiting["runs"]] == ["waiting"]
    again = machine.ok("start", "--practice")
    assert "waits for an answer" in again.out
    assert len(machine.ok("runs", "--json").json["runs"]) == 1


def test_the_real_watch_reads_this_host_and_leaves_a_verified_journal(machine: Machine) -> None:
    record = machine.ok("start", "--json").json
    assert record["practice"] is False
    assert record["journal"]["verified"] is True
    assert record["rests"] in {"ended", "asks"}
    shown = machine.ok("show", record["run"], "--json").json
    assert sum(1 for task in shown["tasks"] if task["status"] == "succeeded") >= 10


def test_observing_touches_nothing_and_asks_nobody(machine: Machine) -> None:
    record = machine.run("start", "--practice", "--mode", "observe", "--json").json
    assert record["questions"] == []
    assert (machine.planted / CACHE).exists()


def test_proposing_shows_a_card_of_what_would_have_run_that_nobody_can_answer(machine: Machine) -> None:
    record = machine.run("start", "--practice", "--mode", "propose", "--json").json
    assert (record["outcome"], record["questions"]) == ("no_action", [])
    (approval,) = record["approvals"]
    shown = machine.ok("show", approval).out
    assert "WHAT WOULD HAVE RUN" in shown
    assert "nothing to answer" in shown
    assert "midwatch approve" not in shown
    assert "MW401" in machine.run("approve", approval).err
    assert mode_of(machine.planted / KEY) == 0o644


def test_a_new_watch_takes_the_place_of_the_old_one(machine: Machine) -> None:
    first = machine.practice()
    second = machine.ok("start", "--practice", "--new", "--json").json
    assert second["run"] != first["run"]
    rows = machine.ok("runs", "--json").json["runs"]
    assert {row["run"]: row["outcome"] for row in rows} == {first["run"]: "cancelled", second["run"]: ""}


def test_init_writes_what_lint_and_start_take(machine: Machine) -> None:
    machine.ok("init")
    assert "kept" in machine.ok("init").out
    reports = machine.ok("lint", "runbooks/disk-space.runbook.md", "--json").json["reports"]
    assert reports[0]["errors"] == 0
    record = machine.run("start", "disk-space", "--json").json
    assert record["runbook"] == "disk-space"
    assert machine.ok("doctor", "--json").json["ok"] is True


def test_every_list_is_json_where_it_is_asked_for(stood: tuple[Machine, dict[str, Any]]) -> None:
    machine, record = stood
    for args in (["runs"], ["status"], ["show", record["run"]], ["why", record["run"]], ["doctor"]):
        json.loads(machine.run(*args, "--json").out)
