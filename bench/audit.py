"""How fast a journal is verified: hashes alone, and decoded, folded and compared with every table."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.house import chain, opened
from midwatch.app.audit import audit
from midwatch.app.house import House
from midwatch.app.watch import seal_pending
from midwatch.base.classes import EffectClass

BATCHES = 3
RUNS = 25
STEPS = 40
ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Events per CPU-second, the best of the rounds."""

    hashes: float
    whole: float


def audit_rates(folder: Path) -> Rates:
    """Fill a journal with real runs, reads and writes, and verify it in both ways."""
    with opened(folder) as bench:
        for effect in (EffectClass.READ, EffectClass.WRITE):
            plan = chain(STEPS, effect)
            for _ in range(BATCHES):
                bench.tasks_per_second(plan, runs_count=RUNS)
        seal_pending(bench.house)
        hashes = max(_rate(lambda: _checked(bench.house, hashes_only=True)) for _ in range(ROUNDS))
        whole = max(_rate(lambda: _checked(bench.house, hashes_only=False)) for _ in range(ROUNDS))
    return Rates(hashes=hashes, whole=whole)


def _checked(house: House, *, hashes_only: bool) -> int:
    found = audit(house, hashes_only=hashes_only)
    if found.findings:
        raise AssertionError(f"the journal of the benchmark is broken: {found.findings[0]}")
    return found.journal.events


def _rate(verify: Callable[[], int]) -> float:
    begin = time.process_time()
    events = verify()
    return events / (time.process_time() - begin)
