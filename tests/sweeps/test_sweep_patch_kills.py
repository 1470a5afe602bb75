"""`m2build patch apply` and `revert`, killed at every changing system call: either command completes or undoes it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.cli.checkouts import checkout
from helpers.sweeps.killing import Commands, commands
from helpers.sweeps.kills import quick_disk

pytestmark = pytest.mark.sweep

LEAST = {"apply": 50, "revert": 15}
CASES = 2 * sum(LEAST.values())
VERBS = {verb: ("patch", verb, "--source", "dir:tree") for verb in LEAST}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with quick_disk(tmp_path_factory.mktemp("killed")) as disk, commands(disk / "state") as running:
        yield running


def everything(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Every path below a folder, folders and what is hidden too."""
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_mode, path.read_bytes() if path.is_file() else None)
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("verb", VERBS)
def test_either_command_ends_what_a_killed_one_began(verb: str, server: Commands) -> None:
    """From each killed state, once forwards and once back, exact to the last byte and mode."""
    work = server.folder / "work"
    tree, original, killed = work / "tree", server.folder.parent / f"original-{verb}", server.folder.parent / "killed"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(checkout(tree), original)
    before = everything(tree)
    server.run(VERBS["apply"])
    after = everything(tree)
    assert before.keys() - after.keys(), "a file is renamed"
    start = tree if verb == "revert" else original
    shutil.copytree(start, server.folder.parent / f"start-{verb}")
    if verb == "apply":
        shutil.rmtree(tree)
        shutil.copytree(original, tree)
    calls = server.calls(VERBS[verb])
    assert len(calls) >= LEAST[verb], f"{verb}: {len(calls)} changing calls"
    for call in calls:
        shutil.rmtree(tree)
        shutil.copytree(server.folder.parent / f"start-{verb}", tree)
        server.kill_at(VERBS[verb], call)
        shutil.rmtree(killed, ignore_errors=True)
        shutil.copytree(tree, killed, symlinks=True)
        server.run(VERBS["apply"])
        assert everything(tree) == after, f"{verb} killed at {call}, then apply"
        server.run(VERBS["revert"])
        assert everything(tree) == before, f"{verb} killed at {call}, then apply and revert"
        if (killed / ".m2build").exists() and any(killed.glob(".m2build/minimax-m2-rocm")):
            shutil.rmtree(tree)
            shutil.copytree(killed, tree, symlinks=True)
            server.run(VERBS["revert"])
            assert everything(tree) == before, f"{verb} killed at {call}, then revert"
