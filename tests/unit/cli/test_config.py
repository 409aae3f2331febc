"""Settings: where they come from, and what is refused."""

import os
from pathlib import Path

import pytest

from midwatch.adapters.config import (
    ConfigKeyError,
    ConfigSyntaxError,
    ConfigUnreadableError,
    ConfigValueError,
    Surroundings,
    load_config,
)
from midwatch.base.classes import Profile


def around(tmp_path: Path, **environ: str) -> Surroundings:
    for name in ("cwd", "home"):
        (tmp_path / name).mkdir(exist_ok=True)
    return Surroundings(environ=environ, cwd=tmp_path / "cwd", home=tmp_path / "home", uid=os.geteuid())


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    config = load_config(None, around(tmp_path))
    assert (config.file, config.profile, config.port) == (None, Profile.SOLO, 4747)
    assert config.state == tmp_path / "home/.local/state/midwatch"
    assert config.database == config.state / "midwatch.db"
    assert set(config.origins.values()) == {"default"}


def test_the_state_folder_goes_variable_then_file_then_xdg(tmp_path: Path) -> None:
    here = around(tmp_path, XDG_STATE_HOME="/x", MIDWATCH_STATE="/y")
    (here.cwd / "midwatch.toml").write_text('state = "own"\n')
    assert load_config(None, here).state == Path("/y")
    here = around(tmp_path, XDG_STATE_HOME="/x")
    assert load_config(None, here).state == here.cwd / "own"
    (here.cwd / "midwatch.toml").unlink()
    assert load_config(None, here).state == Path("/x/midwatch")


def test_the_file_named_goes_before_the_variable_before_the_folder_before_the_home(tmp_path: Path) -> None:
    here = around(tmp_path, MIDWATCH_CONFIG=str(tmp_path / "variable.toml"))
    places = {
        "flag": tmp_path / "flag.toml",
        "variable": tmp_path / "variable.toml",
        "folder": here.cwd / "midwatch.toml",
        "home": here.home / ".config/midwatch/midwatch.toml",
    }
    for port, path in enumerate(places.values(), 1000):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[server]\nport = {port}\n")
    assert load_config(places["flag"], here).port == 1000
    assert load_config(None, here).port == 1001
    there = around(tmp_path)
    assert load_config(None, there).port == 1002
    places["folder"].unlink()
    config = load_config(None, there)
    assert (config.port, config.origins["server.port"]) == (1003, f"{places['home']}:2")


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    here = around(tmp_path)
    (here.cwd / "midwatch.toml").write_text('policy = "policy"\ntools = ["a", "~/b"]\n')
    config = load_config(None, here)
    assert config.policy == here.cwd / "policy"
    assert config.tools == (here.cwd / "a", here.home / "b")


def test_a_file_that_everybody_may_write_decides_nothing(tmp_path: Path) -> None:
    here = around(tmp_path)
    file = here.cwd / "midwatch.toml"
    file.write_text('profile = "team"')
    file.chmod(0o666)
    config = load_config(None, here)
    assert config.profile is Profile.SOLO
    assert "everybody may write it" in config.warnings[0]


def test_somebody_elses_file_decides_nothing(tmp_path: Path) -> None:
    here = around(tmp_path)
    file = here.cwd / "midwatch.toml"
    file.write_text('profile = "team"')
    other = Surroundings(environ={}, cwd=here.cwd, home=here.home, uid=os.geteuid() + 1)
    if os.geteuid() == 0:
        os.chown(file, 12345, -1)
    assert "somebody else owns it" in load_config(None, other).warnings[0]


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        ('a = "', ConfigSyntaxError, "1:6"),
        ('profile = "solo"\nprofil = "solo"', ConfigKeyError, "2:1"),
        ("[server]\nporte = 1", ConfigKeyError, "2:1"),
        ('profile = "alone"', ConfigValueError, "1:1"),
        ("[server]\nport = true", ConfigValueError, "2:1"),
        ("[server]\n  port = 0", ConfigValueError, "2:3"),
        ('tools = "tools"', ConfigValueError, "1:1"),
        ("policy = 3", ConfigValueError, "1:1"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, text: str, kind: type[Exception], place: str
) -> None:
    here = around(tmp_path)
    file = here.cwd / "midwatch.toml"
    file.write_text(text)
    with pytest.raises(kind) as caught:
        load_config(None, here)
    error = caught.value
    assert getattr(error, "place", "") == f"{file}:{place}"
    assert "<" not in getattr(error, "help", "<")
    assert getattr(error, "excerpt", "").endswith("^")


def test_a_misspelt_key_comes_with_the_one_that_was_meant(tmp_path: Path) -> None:
    here = around(tmp_path)
    (here.cwd / "midwatch.toml").write_text('profil = "solo"')
    with pytest.raises(ConfigKeyError) as caught:
        load_config(None, here)
    assert "Did you mean `profile`?" in caught.value.help


def test_a_file_that_is_named_and_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigUnreadableError):
        load_config(tmp_path / "nowhere.toml", around(tmp_path))


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    here = around(tmp_path)
    (here.cwd / "midwatch.toml").write_bytes(b"a = 1\n\xff\n")
    with pytest.raises(ConfigSyntaxError) as caught:
        load_config(None, here)
    assert caught.value.place.endswith("midwatch.toml:2")
