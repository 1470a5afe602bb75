"""Commands that are measured: hostile input must not cost memory or time."""

from __future__ import annotations

import os
from pathlib import Path

from helpers.warm import MEGABYTES, SECONDS, Finished, run_warm


def measured(*arguments: str | Path, cwd: Path) -> Finished:
    """Run `m2build`, from a warm start; the memory that it starts with counts."""
    run = run_warm(list(map(str, arguments)), cwd, os.environ)
    assert run.code >= 0, f"ended by a signal: {run.code}"
    return run


def assert_cheap(run: Finished) -> None:
    """Check that a command stayed within the limits for hostile input, with a short message and no traceback."""
    assert run.megabytes < MEGABYTES, run
    assert run.seconds < SECONDS, run
    assert run.stderr.startswith("m2build: "), run
    assert "internal error" not in run.stderr
    assert len(run.stderr.splitlines()) <= 25, run.stderr
    assert len(run.stderr) < 8000, len(run.stderr)
