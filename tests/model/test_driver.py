"""The real driver, gate and policy under everything that can happen, in any order.

Four shards, so that they run beside each other; each draws its own examples.
"""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from support.machine import WatchMachine

SHARDS = 4
EXAMPLES = 75
EXAMPLES_AT_NIGHT = 5_000
STEPS = 40


def run_model(examples: int) -> None:
    run_state_machine_as_test(
        WatchMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("shard", range(SHARDS))
def test_whatever_happens_every_promise_holds_and_every_run_ends(shard: int) -> None:
    run_model(EXAMPLES)


@pytest.mark.nightly
def test_whatever_happens_all_night_every_promise_holds_and_every_run_ends() -> None:
    run_model(EXAMPLES_AT_NIGHT)
