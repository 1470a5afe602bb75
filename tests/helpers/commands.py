"""Running the command line as a user does: a process, its two streams and its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def m2build(
    *arguments: str | Path, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `m2build` in its own process."""
    command = [sys.executable, "-m", "m2build", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )


def succeeds(*arguments: str | Path, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run it, expect success and nothing on stderr, and return stdout."""
    run = m2build(*arguments, cwd=cwd, environment=environment)
    assert (run.returncode, run.stderr) == (0, ""), run.stderr
    return run.stdout


def refused(
    code: int, *arguments: str | Path, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """Run it, expect an exit code, one or two lines on stderr and no traceback, and return stderr."""
    run = m2build(*arguments, cwd=cwd, environment=environment)
    assert run.returncode == code, (run.returncode, run.stdout, run.stderr)
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    return run.stderr
