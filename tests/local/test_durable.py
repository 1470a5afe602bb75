"""Outputs are synced before they are renamed into place: strace sees `fsync` for each kind of output."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.cli.checkouts import checkout, store
from helpers.support import need_tool, sampled

IMAGE = ("image", "--base", "oci:base", "--tp", "8")
OUTPUTS = {
    "a new layout, and one that is there": (*IMAGE, "--tp", "4", "-o", "oci:out"),
    "a new archive and its account": (*IMAGE, "-o", "oci-archive:out", "--metadata-file", "meta", "--iidfile", "old"),
    "another archive": (*IMAGE, "-o", "docker-archive:old", "--replace"),
    "a context": ("render", "--tp", "8", "--unpinned", "--source", "dir:tree", "-o", "out"),
}
_RENAMED = re.compile(r'^\d+ +(?:rename|link)\("([^"]+)", "([^"]+)"\) += 0', re.MULTILINE)
_SYNCED = re.compile(r"^\d+ +fsync\(\d+<([^>]+)>\) += 0", re.MULTILINE)


@pytest.mark.parametrize("output", sampled(OUTPUTS, every=2))
def test_files_are_synced_before_they_are_renamed_and_folders_after(output: str, tmp_path: Path) -> None:
    checkout(tmp_path / "tree")
    store(f"oci:{tmp_path}/base:base")
    (tmp_path / "old").write_text("old")
    trace = ["-f", "--seccomp-bpf", "-o", str(tmp_path / "log"), "-y", "-s", "4096", "-e", "trace=rename,link,fsync"]
    run = [need_tool("strace"), "-qq", *trace, sys.executable, "-m", "m2build", *OUTPUTS[output]]
    subprocess.run(run, cwd=tmp_path, capture_output=True, check=True)
    log = (tmp_path / "log").read_text()
    renamed = [match for match in _RENAMED.finditer(log) if not match[2].startswith("/") or str(tmp_path) in match[2]]
    assert renamed
    for match in renamed:
        source, target = (tmp_path / match[1]), (tmp_path / match[2])
        before, after = (set(_SYNCED.findall(part)) for part in (log[: match.start()], log[match.end() :]))
        assert str(source) in before, f"{target}: {before}"
        if "/.m2build-tmp-" not in str(target.parent):  # a file of a folder that is brought to the disk as a whole
            assert str(target.parent) in after, f"{target}: {after}"
