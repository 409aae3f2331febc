"""Manifests: what ships, what an operator adds, what is refused."""

from pathlib import Path

import pytest

from midwatch.adapters.tools.builtin import BUILTINS, function_of
from midwatch.adapters.tools.errors import ManifestError, ManifestTwiceError
from midwatch.adapters.tools.manifests import load_manifest, load_manifests
from midwatch.base.classes import EffectClass, RetryClass
from midwatch.base.ids import ToolName

GOOD = """
tool = "web.restart"
summary = "Restarts the web server."
major = 1
effect = "write"
retry = "unsafe"
runs = "command"
programs = ["systemctl"]
[labels]
"*" = "tool/internal"
[arguments]
type = "object"
additionalProperties = false
"""


def test_every_shipped_tool_is_carried_out_by_something() -> None:
    manifests = load_manifests()
    assert {manifest.runs for manifest in manifests.values()} == set(BUILTINS)
    for manifest in manifests.values():
        assert callable(function_of(manifest.runs))
        assert manifest.label_of("*").confidentiality
        assert manifest.arguments["additionalProperties"] is False
        assert set(manifest.labels) <= {"*", *manifest.out.get("properties", {})}


def test_what_acts_says_so() -> None:
    manifests = load_manifests()
    acting = {
        name: manifest for name, manifest in manifests.items() if manifest.effect is not EffectClass.READ
    }
    files = {"files.chmod", "files.purge", "files.quarantine", "files.restore"}
    assert set(acting) == {"command.write", "http.request", *files}
    assert acting[ToolName("files.quarantine")].retry is RetryClass.KEYED
    assert acting[ToolName("files.purge")].effect is EffectClass.IRREVERSIBLE
    assert all(manifest.undone_by in {"", *manifests} for manifest in manifests.values())


def test_an_operator_adds_tools(tmp_path: Path) -> None:
    (tmp_path / "restart.toml").write_text(GOOD)
    manifest = load_manifests([tmp_path, tmp_path / "missing"])[ToolName("web.restart")]
    assert manifest.programs == ("systemctl",)
    assert manifest.timeout_ms == 30_000


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("major = 1", "major = ", "this is not TOML"),
        ("major = 1", "major = 0", "major"),
        ("major = 1", "majr = 1", "major"),
        ("major = 1", "major = 1\ncolour = 1", "colour"),
        ('effect = "write"', 'effect = "maybe"', "effect"),
        ('"tool/internal"', '"tool"', "labels"),
        ("additionalProperties = false", "", "additionalProperties"),
        (
            "additionalProperties = false",
            'additionalProperties = false\nproperties = {a = {type = "int"}}',
            "arguments",
        ),
        (
            "additionalProperties = false",
            'additionalProperties = false\nproperties = {a = {"$ref" = "https://example.org/s"}}',
            "$ref",
        ),
        ('runs = "command"', 'runs = "shell"', "shell"),
        ('runs = "command"', 'runs = "files.purge"', "irreversible"),
        ('runs = "command"', 'runs = "files.chmod"', "programs"),
        ("major = 1", 'major = 1\ntext_argument = "sql"', "sql"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ManifestError) as raised:
        load_manifest(path)
    assert said in str(raised.value)
    assert raised.value.place.startswith(str(path))


def test_a_misspelt_manifest_is_placed_by_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('tool = "a"\nsummary = \n')
    with pytest.raises(ManifestError) as raised:
        load_manifest(path)
    assert raised.value.place == f"{path}:2:11"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"#" * (1 << 19)], ids=["binary", "huge"])
def test_a_file_that_is_no_manifest_at_all_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "wrong.toml"
    path.write_bytes(data)
    with pytest.raises(ManifestError):
        load_manifest(path)


def test_a_shipped_tool_can_not_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD.replace("web.restart", "files.purge"))
    with pytest.raises(ManifestTwiceError, match=r"files\.purge"):
        load_manifests([tmp_path])
