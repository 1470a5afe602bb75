"""Entries of the cache that were altered, cut, copied, swapped or made up: the digest is never another one."""

from __future__ import annotations

import hashlib
import multiprocessing
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.images import WatchedBlobs

from m2build import Session
from m2build.base.model import Base
from m2build.derivation.image import build
from m2build.derivation.remembered import plan_all
from m2build.oci.image import Image
from m2build.progress import Silent
from m2build.recipes.load import load_recipe

pytestmark = pytest.mark.sweep

CASES = 160
CHUNKS = 4


def ask(profile: str) -> str:
    sample = base_image()
    base = Base.of(
        Image(sample.manifest, sample.config, WatchedBlobs(sample.blobs)), sample.manifest.digest, "a.io/b:c"
    )
    selection = load_recipe("minimax-m2").select(profile=profile)
    (plan,) = plan_all([selection], base, environment={}, progress=Silent())
    return str(build(plan).manifest.digest)


def flip(entries: list[Path], choice: random.Random) -> None:
    path = choice.choice(entries)
    data = bytearray(path.read_bytes())
    data[choice.randrange(min(len(data), choice.choice([8, 40, 72, len(data)])))] ^= 1 << choice.randrange(8)
    path.write_bytes(bytes(data))


def cut(entries: list[Path], choice: random.Random) -> None:
    path = choice.choice(entries)
    data = path.read_bytes()
    path.write_bytes(data[: choice.randrange(len(data))])


def copy(entries: list[Path], choice: random.Random) -> None:
    one, other = choice.sample(entries, 2)
    one.write_bytes(other.read_bytes())


def made_up(entries: list[Path], choice: random.Random) -> None:
    """An altered content with the right size and digest, which anyone can compute; the seal stays."""
    path = choice.choice(entries)
    data = bytearray(path.read_bytes())
    data[-1 - choice.randrange(len(data) - 72)] ^= 1
    path.write_bytes(bytes(data[:8]) + hashlib.sha256(data[72:]).digest() + bytes(data[40:]))


CHANGES: tuple[Callable[[list[Path], random.Random], None], ...] = (flip, cut, copy, made_up)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_what_is_in_the_cache_never_changes_the_answer(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    right = {profile: ask(profile) for profile in ("tp4", "tp8")}
    entries = sorted(path for path in (tmp_path / "cache").rglob("*") if path.is_file())
    kept = {path: path.read_bytes() for path in entries}
    assert len(entries) >= 2
    for number in range(chunk, CASES, CHUNKS):
        choice = random.Random(number)  # noqa: S311 - a seed makes it the same in every run
        for path, content in kept.items():
            path.write_bytes(content)
        change = choice.choice(CHANGES)
        change(entries, choice)
        profile = choice.choice(list(right))
        assert ask(profile) == right[profile], f"case {number}: {change.__name__}"


def derive(right: str) -> None:
    for _ in range(3):
        assert ask("tp8") == right


def prune() -> None:
    for _ in range(200):
        Session().prune_cache(0)
        time.sleep(0.01)


def test_eight_processes_derive_from_one_cache_that_is_pruned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("m2build.layers.reader._LARGE", 0)  # so that each process reads several layers at a time
    fork, right = multiprocessing.get_context("fork"), ask("tp8")
    pruner = fork.Process(target=prune, daemon=True)
    processes = [*(fork.Process(target=derive, args=(right,), daemon=True) for _ in range(8)), pruner]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 9
