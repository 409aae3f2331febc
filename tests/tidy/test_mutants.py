"""Planted violations: a rule that would let them pass is no rule."""

import pytest

from tidy import rules

EXISTING = frozenset({"README.md", "docs", "docs/adr", "docs/adr/0001-journal.md", "LICENSE"})


def body(lines: int) -> str:
    return "def f() -> None:\n" + "    x = 1\n" * lines


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        ("module-lines", "a/b.py", "x = 1\n" * 401),
        ("function-lines", "a/b.py", body(60)),
        ("function-lines", "a/b.py", "class A:\n    async def f(self) -> None:\n" + "        x = 1\n" * 60),
        ("parameters", "a/b.py", "def f(a, b, c, d, e, f): ..."),
        ("parameters", "a/b.py", "class A:\n    def f(self, a, b, c, /, d, e, f): ..."),
        ("pure-async", "a/b.py", "async def f() -> None: ..."),
        ("dataclass", "a/b.py", "@dataclass\nclass A:\n    x: int"),
        ("dataclass", "a/b.py", "@dataclass(frozen=True, slots=True)\nclass A:\n    x: int"),
        (
            "dataclass",
            "a/b.py",
            "@dataclasses.dataclass(frozen=False, slots=True, kw_only=True)\nclass A: ...",
        ),
        ("init-docstring", "a/__init__.py", ""),
        ("init-docstring", "a/__init__.py", '"""One.\n\nThree.\n"""'),
        ("sql-clock", "a/b.py", 'run("UPDATE runs SET at = now()")'),
        ("sql-clock", "a/b.py", "run(f\"SELECT {x}, datetime('now')\")"),
        ("sql-clock", "a/b.py", 'run("at INTEGER DEFAULT CURRENT_TIMESTAMP")'),
        ("sql-clock", "a/b.py", "insert(runs).values(at=func.now())"),
    ],
)
def test_a_module_that_breaks_a_rule_is_found(rule: str, path: str, text: str) -> None:
    assert rule in {one.rule for one in rules.python_findings(path, text, is_pure=True)}


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n" * 400,
        body(59),
        "def f(a, b, c, d, e, *, g, h): ...",
        "class A:\n    def f(self, a, b, c, d, e): ...",
        "@dataclass(frozen=True, slots=True, kw_only=True)\nclass A:\n    x: int",
        "@dataclass\nclass _A:\n    x: int",
        'def f() -> None:\n    """Unlike now(), it is given the time."""',
        'known = "knownow(), nowhere"',
    ],
)
def test_a_tidy_module_passes(text: str) -> None:
    assert list(rules.python_findings("a/b.py", text, is_pure=True)) == []


@pytest.mark.parametrize("text", ["# TODO: later", "x = 1  # FIXME", "see XXX here"])
def test_what_is_left_open_is_found(text: str) -> None:
    assert [one.rule for one in rules.text_findings("a.py", text)] == ["left-open"]


@pytest.mark.parametrize("path", ["src/utils.py", "src/helpers/time.py", "a/manager.py", "misc.md"])
def test_a_vague_name_is_found(path: str) -> None:
    assert [one.rule for one in rules.name_findings(path)] == ["vague-name"]


def test_a_crowded_package_is_found() -> None:
    crowd = {"a": [str(n) for n in range(13)], "b": [str(n) for n in range(12)]}
    assert [one.place for one in rules.package_findings(crowd)] == ["a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# One\n\n[a](docs/adr/0001-journal.md#why) [b](https://x.test) [c](#here) [d](/LICENSE)", []),
        ("# One\n\n```sh\n# a comment\n[x](nowhere)\n```\n`[y](nowhere)`", []),
        ("no title", ["one-title"]),
        ("# One\n\n# Two", ["one-title"]),
        ("# One\n\n[a](docs/adr/0002-gone.md)", ["dead-link"]),
        ("# One\n\n![a](picture.png)", ["dead-link"]),
    ],
)
def test_titles_and_links_are_checked(text: str, expected: list[str]) -> None:
    assert [one.rule for one in rules.markdown_findings("README.md", text, EXISTING)] == expected


def test_links_are_resolved_from_their_own_folder() -> None:
    text = "# One\n\n[up](../../README.md) [beside](0001-journal.md) [gone](README.md)"
    assert [one.found for one in rules.markdown_findings("docs/adr/0001-journal.md", text, EXISTING)] == [
        "README.md"
    ]


def test_makefile_targets_are_counted_and_explained() -> None:
    many = "".join(f"{chr(97 + n) * 2}: ## it\n" for n in range(13))
    assert [one.rule for one in rules.makefile_findings(many)] == ["make-targets"]
    assert [one.rule for one in rules.makefile_findings("aa: bb\nX := 1\n.PHONY: aa\nbb: ## it\n")] == [
        "make-help"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://index.example/simple",
        "--find-links wheels",
        "thing @ https://host.example/thing.whl",
        "thing @ file:///tmp/thing.whl",
        "-e .",
        "./thing.whl",
        "# compiled in /home/someone by uv",
        "thing>=1",
        "    --hash=md5:abc",
    ],
)
def test_an_address_in_a_lock_file_is_found(line: str) -> None:
    assert [one.rule for one in rules.requirement_findings("core.txt", line)] == ["lock-line"]


def test_a_locked_line_passes() -> None:
    text = "a-b==1.2.post1+x \\\n    --hash=sha256:" + "0" * 64 + "\n"
    text += "cffi==2.1 ; platform_python_implementation != 'PyPy' and (os_name == 'nt') \\\n"
    assert list(rules.requirement_findings("core.txt", text)) == []
    assert rules.locked(text) == ["a-b", "cffi"]
