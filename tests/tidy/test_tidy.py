"""This repository keeps the rules of the house."""

import tomllib
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

import pytest

from tidy import rules
from tidy.rules import Finding

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
PURE = tuple(
    "src/" + name.replace(".", "/") + "/"
    for contract in SETTINGS["tool"]["importlinter"]["contracts"]
    if contract["id"] == "pure"
    for name in contract["source_modules"]
)

ALLOWED: dict[tuple[str, str], str] = {}
"""(rule, place) and the reason. It may only shrink: an entry that is no longer needed fails a test."""

LESSER_LICENCES = {
    "psycopg": "LGPL-3.0, brought by dbos, imported as it is",
    "psycopg-binary": "LGPL-3.0, the compiled part of psycopg",
}
"""Copyleft in the core and why it does not reach Midwatch. It may only shrink."""


def paths() -> Iterator[str]:
    for found in sorted(ROOT.rglob("*")):
        path = found.relative_to(ROOT)
        hidden = any(part.startswith(".") or part in {"__pycache__", "build", "dist"} for part in path.parts)
        if not hidden:
            yield path.as_posix()


def findings() -> Iterator[Finding]:
    existing = frozenset(paths())
    modules: dict[str, list[str]] = {}
    for path in sorted(existing):
        file = ROOT / path
        yield from rules.name_findings(path)
        if path.startswith("src/midwatch/") and file.suffix in {".py", ".sql", ".md", ".toml", ".cedar"}:
            yield from rules.text_findings(path, file.read_text())
        if path.startswith("src/midwatch/") and file.suffix == ".sql":
            yield from rules.sql_findings(path, file.read_text())
        if path.startswith("src/midwatch/") and file.suffix == ".py":
            yield from rules.python_findings(path, file.read_text(), is_pure=path.startswith(PURE))
            if file.name != "__init__.py":
                modules.setdefault(file.parent.relative_to(ROOT).as_posix(), []).append(file.name)
        if file.suffix == ".md" and not path.startswith("tests/"):
            yield from rules.markdown_findings(path, file.read_text(), existing)
        if path.startswith("requirements/"):
            yield from rules.requirement_findings(path, file.read_text())
    yield from rules.package_findings(modules)
    yield from rules.makefile_findings((ROOT / "Makefile").read_text())


@pytest.fixture(scope="module")
def found() -> list[Finding]:
    return list(findings())


def test_no_rule_of_the_house_is_broken(found: list[Finding]) -> None:
    assert [one for one in found if (one.rule, one.place) not in ALLOWED] == []


def test_no_exception_is_kept_that_is_no_longer_needed(found: list[Finding]) -> None:
    assert set(ALLOWED) - {(one.rule, one.place) for one in found} == set()
    assert all(ALLOWED.values())


def test_every_package_has_an_init() -> None:
    folders = {path.parent for path in (ROOT / "src/midwatch").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_core_stays_small() -> None:
    assert len(rules.locked((ROOT / "requirements/core.txt").read_text())) <= rules.DISTRIBUTIONS_MAX
    assert len(SETTINGS["project"]["dependencies"]) <= rules.DEPENDENCIES_MAX


def test_each_lock_pins_what_the_smaller_ones_pin() -> None:
    lines = {
        name: {line.rstrip(" \\") for line in (ROOT / f"requirements/{name}.txt").read_text().splitlines()}
        for name in ("core", "build", "dev")
    }
    assert lines["core"] | lines["build"] <= lines["dev"]


def test_no_dependency_of_the_core_is_under_the_gpl() -> None:
    copyleft = set()
    for name in rules.locked((ROOT / "requirements/core.txt").read_text()):
        about = metadata(name)
        stated = [about["License-Expression"] or about["License"] or "", *about.get_all("Classifier", [])]
        if any("GPL" in words.split("\n", 1)[0] for words in stated):
            copyleft.add(name)
    assert copyleft == set(LESSER_LICENCES)
