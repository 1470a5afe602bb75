"""Killing a command at any of its changing system calls: strace on a process that is forked from a warm one.

A new process would take half a second to start, and hundreds are needed. Instead, a server imports all of m2build and
forks for each run. The fork stops itself and goes on when strace is attached, so that each of its calls is counted: one
that only waited for its `TracerPid` could make calls before strace had asked for them.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from helpers.support import lacking, need_tool

CHANGING = (
    "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "mkdir",
    "mkdirat", "rmdir", "truncate", "ftruncate", "chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat",
    "fsync", "fdatasync", "write", "pwrite64", "writev", "copy_file_range", "sendfile", "openat",
)  # fmt: skip
"""Calls that change files or sync them; for `openat`, only those that may create a file."""

_SERVER = """
import json, os, signal, sys
import m2build.cli.root
from m2build.cli import start
from importlib import import_module
from pathlib import Path
import m2build
for package in ("m2build", "m2build.patches", "m2build.recipes"):
    folder = Path(import_module(package).__path__[0])
    for path in sorted(folder.rglob("*.py")):
        parts = [part for part in path.relative_to(folder).with_suffix("").parts if part != "__init__"]
        if parts != ["__main__"]:
            import_module(".".join([package, *parts]))
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(order["folder"])
        os.environ.update(order["environment"])
        for number, name in ((1, order["stdout"]), (2, order["stderr"])):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        if order["traced"]:
            os.kill(os.getpid(), signal.SIGSTOP)
        sys.argv = ["m2build", *order["arguments"]]
        start()
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Call:
    """The n-th call of a name in a run."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


@dataclass(frozen=True)
class Commands:
    """A server that runs commands, in a folder with a cache and a `TMPDIR` of its own."""

    server: subprocess.Popen[str]
    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """A command's variables besides those of this process."""
        return {
            "TMPDIR": str(self.folder / "tmp"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_STATE_HOME": str(self.folder.parent / "key"),
        }

    def run(self, arguments: Sequence[str]) -> None:
        """Run a command that has to succeed."""
        self._start(arguments, traced=False)
        code = self._end()
        assert code == 0, f"{' '.join(arguments)}: exit code {code}: {self.said}"

    def calls(self, arguments: Sequence[str]) -> list[Call]:
        """The changing calls of a command that has to succeed, in order; all in its first thread."""
        log = self.folder.parent / "strace.log"
        child, tracer = self._trace(arguments, "-f", "-o", str(log), "-e", f"trace={','.join(CHANGING)}")
        code = self._end()
        tracer.wait(timeout=20)
        assert code == 0, f"{' '.join(arguments)}: exit code {code}: {self.said}"
        return list(_changing(log.read_text(encoding="utf-8", errors="replace"), child))

    def kill_at(self, arguments: Sequence[str], call: Call) -> None:
        """Run a command, and kill it when it makes a call."""
        code = self.end_at(arguments, call)
        assert code == -signal.SIGKILL, f"{' '.join(arguments)}: was not killed at {call}: {code}, {self.said}"

    def end_at(self, arguments: Sequence[str], call: Call) -> int:
        """Run a command, kill it when one of its threads makes a call, and return its exit code."""
        inject = ["-f", "-e", f"trace={call.name}", "-e", f"inject={call.name}:signal=SIGKILL:when={call.number}"]
        _, tracer = self._trace(arguments, "-o", os.devnull, *inject)
        code = self._end()
        tracer.wait(timeout=20)
        return code

    @property
    def said(self) -> str:
        """What the last command printed on stderr."""
        return (self.folder.parent / "stderr").read_text()

    def _trace(self, arguments: Sequence[str], *options: str) -> tuple[int, subprocess.Popen[bytes]]:
        child = self._start(arguments, traced=True)
        _wait_for(child, "State:\tT")
        command = [need_tool("strace"), "-qq", "-p", str(child), *options]
        said = self.folder.parent / "strace.said"
        with said.open("wb") as file:
            tracer = subprocess.Popen(command, stderr=file)
        _wait_for(child, f"TracerPid:\t{tracer.pid}\n", or_end_of=tracer)
        if tracer.poll() is not None:
            os.kill(child, signal.SIGKILL)
            lacking(f"strace cannot attach: {said.read_text()}")
        os.kill(child, signal.SIGCONT)
        return child, tracer

    def _start(self, arguments: Sequence[str], *, traced: bool) -> int:
        above = self.folder.parent
        order = {
            "arguments": list(arguments),
            "folder": str(self.folder / "work"),
            "environment": dict(self.environment),
            "stdout": str(above / "stdout"),
            "stderr": str(above / "stderr"),
            "traced": traced,
        }
        assert self.server.stdin is not None
        self.server.stdin.write(json.dumps(order) + "\n")
        self.server.stdin.flush()
        return int(self._answer())

    def _end(self) -> int:
        return int(self._answer())

    def _answer(self) -> str:
        assert self.server.stdout is not None
        return self.server.stdout.readline()


def _wait_for(process: int, status: str, *, or_end_of: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until the kernel's account of a process has a line, or until another process ends."""
    deadline = time.monotonic() + 20
    while status not in Path(f"/proc/{process}/status").read_text():
        if or_end_of is not None and or_end_of.poll() is not None:
            return
        assert time.monotonic() < deadline, f"{process} does not say {status!r}"
        time.sleep(0.001)


_CALL = re.compile(r"^(\d+) +(\w+)\((.*)", re.MULTILINE)


def _changing(log: str, process: int) -> Iterator[Call]:
    """The changing calls of a trace, without reads, and without writes to stdout and stderr."""
    counts: Counter[str] = Counter()
    for thread, name, rest in _CALL.findall(log):
        counts[name] += 1
        if name == "openat" and "O_CREAT" not in rest:
            continue
        if name in ("write", "writev") and rest.startswith(("1, ", "2, ")):
            continue
        assert int(thread) == process, f"another thread or process changes files: {name}({rest}"
        yield Call(name, counts[name])


@contextmanager
def commands(folder: Path) -> Iterator[Commands]:
    """A server whose commands run in the folder `work` of a new folder, which has `cache` and `tmp` beside it."""
    need_tool("strace")
    for name in ("work", "cache", "tmp"):
        (folder / name).mkdir(parents=True)
    key = folder.parent / "key/m2build/cache.key"  # it is made once on a machine, and not in the run that is killed
    key.parent.mkdir(parents=True)
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as server:
        try:
            yield Commands(server, folder)
        finally:
            server.kill()
