"""The lists of the reference pages are those of the code, in its order where it has one."""

import re

from docs.pages import ROOT, blocks, table_column
from midwatch.adapters import config
from midwatch.adapters.tools.builtin import BUILTINS
from midwatch.adapters.tools.manifests import SCHEMA
from midwatch.base.classes import EffectClass, RetryClass
from midwatch.journal.codec import REGISTRY
from midwatch.journal.events import Envelope
from midwatch.plan.model import Aggregate, HitPolicy
from midwatch.policy.rules import Rules
from midwatch.runbook.table import AGGREGATES
from midwatch.runbook.unary import unary_test
from midwatch.wiring.force import shipped_policy

REFERENCE = ROOT / "docs/reference"
SOURCES = ROOT / "src/midwatch"
ENVIRONMENT = re.compile(r"environ\.get\(\s*\"(\w+)\"")


def test_the_keys_of_manifests() -> None:
    page = REFERENCE / "manifests.md"
    assert set(table_column(page, "Keys")) == set(SCHEMA["properties"])
    required = set(re.findall(r"^\| `([^`]+)` \| yes \|", page.read_text(), re.MULTILINE))
    assert required == set(SCHEMA["required"])
    assert table_column(page, "Effect classes") == [each.value for each in EffectClass]
    assert table_column(page, "Retry classes") == [each.value for each in RetryClass]


def test_what_runs_can_name() -> None:
    page = (REFERENCE / "manifests.md").read_text().partition("## What `runs` can name")[2]
    listed = dict(re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", page, re.MULTILINE))
    listed.pop("runs", None)
    assert listed == {name: built.floor.value for name, built in BUILTINS.items()}


def test_the_keys_of_the_configuration() -> None:
    assert table_column(REFERENCE / "configuration.md", "Keys of `midwatch.toml`") == list(config._KEYS)


def test_the_environment_variables() -> None:
    read = {name for path in SOURCES.rglob("*.py") for name in ENVIRONMENT.findall(path.read_text())}
    assert set(table_column(REFERENCE / "configuration.md", "Environment variables")) == read


def test_the_fields_of_the_envelope() -> None:
    fields = {*Envelope.__dataclass_fields__, "v"}
    assert set(table_column(REFERENCE / "journal.md", "The envelope")) == fields


def test_the_types_of_events() -> None:
    assert table_column(REFERENCE / "journal.md", "Types of events") == list(REGISTRY)


def test_the_hit_policies_and_aggregates() -> None:
    page = REFERENCE / "tables.md"
    assert table_column(page, "Hit policies") == [each.value for each in HitPolicy]
    assert table_column(page, "Aggregates") == [each.value for each in Aggregate]
    signs = re.findall(r"^\| `\w+` \| `(.)` \|", page.read_text(), re.MULTILINE)
    assert {AGGREGATES[sign] for sign in signs} == {each.value for each in Aggregate}


def test_every_cell_that_the_page_shows_is_a_test() -> None:
    section = (REFERENCE / "tables.md").read_text().partition("\n## Tests\n")[2].partition("\n## ")[0]
    columns = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    cells = [cell for column in columns for cell in re.findall(r"`([^`]+)`", column)]
    assert len(cells) > 20
    for cell in cells:
        assert unary_test(cell).items or cell == "-"


def test_the_facts_of_the_gate() -> None:
    schema = shipped_policy()[1]
    call = re.search(r"type Call = \{(.*?)\n\};", schema, re.DOTALL)
    assert call is not None
    facts = re.findall(r"^  (\w+):", call[1], re.MULTILINE)
    assert table_column(REFERENCE / "policy.md", "Facts of a call") == facts


def test_the_rules_that_ship() -> None:
    rules = re.findall(r"@id\(\"([^\"]+)\"\)\n@says\(\"([^\"]+)\"\)", shipped_policy()[0])
    page = (REFERENCE / "policy.md").read_text().partition("## Rules that ship")[2]
    assert re.findall(r"^\| `([^`]+)` \| (.+) \|$", page, re.MULTILINE) == rules


def test_the_rule_on_the_page_can_be_added_to_those_that_ship() -> None:
    policies, schema = shipped_policy()
    for block in blocks(REFERENCE / "policy.md"):
        if block.language == "cedar":
            Rules.load(f"{policies}\n{block.text}", schema, file="policy.md")
