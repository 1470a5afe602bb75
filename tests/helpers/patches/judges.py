"""Other tools that apply patches: `git apply`, `patch -p1`, quilt."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Protocol

from helpers.support import need_tool

PLAIN = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CEILING_DIRECTORIES": "/",
    "QUILT_PATCHES": "patches",
    "QUILTRC": os.devnull,
    "LC_ALL": "C.UTF-8",
}


def run(command: list[str | Path], folder: Path, *, stdin: bytes = b"") -> bytes:
    """Run a tool that has to succeed, without the user's configuration."""
    need_tool(str(command[0]))
    done = subprocess.run(
        command, cwd=folder, input=stdin, env={**os.environ, **PLAIN}, capture_output=True, check=False
    )
    assert done.returncode == 0, (command, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    return done.stdout


class Judge(Protocol):
    """Applies a diff in a folder, forwards or in reverse."""

    def __call__(self, diff: bytes, folder: Path, *, reverse: bool = False) -> None: ...


def accepts(command: list[str | Path], folder: Path, *, stdin: bytes = b"") -> bool:
    """Whether a tool succeeds, without the user's configuration."""
    need_tool(str(command[0]))
    environment = {**os.environ, **PLAIN}
    done = subprocess.run(command, cwd=folder, input=stdin, env=environment, capture_output=True, check=False)
    return done.returncode == 0


def git_apply(diff: bytes, folder: Path, *, reverse: bool = False) -> None:
    """`git apply`, which never uses fuzz."""
    run(["git", "apply", "--whitespace=nowarn", *(["--reverse"] if reverse else []), "-"], folder, stdin=diff)


def gnu_patch(diff: bytes, folder: Path, *, reverse: bool = False) -> None:
    """`patch -p1`, without fuzz and without questions."""
    run(["patch", "-p1", "--batch", "--fuzz=0", *(["--reverse"] if reverse else [])], folder, stdin=diff)
    assert not [path for path in folder.rglob("*") if path.suffix in (".orig", ".rej")]
