"""A command in a process of its own, with what it cost: hostile input may take neither memory nor time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

MEGABYTES, SECONDS = 256, 20
"""What any hostile input may cost, the seconds of a processor: a busy machine takes longer."""


@dataclass(frozen=True)
class Measured:
    """How a command ended, and what it took."""

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
    """Run `m2build`; a process that does not end is ended."""
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
    """See that a command kept within what hostile input may cost, with a message of a few lines and no traceback."""
    assert run.megabytes < MEGABYTES, run
    assert run.seconds < SECONDS, run
    assert run.stderr.startswith("m2build: "), run
    assert "internal error" not in run.stderr
    assert len(run.stderr.splitlines()) <= 25, run.stderr
    assert len(run.stderr) < 8000, len(run.stderr)
