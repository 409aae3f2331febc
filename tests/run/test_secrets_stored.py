"""A secret reaches its tool, and nothing that is kept: no file, event, card, error or explanation."""

from dataclasses import replace
from pathlib import Path

from crash.worker import config
from midwatch.app.answer import Attempt, answer
from midwatch.app.drive.driver import Driver
from midwatch.app.start import StartRequest, start_run
from midwatch.base.classes import EffectClass, Mode, RetryClass
from midwatch.base.ids import ApprovalId, Principal, RunId, TaskName, ToolName, run_stream
from midwatch.insight.narrate import story
from midwatch.journal.chain import open_entry
from midwatch.journal.sealing import unseal_blob
from midwatch.plan.model import Plan, PlanTask, PlanTool, TaskKind
from midwatch.wiring.opening import Opened, opened_house
from support.houses import TOOL, plan_of
from support.kinds import SUBJECT

SECRET = "hunter2-correct-horse"
MANIFEST = """
tool = "test.login"
summary = "Logs in, and tells the world about it."
major = 1
effect = "write"
retry = "unsafe"
runs = "command"
programs = ["sh"]
target = "thing:{argv}"

[arguments]
type = "object"
additionalProperties = false

[arguments.properties.argv]

[arguments.properties.environment]
type = "object"
additionalProperties = { type = "string", format = "secret" }
"""


def the_plan(opened: Opened, script: str, token: str = "secret:DB") -> Plan:
    manifest = opened.house.tools.manifests[ToolName("test.login")]
    tool = PlanTool(
        tool=manifest.tool,
        manifest=manifest.digest,
        effect=EffectClass.WRITE,
        retry=RetryClass.UNSAFE,
        args={},
        literals={"argv": ["sh", "-c", script], "environment": {"TOKEN": token}},
        labels={"argv": TOOL, "environment": TOOL},
        target=manifest.target,
    )
    task = PlanTask(name=TaskName("login"), title="Log in", kind=TaskKind.COMMAND, prose="", call=tool)
    return replace(plan_of(task, mode=Mode.AUTO), mode=Mode.AUTO)


def kept(opened: Opened, plan: Plan, run: RunId) -> str:
    """Return everything that is kept of a run, opened, as one text."""
    house = opened.house
    key = house.keys.subject_key(SUBJECT, create=False)
    assert key is not None
    events = [open_entry(entry, key) for entry in house.store.entries(run_stream(run))]
    cards = [
        unseal_blob(asked.card, blob.sealed, key=key)
        for asked in (event.payload for event in events)
        if hasattr(asked, "card") and (blob := house.store.blob(asked.card)) is not None
    ]
    lines = [line.text for line in story(plan, events)]
    return repr((events, cards, lines))


def played(folder: Path, script: str, *, token: str = "secret:DB") -> str:
    tools = folder / "tools"
    tools.mkdir()
    (tools / "login.toml").write_text(MANIFEST)
    file = folder / "secrets.toml"
    file.write_text(f'DB = "{SECRET}"')
    file.chmod(0o600)
    with opened_house(replace(config(folder), secrets_file=file), need_engine=True) as opened:
        plan = the_plan(opened, script, token)
        asked_by = Principal("system:start")
        run = start_run(opened.house, StartRequest(plan=plan, inputs={}, initiator=asked_by))
        driver = Driver(opened.house)
        driver(run)
        for asked in opened.house.store.approval_rows(only_open=True):
            approve(opened, asked.approval)
            driver(run)
        text = kept(opened, plan, run)
    for path in folder.rglob("*"):
        if path.is_file() and path != file:
            assert SECRET.encode() not in path.read_bytes(), path
    assert SECRET not in text
    return text


def approve(opened: Opened, approval: ApprovalId) -> None:
    attempt = Attempt(approval=approval, answer="approve", os_user=opened.os_user, surface="test")
    answer(opened.house, attempt)


def test_what_a_tool_says_of_its_secret_is_kept_as_the_handle(tmp_path: Path) -> None:
    text = played(tmp_path, 'printf %s "$TOKEN" | wc -c; echo "in as $TOKEN"; echo "$TOKEN" >&2')
    assert f"{len(SECRET)}\\nin as secret:DB" in text or f"{len(SECRET)}\\\\nin as secret:DB" in text


def test_a_handle_that_nobody_knows_sends_nothing(tmp_path: Path) -> None:
    text = played(tmp_path, "echo sent > $0", token="secret:OTHER")
    assert "MW640" in text
