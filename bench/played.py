"""What it costs to play 1,000 scenarios of the examples, beside what the two libraries take to read them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.language import expressions_of, read_yaml
from midwatch.cli.commands.testing.gather import Document, gather
from midwatch.lab.play import play
from midwatch.plan.codec import plan_record
from midwatch.runbook.cel.evaluation import _ENV
from midwatch.wiring.settings import settings

EXAMPLES = Path(__file__).parents[1] / "examples"
SCENARIOS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedCosts:
    """CPU seconds, in one thread."""

    play_s: float
    """For 1,000 scenarios."""
    gather_s: float
    """For all documents, once."""
    yaml_s: float
    cel_s: float


def played_costs() -> PlayedCosts:
    """Play scenarios of every example in turn until there were 1,000."""
    documents: list[Document] = []
    files = sorted(EXAMPLES.glob("*.runbook.md"))
    config = settings(EXAMPLES / "midwatch.toml")
    gather_s = _cpu_s(lambda: documents.extend(gather(config, path) for path in files))
    all_of_them = [(one.playbook, scenario) for one in documents for scenario in one.scenarios]

    def thousand() -> None:
        for number in range(SCENARIOS):
            playbook, scenario = all_of_them[number % len(all_of_them)]
            assert playbook is not None
            assert play(playbook, scenario).ok, scenario.name

    expressions = [
        text for one in documents if one.playbook for text in expressions_of(plan_record(one.playbook.plan))
    ]
    return PlayedCosts(
        play_s=_cpu_s(thousand),
        gather_s=gather_s,
        yaml_s=_cpu_s(lambda: [read_yaml(path.read_bytes()) for path in files]),
        cel_s=_cpu_s(lambda: [_ENV.compile(text, disable_check=True) for text in expressions]),
    )


def _cpu_s(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin
