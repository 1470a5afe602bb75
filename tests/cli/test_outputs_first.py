"""Commands that write find out that they cannot before they read: no case below names a base that exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from helpers.cli.checkouts import checkout, derived, quickly, quickly_refused
from helpers.cli.command_tree import WAYS, find
from helpers.servers import free_port

BASE = ("--base", "oci:absent")
REBASE = ("rebase", "oci:derived", "--old-base", "oci:gone")
SERIES = ("--series", "minimax-m2-rocm")
LOCAL: dict[str, tuple[str, ...]] = {
    "image -o": ("image", "--tp", "8", *BASE, "-o", "oci:file/out"),
    "image -o archive": ("image", "--tp", "8", *BASE, "-o", "oci-archive:file/out.tar"),
    "image --metadata-file": ("image", "--tp", "8", *BASE, "-o", "oci:out", "--metadata-file", "file/out"),
    "image --attest-dir": ("image", "--tp", "8", *BASE, "-o", "oci:out", "--attest-dir", "file/out"),
    "rebase -o": (*REBASE, *BASE, "-o", "oci:file/out"),
    "rebase -o archive": (*REBASE, *BASE, "-o", "docker-archive:file/out"),
    "rebase --iidfile": (*REBASE, *BASE, "-o", "oci:out", "--iidfile", "file/out"),
    "rebase -o what exists": (*REBASE, *BASE, "-o", "oci-archive:file"),
    "lock --lock": ("lock", "--tp", "8", *BASE, "--lock", "file/out"),
    "render -o": ("render", "--tp", "8", "--source", "dir:absent", "--unpinned", "-o", "file/out"),
    "render -o what exists": ("render", "--tp", "8", "--source", "dir:absent", "--unpinned", "-o", "full"),
    "bake -o": ("bake", "--tp", "8", "--source", "dir:absent", "--unpinned", "-o", "file/out"),
    "mounts -o": ("mounts", "--tp", "8", "--source", "dir:absent", "--unpinned", "-o", "file/out"),
    "mounts -o what exists": ("mounts", "--tp", "8", "--source", "dir:absent", "--unpinned", "-o", "full"),
    "report -o": ("report", "oci:absent", "-o", "file/out"),
    "bench -o": ("bench", "--base-url", "http://127.0.0.1:1", "--python", "absent", "-o", "file/out"),
    "patch diff -o": ("patch", "diff", "--source", "dir:absent", *SERIES, "-o", "file/out"),
    "patch diff -o what exists": ("patch", "diff", "--source", "dir:absent", *SERIES, "-o", "full"),
    "patch apply -o": ("patch", "apply", "--source", "dir:absent", *SERIES, "-o", "file/out"),
    "patch import --series": ("patch", "import", "--diff", "absent.diff", "--series", "file/out"),
}  # fmt: skip
"""Outputs below `file`, which is no folder, or in a folder `full` with something else."""
REMOTE: dict[str, tuple[str, ...]] = {
    "image --push": ("image", "--tp", "8", *BASE, "-t", "TARGET", "--push"),
    "rebase --push": (*REBASE, *BASE, "-t", "TARGET", "--push"),
    "revert -t": ("revert", "oci:derived", "--base", "oci:absent", "-t", "TARGET"),
    "base mirror": ("base", "mirror", "absent.invalid/team/base:v1", "TARGET"),
    "push": ("push", "absent.invalid/team/base:v1", "TARGET"),
}
"""Names in a registry that does not answer."""
INSTANT = {("kubernetes",), ("recipe", "new")}
"""Commands that read nothing which takes time."""


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working directory."""
    folder = derived(tmp_path_factory.mktemp("first"))
    (folder / "out").rename(folder / "derived")
    (folder / "file").write_text("not a folder\n")
    (folder / "full").mkdir()
    (folder / "full/notes").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.mark.parametrize("case", LOCAL)
def test_a_local_output_is_checked_first(case: str, folder: Path) -> None:
    words = LOCAL[case]
    is_there = words[-1] == "full" or words[-1].endswith(":file")
    said = quickly_refused(2 if is_there else 16, *words)
    expected = "exists already, and holds something else" if is_there else r"cannot be written: .*[Nn]ot a directory"
    assert re.search(expected, said)
    assert sorted(path.name for path in folder.iterdir()) == ["base", "derived", "file", "full"]


@pytest.mark.parametrize("case", REMOTE)
def test_a_registry_is_asked_first(case: str) -> None:
    registry = f"127.0.0.1:{free_port()}"
    words = [word.replace("TARGET", f"{registry}/team/m2:v1") for word in REMOTE[case]]
    assert registry in quickly_refused(8, *words)


def test_a_folder_that_the_same_command_wrote_may_be_written_again(tmp_path: Path) -> None:
    source = f"dir:{checkout(tmp_path / 'tree')}"
    for case in ("render -o", "bake -o", "mounts -o", "patch diff -o", "patch apply -o"):
        words = [word.replace("dir:absent", source) for word in LOCAL[case][:-1]]
        for _ in range(2):
            quickly(*words, tmp_path / case)


def test_every_command_that_writes_is_among_the_cases() -> None:
    known = {tuple(words[:2]) for words in (*LOCAL.values(), *REMOTE.values())}
    known |= {way[:1] for way in known} | INSTANT
    options = {
        way: {name for one in find(way).params if isinstance(one, click.Option) for name in one.opts} for way in WAYS
    }
    writing = {way for way, names in options.items() if names & {"--output", "--metadata-file", "--update", "--push"}}
    assert writing - known == set()
