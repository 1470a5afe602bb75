"""A command in its own process, measured: hostile input must not cost memory or time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

MEGABYTES, SECONDS = 256, 20
"""The limit for hostile input, in seconds of CPU time: a busy machine takes longer."""


@dataclass(frozen=True)
class Measured:
    """How a command ended, and what it cost."""

    code: int
    stderr: str
    megabytes: int
    seconds: float


_RUN = """
import re, sys
from m2build.cli import main
code = main(sys.argv[2:])
with open(sys.argv[1], "w") as peak:  # getrusage would count this process's parent, up to the fork
    peak.write(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
sys.exit(code)
"""


def measured(*arguments: str | Path, cwd: Path) -> Measured:
    """Run `m2build`, with a timeout."""
    stderr, peak = cwd / ".stderr", cwd / ".peak"
    with stderr.open("wb") as file:
        command = [sys.executable, "-c", _RUN, str(peak), *map(str, arguments)]
        process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=file)
    overdue = threading.Timer(5 * SECONDS, process.kill)
    overdue.start()
    _, status, usage = os.wait4(process.pid, 0)
    overdue.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode >= 0, f"ended by a signal: {process.returncode}"
    megabytes = int(peak.read_text()) // 1024
    return Measured(process.returncode, stderr.read_text(), megabytes, usage.ru_utime + usage.ru_stime)


def assert_cheap(run: Measured) -> None:
    """Check that a command stayed within the limits for hostile input, with a short message and no traceback."""
    assert run.megabytes < MEGABYTES, run
    assert run.seconds < SECONDS, run
    assert run.stderr.startswith("m2build: "), run
    assert "internal error" not in run.stderr
    assert len(run.stderr.splitlines()) <= 25, run.stderr
    assert len(run.stderr) < 8000, len(run.stderr)
