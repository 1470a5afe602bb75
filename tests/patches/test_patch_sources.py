"""Where source trees come from: folders, wheels, and releases that pip fetches."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from helpers.patches.trees import contents, tree_of, write
from helpers.patches.wheels import MEMBERS, NAME, wheel

from m2build.errors import ContentError, M2BuildError, StorageError, UsageError
from m2build.local.reading import LARGEST_SOURCE
from m2build.patches.sources import from_directory, from_wheel
from m2build.patches.tree import SourceFile


def test_a_wheel_is_the_files_that_it_installs(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(wheel(mode=0o755))
    tree = from_wheel(path)
    assert contents(tree) == {"demo_pkg/__init__.py": b"", "demo_pkg/data.txt": b"data\r\n" * 9}
    assert {file.mode for file in tree.values()} == {0o755}
    assert (tree.release, tree.timestamp) == ("1.2", 1714979290)


def test_a_file_without_a_wheels_name_has_no_release(tmp_path: Path) -> None:
    path = tmp_path / "renamed.whl"
    path.write_bytes(wheel())
    assert from_wheel(path).release is None


def test_modes_missing_from_the_archive_get_the_default(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.py", (1980, 0, 0, 0, 0, 0)), "")  # some tools write a date of zeros
        archive.infolist()[0].external_attr = 0
    tree = from_wheel(path)
    assert (tree["a.py"].mode, tree.timestamp) == (0o644, 0)


def test_a_wheel_that_is_missing_or_not_a_wheel(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"there is no wheel .*{NAME}"):
        from_wheel(tmp_path / NAME)
    (tmp_path / NAME).write_bytes(b"<html>404 Not Found</html>")
    with pytest.raises(ContentError, match="is not a wheel, or it is truncated"):
        from_wheel(tmp_path / NAME)
    with pytest.raises(StorageError, match="cannot be read: Is a directory"):
        from_wheel(tmp_path)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / NAME
    whole = wheel()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ContentError):
            from_wheel(path)


def test_every_altered_byte_is_noticed_or_means_nothing(tmp_path: Path) -> None:
    """No byte of the archive can change a file's content unnoticed, or raise anything but our own errors."""
    path = tmp_path / NAME
    whole = wheel()
    path.write_bytes(whole)
    good = sorted(contents(from_wheel(path)).values())
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("demo_pkg/data.txt")
    start = member.header_offset + 30 + len(member.filename)
    data = range(start, start + member.compress_size)
    for position in range(len(whole)):
        for flipped in (0x01, 0x80):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ flipped]) + whole[position + 1 :])
            try:
                found = sorted(contents(from_wheel(path)).values())
            except M2BuildError:
                continue
            else:
                assert found == good or position not in data
                assert set(found) <= {*good, *(text.encode() for text in MEMBERS.values())}


@pytest.mark.parametrize(
    "name", ["../evil.py", "a/../../evil.py", "/etc/evil.py", "a//evil.py", "a/./evil.py", "..", "./a"]
)
def test_members_outside_the_tree_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(wheel({"a/ok.py": "", name: "evil"}))
    with pytest.raises(ContentError, match="holds a member outside its tree: "):
        from_wheel(path)


def test_an_encrypted_member_is_refused_by_name(tmp_path: Path) -> None:
    path, data = tmp_path / NAME, bytearray(wheel())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ContentError, match=r"\.whl has \S+ encrypted$"):
        contents(from_wheel(path))


def test_a_folder_is_its_files_without_caches_and_version_control(tmp_path: Path) -> None:
    kept = tree_of({"p/a.py": "1\r\n", "p/data": b"\0", ".hidden": "", "p/.git.py": "", "build/x.py": ""})
    write(kept, tmp_path)
    write(tree_of({f"{name}/x.py": "" for name in (".git", "p/__pycache__", ".hg", ".svn", ".m2build/s")}), tmp_path)
    (tmp_path / "p/a.py").chmod(0o751)
    (tmp_path / "p/link.py").symlink_to("a.py")
    (tmp_path / "linked").symlink_to("/etc")
    os.mkfifo(tmp_path / "p/pipe")
    tree = from_directory(tmp_path)
    assert contents(tree) == contents(kept)
    assert (tree["p/a.py"].mode, tree["p/a.py"].size, tree.release) == (0o751, 3, None)
    assert dict(tree.links) == {"p/link.py": "a.py", "linked": "/etc"}


def test_a_path_that_is_not_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("file", "none"):
        with pytest.raises(UsageError, match="is not a directory"):
            from_directory(tmp_path / name)


def test_a_file_that_vanishes_before_it_is_read(tmp_path: Path) -> None:
    write(tree_of({"a.py": "x"}), tmp_path)
    tree = from_directory(tmp_path)
    (tmp_path / "a.py").unlink()
    with pytest.raises(StorageError, match=r"a\.py cannot be read: No such file"):
        _ = tree["a.py"].content


def test_a_folder_has_a_bound_of_files_and_links_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2build.patches.sources.MOST_FILES", 3)
    write(tree_of({"pkg/a.py": "", "pkg/b.py": ""}), tmp_path / "tree")
    (tmp_path / "tree/link").symlink_to("pkg/a.py")
    assert len(from_directory(tmp_path / "tree")) == 2
    (tmp_path / "tree/pkg/c.bin").touch()
    with pytest.raises(ContentError, match="tree holds more than 3 files") as caught:
        from_directory(tmp_path / "tree")
    assert caught.value.hint == "name the folder that holds the package"


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ([b"a = 1\nol", b"d = 2\n"], True),
        ([b"o", b"l", b"d"], True),
        ([b"ol", b"x", b"d"], False),
        ([b"\xc3\xa9"], False),
        (["\uff4f\uff4c\uff44".encode()], True),
        (["\uff4f\uff4c\uff44".encode()[:4], "\uff4f\uff4c\uff44".encode()[4:]], True),
        ([b"# -*- coding: latin-1 -*-\n\xe9"], True),
    ],
)
def test_a_word_is_found_across_the_pieces_of_a_large_file(pieces: list[bytes], found: bool) -> None:  # noqa: FBT001
    file = SourceFile(0o644, LARGEST_SOURCE + 1, lambda: pytest.fail("it is not loaded"), lambda: iter(pieces))
    assert file.may_spell(b"old") is found
