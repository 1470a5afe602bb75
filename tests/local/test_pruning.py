"""The bound of the cache: what goes first, what stays, and what other processes notice of it: nothing."""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO

import pytest

from m2build import Session
from m2build.errors import UsageError
from m2build.local.cache import LARGEST_CACHE, SealedFiles
from m2build.local.stored import used_wheel

FORK = multiprocessing.get_context("fork")
CONTENTS = {f"key {number}": bytes([number]) * (1000 * number + 1) for number in range(12)}
BOUND = 30_000
"""Bytes; all contents together take more."""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def wheel(root: Path, name: str, used: int | None = 1) -> Path:
    """A release of 1000 bytes, last used at a time; None for now."""
    path = root / "wheels" / name / f"{name}.whl"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(1000))
    if used is not None:
        os.utime(path, (used, used))
    return path


def test_the_usage_is_by_kind(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Session(cache=root).cache_usage().bytes == 0
    assert not root.exists()
    SealedFiles(root / "layers").put("a", bytes(928))
    wheel(root, "b-1")
    (root / "containers/docker").mkdir(parents=True)
    usage = Session(cache=root).cache_usage()
    found = {kind.name: (kind.entries, kind.bytes) for kind in usage.kinds}
    assert found == {"layers": (1, 1000), "results": (0, 0), "wheels": (1, 1000), "fetched": (0, 0)}
    assert (usage.bytes, usage.bound, usage.folder) == (2000, LARGEST_CACHE, root)
    monkeypatch.setenv("M2BUILD_CACHE_SIZE", "1.5MB")
    assert Session(cache=root).cache_usage().bound == 1_500_000


def test_the_bound_is_that_of_all_kinds_together(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing an entry of one kind removes older ones of others."""
    monkeypatch.setenv("M2BUILD_CACHE_SIZE", "2500")
    layers, results = SealedFiles(root / "layers"), SealedFiles(root / "results")
    layers.put("a", bytes(928))
    old = wheel(root, "old-1")
    results.put("b", bytes(928))
    assert (layers.has("a"), results.has("b"), old.exists()) == (True, True, False)
    for path in (root / "layers").iterdir():
        os.utime(path, (2, 2))
    results.put("c", bytes(928))
    assert (layers.has("a"), results.has("b"), results.has("c")) == (False, True, True)
    results.put("too large", bytes(2500))
    assert (results.has("too large"), results.has("c")) == (False, True)


def test_pruning_removes_what_was_unused_longest(root: Path) -> None:
    files = SealedFiles(root / "layers")
    for number, key in enumerate("abc"):
        files.put(key, bytes(928))
        for path in (root / "layers").iterdir():
            if path.stat().st_mtime > 10:
                os.utime(path, (number, number))
    assert files.get("a") is not None, "it is used last now"
    stray = root / "layers/notes.txt"
    stray.write_text("mine")
    with Session(cache=root) as session:
        pruned = session.prune_cache(1000)
        assert (pruned.entries, pruned.bytes, pruned.left.bytes) == (2, 2000, 1000)
        assert files.has("a")
        assert session.prune_cache(0).left.bytes == 0
        with pytest.raises(UsageError, match="-1 bytes"):
            session.prune_cache(-1)
    assert stray.exists(), "it is no entry"


def test_a_release_in_use_stays(root: Path) -> None:
    """Its path was given out, and may not be open yet."""
    used, unused, fresh = wheel(root, "used-1"), wheel(root, "unused-1"), wheel(root, "fresh-1", None)
    left = root / "wheels/.used-1.abc"
    left.mkdir()
    os.utime(left, (1, 1))
    assert used_wheel(used.parent) == used
    assert used_wheel(root / "wheels/none-1") is None
    pruned = Session(cache=root).prune_cache(0)
    assert (pruned.entries, pruned.left.bytes) == (2, 2000)
    assert [path.exists() for path in (used, fresh, unused, unused.parent, left)] == [True, True, False, False, False]


def finished(process: multiprocessing.process.BaseProcess) -> None:
    process.join(60)
    assert process.exitcode == 0


def test_an_entry_that_is_removed_while_it_is_read_is_read_whole(root: Path) -> None:
    SealedFiles(root / "layers").put("a", CONTENTS["key 11"])
    ours, theirs = FORK.Pipe()
    reader = FORK.Process(target=read_slowly, args=(root, theirs), daemon=True)
    reader.start()
    assert ours.recv() == "open"
    assert Session(cache=root).prune_cache(0).entries == 1
    assert not list((root / "layers").iterdir())
    ours.send("go on")
    assert ours.recv() == CONTENTS["key 11"]
    finished(reader)


def read_slowly(root: Path, pipe: Connection) -> None:
    class Slow(SealedFiles):
        def _opened(self, key: str) -> BinaryIO:
            file = super()._opened(key)
            pipe.send("open")
            pipe.recv()
            return file

    pipe.send(Slow(root / "layers").get("a"))


def work(root: Path, seed: int) -> None:
    """Write and read: each answer is right or missing, and some are there."""
    choice = random.Random(seed)  # noqa: S311 - a seed makes it the same in every run
    files, hits = SealedFiles(root / "layers", largest=BOUND), 0
    for _ in range(60):
        key = choice.choice(list(CONTENTS))
        files.put(key, CONTENTS[key])
        found = files.get(choice.choice([key, key, *CONTENTS]))
        assert found is None or found in CONTENTS.values()
        again = files.get(key)
        assert again in (None, CONTENTS[key])
        hits += again is not None
    assert hits


def prune(root: Path, seed: int) -> None:
    for number in range(40):
        Session(cache=root).prune_cache([0, BOUND // 2][(seed + number) % 2])


@pytest.mark.sweep
def test_eight_processes_share_a_cache_that_is_pruned(root: Path) -> None:
    targets: list[Callable[[Path, int], None]] = [*[work] * 6, *[prune] * 2]
    processes = [FORK.Process(target=target, args=(root, seed), daemon=True) for seed, target in enumerate(targets)]
    for process in processes:
        process.start()
    for process in processes:
        finished(process)
    SealedFiles(root / "layers", largest=BOUND).put("last", b"")
    assert 0 < Session(cache=root).cache_usage().bytes <= BOUND
    assert [path.name for path in (root / "layers").iterdir() if path.name.startswith(".")] == []
