"""Every command in surroundings that are broken: one of a few exit codes, an error in a few lines, and no traceback."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

import pytest
from helpers.cli.checkouts import checkout, quickly, store
from helpers.commands import m2build
from helpers.support import sampled

from m2build.cli import main

TREE = ("--source", "dir:tree")
BASE = ("--base", "oci:base:base")
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "--tp", "8", *BASE, "-o", "oci:new"),
    "lock": ("lock", "--tp", "8", *BASE, "--lock", "new.lock"),
    "check": ("check", "--tp", "8", *TREE),
    "flags": ("flags", *TREE),
    "size": ("size", "--json"),
    "run": ("run", "--tp", "8", "--print"),
    "compose": ("compose", "--tp", "8"),
    "kubernetes": ("kubernetes", "--tp", "8", "--image", "r.example/a:b", "-o", "new"),
    "doctor": ("doctor", "--tp", "8"),
    "verify": ("verify", "oci:out:tp8", *BASE),
    "diff": ("diff", "oci:out:tp8", "oci:base:base"),
    "revert": ("revert", "oci:out:tp8", *BASE),
    "bench": ("bench", "compare", "document", "document", "--json"),
    "mounts": ("mounts", "--tp", "8", *TREE, "--unpinned", "-o", "new"),
    "import": ("patch", "import", "--diff", "fix.patch", "--series", "new.yaml"),
    "cache": ("cache", "show"),
}
WRONG = b"\xff".decode(errors="surrogateescape")
SURROUNDINGS: Mapping[str, Mapping[str, str]] = {
    "no home": {"HOME": "/nonexistent/x", "XDG_CACHE_HOME": ""},
    "a home that cannot be written": {"HOME": "/proc/sys", "XDG_CACHE_HOME": ""},
    "a file for a cache": {"XDG_CACHE_HOME": "/etc/passwd"},
    "bytes": {"HOME": f"/tmp/{WRONG}", "HF_HOME": f"/{WRONG}\n", "DOCKER_HOST": WRONG, "TMPDIR": WRONG},
    "endless credentials": {"DOCKER_CONFIG": "{folder}", "DOCKER_AUTH_CONFIG": ""},
    "numbers": {"SOURCE_DATE_EPOCH": "9" * 5000, "M2BUILD_CACHE_SIZE": "9" * 5000, "COLUMNS": "9" * 5000},
    "words": {"SOURCE_DATE_EPOCH": WRONG, "M2BUILD_CACHE_SIZE": WRONG, "M2BUILD_PROGRESS": WRONG, "TERM": "dumb"},
    "no programs": {"PATH": ""},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Sources, a base, an image, a diff, and credentials that never end."""
    folder, before = tmp_path_factory.mktemp("surroundings"), Path.cwd()
    os.chdir(folder)
    checkout(folder / "tree")
    store("oci:base:base")
    quickly("image", "--tp", "8", *BASE, "-o", "oci:out:tp8")
    (folder / "fix.patch").write_bytes(b"--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n")
    (folder / "config.json").symlink_to("/dev/zero")
    yield folder
    os.chdir(before)


@pytest.mark.parametrize("case", sampled(product(COMMANDS, SURROUNDINGS), every=5))
def test_a_command_ends_well_or_with_a_sentence(case: tuple[str, str], place: Path, tmp_path: Path) -> None:
    command, surroundings = case
    environment = {name: value.format(folder=place) for name, value in SURROUNDINGS[surroundings].items()}
    done = m2build(*words_of(command, tmp_path), cwd=place, environment=environment)
    assert done.returncode in (0, 2, 16), done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) < 5
    assert bool(done.stdout) is (done.returncode == 0)


@pytest.fixture
def handlers() -> Iterator[None]:
    """The handlers of signals and the threshold of the garbage collector, which a command sets for its process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_result_that_cannot_be_printed_is_a_failure(
    command: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr("sys.stdout", full)
        assert main(words_of(command, tmp_path)) == 16
        assert "the output cannot be written: No space left on device" in capfd.readouterr().err


def words_of(command: str, folder: Path) -> list[str]:
    """The command line, with its output in a folder."""
    return [word.replace("new", f"{folder}/new") for word in COMMANDS[command]]
