"""Commands from a warm start: processes of their own, each forked from one that has imported m2build already.

Importing it takes half a second of CPU time, and the tests run some hundreds of commands.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MEGABYTES, SECONDS = 256, 20
"""The limit for hostile input, in seconds of CPU time: a busy machine takes longer."""


@dataclass(frozen=True)
class Finished:
    """How a command ended.

    Attributes:
        code: the exit code; negative if a signal ended it.
        stdout: what it printed.
        stderr: what it printed there.
        megabytes: its peak memory.
        seconds: CPU time.
    """

    code: int
    stdout: str
    stderr: str
    megabytes: int
    seconds: float

    def check_cost(self) -> None:
        """Check that it kept the bounds for hostile input and did not crash."""
        assert "Traceback" not in self.stderr, self.stderr
        assert self.megabytes < MEGABYTES, self
        assert self.seconds < SECONDS, self


def run_warm(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Finished:
    """Run `m2build` in a folder, with these variables and no others.

    Variables that Python reads at its start have no effect, except PYTHONPATH.
    """
    order = {"arguments": arguments, "folder": str(folder), "environment": dict(environment)}
    pipes = [os.pipe() for _ in range(3)]
    socket.send_fds(_server(), [json.dumps(order).encode()], [theirs for _, theirs in pipes])
    for _, theirs in pipes:
        os.close(theirs)
    with ThreadPoolExecutor(len(pipes)) as pool:
        stdout, stderr, output = pool.map(_read, (ours for ours, _ in pipes))
    code, megabytes, seconds = json.loads(output)
    return Finished(code, stdout, stderr, megabytes, seconds)


_PROGRAM = """#!{python} -IS
import json, os, socket, sys
ours, theirs = os.pipe()
order = {{"arguments": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}}
socket.send_fds(socket.socket(fileno={server}), [json.dumps(order).encode()], [1, 2, theirs, 0])
os.close(theirs)
code = json.loads(open(ours).read())[0]
sys.exit(code if code >= 0 else 128 - code)
"""


def warm_program(path: Path) -> Path:
    """Write a program for shells: `m2build`, from a warm start. What runs it has to inherit `server()`."""
    path.write_text(_PROGRAM.format(python=sys.executable, server=server()), encoding="utf-8")
    path.chmod(0o755)
    return path


def server() -> int:
    """The file by which this process's server is reached, for `pass_fds`."""
    return _server().fileno()


def _read(pipe: int) -> str:
    with open(pipe, encoding="utf-8") as file:
        return file.read()


@cache
def _server() -> socket.socket:
    """The socket of this process's server; both end with this process."""
    stack = ExitStack()
    atexit.register(stack.close)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "helpers.warm_server", str(theirs.fileno())]
        tests = Path(__file__).parents[1]
        stack.enter_context(subprocess.Popen(command, cwd=tests, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]))
    return stack.enter_context(ours)
