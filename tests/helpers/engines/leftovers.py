"""What an engine can leave behind in its folders: processes, mounts, files."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers.support import need_root, need_tool


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder with a short path: a socket's path may have 108 bytes, and podman's own folder 50 characters.

    At the end it is removed: processes that were started with a path in it are killed, and mounts below it are
    unmounted.
    """
    folder = Path(tempfile.mkdtemp(prefix="m2-", dir="/tmp"))
    try:
        yield folder
    finally:
        kill(folder)
        remove(folder)


@contextmanager
def store_folder(folder: Path) -> Iterator[Path]:
    """A new folder for an engine's store, in memory: engines wait for the disk after every small step.

    At the end it is removed, with the mounts below it.
    """
    need_root("mounts a disk")
    folder.mkdir()
    try:
        subprocess.run([need_tool("mount"), "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(folder)], check=True)
        yield folder
    finally:
        remove(folder)


def mounts(folder: Path) -> list[str]:
    """The mount points at a folder or below it, the newest first."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    points = [Path(line.split()[4]) for line in lines]
    return [str(point) for point in reversed(points) if point.is_relative_to(folder)]


def processes(folder: Path) -> list[int]:
    """Processes with a path in a folder on their command line: daemons, and the shims of their containers."""
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if f"{folder}/" in _command_line(entry)]


def kill(folder: Path) -> None:
    """End the processes that were started with a path in a folder, and the containers of shims among them."""
    left = processes(folder)
    for pid in [*(child for parent in left for child in _children(parent)), *left]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while left := processes(folder):
        assert time.monotonic() < deadline, f"processes {left} of {folder} do not end"
        time.sleep(0.02)


def remove(folder: Path) -> None:
    """Remove a folder, once nothing is mounted below it any more."""
    for point in mounts(folder):
        subprocess.run([need_tool("umount"), point], check=True, capture_output=True)
    shutil.rmtree(folder)


def _command_line(process: Path) -> str:
    """Empty for a process that has ended."""
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _children(pid: int) -> list[int]:
    """The children of each of a process's threads."""
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, file.read_text(encoding="ascii").split())
    return found
