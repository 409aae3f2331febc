import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from midwatch.adapters import keys as adapter
from midwatch.adapters.keys import FileKeys, KeyDamagedError, KeyExposedError
from midwatch.base.errors import MidwatchError
from midwatch.ports.keys import KeyMissingError, Keys
from midwatch.ports.store import StoreUnreachableError

SUBJECT = "tenant/local"


def subject_file(folder: Path) -> Path:
    (path,) = (folder / "subjects").glob("*.key")
    return path


def test_keys_are_the_same_when_opened_again(tmp_path: Path) -> None:
    first: Keys = FileKeys(tmp_path / "keys")
    key = first.subject_key(SUBJECT, create=True)
    again = FileKeys(tmp_path / "keys")
    assert key is not None
    assert len(key) == 32
    assert again.subject_key(SUBJECT, create=False) == again.subject_key(SUBJECT, create=True) == key
    assert (again.public_key, again.origin) == (first.public_key, first.origin)
    assert first.subject_key("tenant/other", create=True) != key


def test_a_signature_holds_under_the_public_key(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path)
    Ed25519PublicKey.from_public_bytes(keys.public_key).verify(keys.sign(b"a checkpoint"), b"a checkpoint")
    assert keys.origin.startswith("midwatch/")
    assert len(keys.origin) == len("midwatch/") + 8


def test_nobody_else_can_read_any_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "keys"
    old = os.umask(0)
    try:
        FileKeys(folder).subject_key(SUBJECT, create=True)
    finally:
        os.umask(old)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}
    assert modes.pop("keys") == modes.pop("subjects") == 0o700
    assert set(modes.values()) == {0o600}


def test_a_subject_key_is_wrapped_and_bound_to_its_subject(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path)
    key = keys.subject_key(SUBJECT, create=True)
    assert key is not None
    path = subject_file(tmp_path)
    assert key not in path.read_bytes()
    keys.subject_key("tenant/other", create=True)
    (other,) = (file for file in (tmp_path / "subjects").glob("*.key") if file != path)
    path.replace(other)
    with pytest.raises(KeyDamagedError):
        FileKeys(tmp_path).subject_key("tenant/other", create=False)


def test_a_destroyed_subject_never_gets_a_key_again(tmp_path: Path) -> None:
    keys, beside = FileKeys(tmp_path), FileKeys(tmp_path)
    keys.subject_key(SUBJECT, create=True)
    assert beside.subject_key(SUBJECT, create=True) is not None
    keys.destroy(SUBJECT)
    keys.destroy(SUBJECT)
    for one in (keys, beside, FileKeys(tmp_path)):
        assert one.subject_key(SUBJECT, create=False) is None
        assert one.subject_key(SUBJECT, create=True) is None
    assert list((tmp_path / "subjects").glob("*.key")) == []


def test_a_crash_between_tombstone_and_deletion_leaves_the_subject_destroyed(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path)
    keys.subject_key(SUBJECT, create=True)
    subject_file(tmp_path).with_suffix(".destroyed").touch(0o600)
    assert keys.subject_key(SUBJECT, create=True) is None
    keys.destroy(SUBJECT)
    assert list((tmp_path / "subjects").glob("*.key")) == []


def test_a_subject_destroyed_before_it_had_a_key_never_gets_one(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path)
    keys.destroy("person/eve")
    assert keys.subject_key("person/eve", create=True) is None


def test_a_key_that_is_gone_is_an_error_not_an_erasure(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path)
    with pytest.raises(KeyMissingError) as caught:
        keys.subject_key(SUBJECT, create=False)
    assert caught.value.code == "MW913"
    assert str(tmp_path) in caught.value.help


@pytest.mark.parametrize("name", ["kek.key", "signing.key"])
def test_a_lost_own_key_is_never_made_anew_while_others_depend_on_it(name: str, tmp_path: Path) -> None:
    FileKeys(tmp_path).subject_key(SUBJECT, create=True)
    (tmp_path / name).unlink()
    with pytest.raises(KeyMissingError, match=name):
        FileKeys(tmp_path)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_key_file_that_others_can_open_is_refused_with_the_command_that_fixes_it(
    mode: int, tmp_path: Path
) -> None:
    FileKeys(tmp_path).subject_key(SUBJECT, create=True)
    for path in (tmp_path / "kek.key", tmp_path / "signing.key", subject_file(tmp_path)):
        path.chmod(mode)
        with pytest.raises(KeyExposedError) as caught:
            FileKeys(tmp_path).subject_key(SUBJECT, create=False)
        assert caught.value.code == "MW911"
        assert f"chmod 600 {path}" in caught.value.help
        path.chmod(0o600)


def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    FileKeys(tmp_path)
    (tmp_path / "subjects").chmod(0o770)
    with pytest.raises(KeyExposedError, match="subjects"):
        FileKeys(tmp_path)


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_damaged_key_is_refused(content: bytes, tmp_path: Path) -> None:
    FileKeys(tmp_path).subject_key(SUBJECT, create=True)
    (tmp_path / "signing.key").write_bytes(content)
    with pytest.raises(KeyDamagedError) as caught:
        FileKeys(tmp_path)
    assert caught.value.code == "MW912"


def test_any_flipped_bit_of_a_subject_key_is_refused(tmp_path: Path) -> None:
    FileKeys(tmp_path).subject_key(SUBJECT, create=True)
    path = subject_file(tmp_path)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(KeyDamagedError):
            FileKeys(tmp_path).subject_key(SUBJECT, create=False)


def test_a_key_behind_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    FileKeys(tmp_path)
    (tmp_path / "kek.key").rename(tmp_path / "elsewhere")
    (tmp_path / "kek.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnreachableError):
        FileKeys(tmp_path)


def test_what_a_killed_process_left_half_written_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "subjects").mkdir()
    (tmp_path / "kek.key.half").write_bytes(b"half")
    assert FileKeys(tmp_path).subject_key(SUBJECT, create=True) is not None
    assert not list(tmp_path.rglob("*.half"))


def test_a_place_that_is_no_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    with pytest.raises(MidwatchError) as caught:
        FileKeys(tmp_path / "keys")
    assert caught.value.code == "MW707"


def test_processes_that_start_at_once_agree_on_every_key(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from midwatch.adapters.keys import FileKeys;"
        "keys = FileKeys(Path(sys.argv[1])); key = keys.subject_key('tenant/local', create=True);"
        "print(keys.origin, key.hex())"
    )
    source = str(Path(adapter.__file__).parents[2])
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "keys")],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": source},
        )
        for _ in range(6)
    ]
    said = {process.communicate()[0] for process in started}
    assert all(process.returncode == 0 for process in started)
    assert len(said) == 1
