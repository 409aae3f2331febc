"""The files around a runbook on a disk: within its folder, of a sane size, and nothing else."""

from pathlib import Path

import pytest

from midwatch.adapters.runbooks import FolderLibrary
from midwatch.runbook.errors import IncludeError
from midwatch.runbook.source import DOCUMENT_BYTES_MAX, beside


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "books"
    (inside / "sub").mkdir(parents=True)
    (inside / "a.runbook.md").write_text("a")
    (inside / "sub" / "b.md").write_text("b")
    (tmp_path / "outside.md").write_text("secret")
    (inside / "link.md").symlink_to(tmp_path / "outside.md")
    (inside / "loop.md").symlink_to(inside / "loop.md")
    return inside


def test_files_below_the_folder_are_read(folder: Path) -> None:
    library = FolderLibrary(folder=folder)
    assert library.read("a.runbook.md") == b"a"
    assert library.read("sub/b.md") == b"b"
    assert library.has("sub")
    assert not library.has("nothing.md")


@pytest.mark.parametrize(
    "path", ["../outside.md", "link.md", "/etc/passwd", "loop.md", "sub", "nothing", "a\0b"]
)
def test_what_is_not_in_the_folder_is_refused(folder: Path, path: str) -> None:
    with pytest.raises(IncludeError) as caught:
        FolderLibrary(folder=folder).read(path)
    assert caught.value.code == "MW139"
    assert caught.value.help
    assert not FolderLibrary(folder=folder).has("link.md")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(folder: Path) -> None:
    with (folder / "big.md").open("wb") as file:
        file.truncate(DOCUMENT_BYTES_MAX + 1)
    with pytest.raises(IncludeError, match="more than"):
        FolderLibrary(folder=folder).read("big.md")


def test_a_runbook_is_found_by_its_name_the_own_folder_first(folder: Path, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.mkdir()
    (known / "a.runbook.md").write_text("other")
    (known / "c.runbook.md").write_text("c")
    library = FolderLibrary(folder=folder, known=(known,))
    found = library.find("a")
    assert found is not None
    assert found.data == b"a"
    found = library.find("c")
    assert found is not None
    assert (found.data, found.path, found.name) == (b"c", "c.runbook.md", str(known / "c.runbook.md"))
    assert library.find("d") is None


@pytest.mark.parametrize(
    ("path", "reference", "expected"),
    [
        ("a.md", "./b.md", "b.md"),
        ("sub/a.md", "../b.md", "b.md"),
        ("sub/a.md", "b.md", "sub/b.md"),
        ("a.md", "../b.md", ""),
        ("a.md", "sub/../../b.md", ""),
        ("a.md", "/b.md", ""),
        ("a.md", "sub\\b.md", ""),
        ("a.md", "./sub//c/./b.md", "sub/c/b.md"),
    ],
)
def test_where_a_reference_leads(path: str, reference: str, expected: str) -> None:
    assert beside(path, reference) == expected
