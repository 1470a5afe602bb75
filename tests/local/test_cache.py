"""The cache: an entry counts only if this user wrote it on this machine under this key."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.support import need_root

from m2build.local.cache import SealedFiles, cache_folder
from m2build.local.sealed import key_file


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "results"


def only(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_an_entry_is_stored_and_private(folder: Path) -> None:
    files = SealedFiles(folder)
    assert (files.get("a"), files.has("a")) == (None, False)
    files.put("a", b"content")
    assert (files.get("a"), files.has("a"), files.get("b")) == (b"content", True, None)
    modes = [path.stat().st_mode & 0o777 for path in (only(folder), folder, folder.parent, key_file())]
    assert modes == [0o600, 0o700, 0o700, 0o600]


def test_an_entry_copied_to_another_name_is_not_read(folder: Path) -> None:
    files = SealedFiles(folder)
    files.put("a", b"content of a")
    content = only(folder).read_bytes()
    files.put("b", b"content of b")
    for path in folder.iterdir():
        path.write_bytes(content)
    assert (files.get("a"), files.get("b"), files.has("b")) == (b"content of a", None, False)


def test_a_cache_written_with_another_key_is_not_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a CI system restores it; with the key restored as well, it is read."""
    SealedFiles(folder).put("a", b"content")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    assert SealedFiles(folder).get("a") is None
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert SealedFiles(folder).get("a") == b"content"


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def sparse(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(10 << 30)


def link(path: Path) -> None:
    path.replace(path.parent.parent / "elsewhere")
    path.symlink_to("../elsewhere")


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


@pytest.mark.parametrize("change", [fifo, sparse, link, flip, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_changed_entry_is_not_read_and_is_replaced(change: Callable[[Path], object], folder: Path) -> None:
    files = SealedFiles(folder)
    files.put("a", b"content")
    change(only(folder) if folder.is_dir() else folder)
    assert files.get("a") is None
    assert files.has("a") == (change is flip), "only reading it shows that"
    files.put("a", b"content")
    assert files.get("a") == b"content"


@pytest.mark.parametrize("which", ["folder", "above"])
def test_a_folder_that_others_can_write_to_is_not_read(which: str, folder: Path) -> None:
    files = SealedFiles(folder)
    files.put("a", b"content")
    (folder if which == "folder" else folder.parent).chmod(0o777)
    assert files.get("a") is None


def test_another_users_folder_is_not_touched(folder: Path) -> None:
    need_root("gives files away")
    files = SealedFiles(folder)
    files.put("a", b"content")
    os.chown(folder, 1234, -1)
    files.put("b", b"content")
    assert (files.get("a"), len(list(folder.iterdir()))) == (None, 1)


@pytest.mark.parametrize("spoil", [lambda key: key.chmod(0o644), lambda key: key.write_bytes(b"short"), fifo])
def test_without_a_private_key_nothing_is_stored(
    spoil: Callable[[Path], object], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SealedFiles(folder).put("a", b"content")
    other = tmp_path / "other" / "m2build" / "cache.key"
    other.parent.mkdir(parents=True)
    other.write_bytes(key_file().read_bytes())
    other.chmod(0o600)
    spoil(other)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    files = SealedFiles(folder)
    files.put("b", b"content")
    assert (files.get("a"), files.get("b")) == (None, None)


def test_the_entry_unused_longest_is_removed_first(folder: Path) -> None:
    files = SealedFiles(folder, largest=1000)
    for name in "abc":
        files.put(name, bytes(200))
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    assert files.get("a") is not None
    files.put("d", bytes(200))
    assert files.has("a")
    assert files.has("d")
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 1000
    files.put("e", bytes(1000))
    assert not files.has("e")
    assert files.has("d")


def test_a_user_without_a_home_has_the_root_as_with_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user id need have no account: then nothing can be kept, and all else works."""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    assert cache_folder() == Path("/.cache/m2build")
    assert key_file() == Path("/.local/state/m2build/cache.key")
