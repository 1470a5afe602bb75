"""Running the command line as a user does: a process, its two streams and its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from helpers.warm import run_warm

AT_START = ("LANG", "LC_", "LD_", "PYTHON", "TZ")
"""What the names of variables begin with that are looked at as Python starts; of these, a warm start heeds one."""
HEEDED = "PYTHONPATH"


def m2build(
    *arguments: str | Path, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `m2build` in a process of its own, from a warm start unless the environment says how Python has to start."""
    environment = environment or {}
    if any(name.startswith(AT_START) and name != HEEDED for name in environment):
        return from_cold(*arguments, cwd=cwd, environment=environment)
    words = [str(argument) for argument in arguments]
    done = run_warm(words, cwd or Path.cwd(), {**os.environ, **environment})
    return subprocess.CompletedProcess(["m2build", *words], done.code, done.stdout, done.stderr)


def from_cold(
    *arguments: str | Path, cwd: Path | None = None, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run `m2build` in a process of its own that Python starts, as a user's shell does."""
    command = [sys.executable, "-m", "m2build", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def imported(*arguments: str | Path) -> set[str]:
    """The modules that a command has imported when it ends, from a cold start."""
    script = "import sys; from m2build.cli import main; code = main(sys.argv[1:]); "
    script += "print(*sys.modules, file=sys.stderr); sys.exit(code)"
    words = map(str, arguments)
    run = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)
    return set(run.stderr.split())


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
