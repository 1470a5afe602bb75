"""Running the command line many times, measured: a process that has imported m2build forks for each run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from helpers.measured import MEGABYTES, SECONDS

_SERVER = """
import json, os, resource, signal, sys
import m2build.cli.image, m2build.cli.inspect, m2build.cli.push, zstandard
import m2build.derivation.derive, m2build.derivation.remembered
from m2build.cli import main
for line in sys.stdin:
    arguments, environment, folder, out, err = json.loads(line)
    child = os.fork()
    if not child:
        os.environ.update(environment)
        os.chdir(folder)
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        sys.argv = ["m2build", *arguments]
        try:
            code = main()
        except SystemExit as error:
            code = error.code
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code or 0)
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps([code, usage.ru_maxrss >> 10, usage.ru_utime + usage.ru_stime]), flush=True)
"""


@dataclass(frozen=True)
class Run:
    """The result of a run.

    Attributes:
        code: the exit code; negative if a signal ended it.
        stdout: what it printed.
        stderr: what it printed there.
        megabytes: its peak memory.
        seconds: of CPU time.
    """

    code: int
    stdout: str
    stderr: str
    megabytes: int
    seconds: float

    def check_cost(self) -> None:
        """Check that it stayed within the bounds for hostile input, and did not crash."""
        assert "Traceback" not in self.stderr, self.stderr
        assert self.megabytes < MEGABYTES, self
        assert self.seconds < SECONDS, self


class Measured:
    """Runs of the command line in one folder."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder

    def run(self, *arguments: str | Path, cache: str = "cache") -> Run:
        """Run it, with a cache of its own below the folder."""
        out, err = self._folder / "stdout", self._folder / "stderr"
        environment = {"XDG_CACHE_HOME": str(self._folder / cache), "NO_COLOR": "1", "M2BUILD_PROGRESS": "quiet"}
        order = [list(map(str, arguments)), environment, str(self._folder), str(out), str(err)]
        print(json.dumps(order), file=_pipe(self._process.stdin), flush=True)
        code, megabytes, seconds = json.loads(_pipe(self._process.stdout).readline())
        return Run(code, out.read_text(errors="replace"), err.read_text(errors="replace"), megabytes, seconds)


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


@contextmanager
def measured(folder: Path) -> Iterator[Measured]:
    """A process that runs the command line, until the block ends."""
    command: Sequence[str] = [sys.executable, "-c", _SERVER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as process:
        try:
            yield Measured(process, folder)
        finally:
            _pipe(process.stdin).close()
            process.wait(timeout=60)
