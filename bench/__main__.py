"""Run every benchmark: `make bench`, or `python -m bench [--quick]`; writes RESULTS.md and results.json.

Scenarios are interleaved with the floor, so that a busy machine slows both, and the median of the
rounds counts. Trust the ratios; rates belong to the machine and the minute.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.audit import Rates, audit_rates
from bench.floor import commits_per_second
from bench.house import Bench, chain, opened
from bench.language import Costs, language_costs
from bench.played import PlayedCosts, played_costs
from midwatch.base.classes import EffectClass

HERE = Path(__file__).parent
CHAIN = 100
RUNS, STEPS = 32, 20
Scenario = Callable[[], tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One figure beside its target."""

    name: str
    value: float
    unit: str
    target: float | None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target


def main() -> int:
    """Run, print a table, write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, nothing written")
    parser.add_argument("--only", help="internal: run one scenario, to be counted from outside")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=HERE, prefix=".run-") as folder:
        if options.only:
            with opened(Path(folder)) as bench:
                _scenarios(bench)[options.only]()
            return 0
        results = _measured(Path(folder), rounds=1 if options.quick else 5)
    _print(results)
    if not options.quick:
        _write(results)
    return 0


def _scenarios(bench: Bench) -> dict[str, Scenario]:
    reads, writes = chain(CHAIN, EffectClass.READ), chain(CHAIN, EffectClass.WRITE)
    short = chain(STEPS, EffectClass.READ)
    return {
        "nothing": lambda: (0.0, 0.0),
        "reads": lambda: bench.tasks_per_second(reads),
        "writes": lambda: bench.tasks_per_second(writes),
        "runs": lambda: bench.tasks_per_second(short, runs_count=RUNS),
    }


def _measured(folder: Path, *, rounds: int) -> list[Result]:
    floors: list[float] = []
    rates: dict[str, list[tuple[float, float, float]]] = {"reads": [], "writes": [], "runs": []}
    with opened(folder / "house") as bench:
        scenarios = _scenarios(bench)
        del scenarios["nothing"]
        for scenario in scenarios.values():
            scenario()  # warms caches: plans, schemas, expressions
        for _ in range(rounds):
            for name, scenario in scenarios.items():
                floor = commits_per_second(folder, commits=300)
                floors.append(floor)
                rates[name].append((*scenario(), floor))
    results = [Result(name="floor", value=statistics.median(floors), unit="commits/s", target=None)]
    for name, ratio in (("reads", 0.6), ("writes", 0.45), ("runs", None)):
        found = rates[name]
        results += [
            Result(name=f"{name}: rate", value=_median(one[0] for one in found), unit="tasks/s", target=None),
            Result(
                name=f"{name}: rate / floor",
                value=_median(r / f for r, _, f in found),
                unit="F",
                target=ratio,
            ),
            Result(
                name=f"{name}: CPU",
                value=_median(one[1] for one in found),
                unit="ms/task",
                target=1.5 if name == "runs" else None,
                at_most=True,
            ),
        ]
    results += _fsyncs()
    results += _audited(audit_rates(folder / "audit"))
    return [*results, *_spoken(language_costs()), *_rehearsed(played_costs())]


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _fsyncs() -> list[Result]:
    """Count fsync and fdatasync calls of each scenario from outside, where strace is installed."""
    strace = shutil.which("strace")
    if strace is None:
        print("strace is not installed: fsyncs are not counted", file=sys.stderr)
        return []
    results = []
    for name, tasks in (("reads", CHAIN), ("writes", CHAIN), ("runs", RUNS * STEPS)):
        with tempfile.NamedTemporaryFile() as log:
            trace = ["-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", log.name]
            both = []
            for scenario in ("nothing", name):
                command = [strace, *trace, sys.executable, "-m", "bench", "--only", scenario]
                subprocess.run(command, check=True, cwd=HERE.parent, capture_output=True)
                both.append(Path(log.name).read_text().count("sync("))
        count = (both[1] - both[0]) / tasks
        target = 0.15 if name == "runs" else None
        results.append(
            Result(name=f"{name}: fsyncs", value=count, unit="per task", target=target, at_most=True)
        )
    return results


def _audited(rates: Rates) -> list[Result]:
    return [
        Result(name="verify: hashes alone", value=rates.hashes, unit="events/CPU-s", target=100_000),
        Result(
            name="verify: decoded, folded, compared", value=rates.whole, unit="events/CPU-s", target=20_000
        ),
    ]


def _spoken(costs: Costs) -> list[Result]:
    return [
        Result(name="lint and compile 300 lines", value=costs.lint, unit="CPU-ms", target=50, at_most=True),
        Result(name="lint and compile: expressions known", value=costs.again, unit="CPU-ms", target=None),
        Result(name="lint and compile: YAML library alone", value=costs.yaml, unit="CPU-ms", target=None),
        Result(name="lint and compile: CEL library alone", value=costs.cel, unit="CPU-ms", target=None),
    ]


def _rehearsed(costs: PlayedCosts) -> list[Result]:
    return [
        Result(name="scenarios: 1,000 played", value=costs.play_s, unit="CPU-s", target=10, at_most=True),
        Result(name="scenarios: find, lint, compile", value=costs.gather_s, unit="CPU-s", target=None),
        Result(name="scenarios: YAML library alone", value=costs.yaml_s, unit="CPU-s", target=None),
        Result(name="scenarios: CEL library alone", value=costs.cel_s, unit="CPU-s", target=None),
    ]


def _print(results: list[Result]) -> None:
    for result in results:
        print(_line(result))


def _line(result: Result) -> str:
    sign, met = ("≤" if result.at_most else "≥"), ("met" if result.met else "not met")
    target = "" if result.target is None else f"  target {sign} {result.target:g}: {met}"
    return f"{result.name:<36} {result.value:>12,.3f} {result.unit}{target}"


def _machine() -> str:
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {python}"


def _write(results: list[Result]) -> None:
    record = {
        result.name: {
            "value": round(result.value, 4),
            "unit": result.unit,
            "target": result.target,
            "met": result.met,
        }
        for result in results
    }
    day = datetime.now(tz=UTC).date().isoformat()
    whole = {"command": "make bench", "machine": _machine(), "date": day, "results": record}
    (HERE / "results.json").write_text(json.dumps(whole, indent=2) + "\n")
    lines = [
        "# Results",
        "",
        f"`make bench` on {day}: {_machine()}.",
        "SQLite in WAL mode, synchronous=FULL; gate, ledger, journal, sequencer, budgets on; tools",
        "that do nothing. Median of five rounds, each interleaved with the floor: bare commits of one row of",
        "200 bytes. Trust the ratios.",
        "",
        "| figure | value | unit | target | met |",
        "|---|---|---|---|---|",
    ]
    for result in results:
        target = "" if result.target is None else f"{'≤' if result.at_most else '≥'} {result.target:g}"
        met = {True: "yes", False: "no", None: ""}[result.met]
        lines.append(f"| {result.name} | {result.value:,.3f} | {result.unit} | {target} | {met} |")
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
