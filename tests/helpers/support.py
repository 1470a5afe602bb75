"""What several test modules need; a test without it is skipped, or fails in CI."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest


def lacking(reason: str) -> NoReturn:
    """Skip a test that lacks something on a developer's machine; in CI, and with --require-engines, it fails.

    `choosing.py` implements the option, also for tests that are skipped in another way.
    """
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def sampled(cases: Iterable[object], every: int) -> list[object]:
    """The cases of a long list as parameters: every n-th in each test run, the others with the sweeps."""
    marks = [pytest.mark.sweep]
    return [pytest.param(case, marks=marks if number % every else []) for number, case in enumerate(cases)]


def sampled_rows(rows: Iterable[Sequence[object]], every: int) -> list[object]:
    """The same for rows, each of which has the values of several parameters."""
    return [pytest.param(*row, marks=[pytest.mark.sweep] if number % every else []) for number, row in enumerate(rows)]


def in_shares(count: int) -> pytest.MarkDecorator:
    """A property's examples in so many shares: the first in each run of the tests, the others with the sweeps."""
    return pytest.mark.parametrize("share", sampled(range(count), every=count))


def need_tool(name: str) -> str:
    """The path of another tool."""
    return shutil.which(name) or lacking(f"{name} is missing")


def need_root(purpose: str) -> None:
    """Check that the tests run as root."""
    if os.geteuid() != 0:
        lacking(f"only root {purpose}")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A separate disk at a new folder, of a size such as `64k`."""
    need_root("mounts a disk")
    folder.mkdir()
    mount = [need_tool("mount"), "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(folder)]
    run = subprocess.run(mount, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        lacking(f"a disk cannot be mounted: {run.stderr}")
    try:
        yield folder
    finally:
        subprocess.run([need_tool("umount"), str(folder)], check=True)


def null_device(path: Path) -> Path:
    """A new null device: with the machine's, a mistake would replace it."""
    need_root("makes devices")
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        path.write_bytes(b"")
    except PermissionError:
        lacking("devices cannot be made here")
    return path
