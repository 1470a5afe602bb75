"""The process behind `warm.py`: it imports all of m2build, and forks for every command that it is sent.

Its one argument is the number of a socket. Each message is a command, with its files: for its stdout, for its stderr,
for how it ended and, unless it reads nothing, for its stdin. The process ends when the socket's other end is closed.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import selectors
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from helpers.rooms import MODULES
from m2build.cli import start

LONGEST = 60
"""CPU seconds that a command may take; one that takes more is ended."""


def serve(orders: socket.socket) -> None:
    """Run commands, several at a time, until the socket is closed."""
    with selectors.DefaultSelector() as selector:
        selector.register(orders, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not orders:
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    _report(*key.data)
                    continue
                message, files, _, _ = socket.recv_fds(orders, 1 << 20, 4)
                if not message:
                    return
                stdout, stderr, output, *stdin = files
                streams = [*zip(stdin, (0,), strict=False), (stdout, 1), (stderr, 2)]
                child = os.fork() or _run(message, streams)
                for stream, _ in streams:
                    os.close(stream)
                selector.register(os.pidfd_open(child), selectors.EVENT_READ, (child, output))


def _run(message: bytes, streams: Iterable[tuple[int, int]]) -> NoReturn:
    """Become the command: with its arguments, folder and variables, and only the usual three open files."""
    order = json.loads(message)
    for stream, number in streams:
        os.dup2(stream, number)
    os.closerange(3, 1024)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
    more = os.environ.get("PYTHONPATH")
    sys.path[:1] = [order["folder"], *(more.split(os.pathsep) if more else [])]  # as for `python -m m2build`
    sys.argv = ["m2build", *order["arguments"]]
    start()


def _report(child: int, output: int) -> None:
    """Report how a command ended: its exit code, its peak memory in megabytes, and its CPU time in seconds."""
    _, status, usage = os.wait4(child, 0)
    ended = [os.waitstatus_to_exitcode(status), usage.ru_maxrss >> 10, usage.ru_utime + usage.ru_stime]
    with suppress(BrokenPipeError):
        os.write(output, json.dumps(ended).encode())
    os.close(output)


if __name__ == "__main__":
    for module in MODULES.keys() - {"m2build.__main__"}:
        import_module(module)
    gc.freeze()  # or else each fork would copy what its garbage collector looks at
    with suppress(KeyboardInterrupt):
        serve(socket.socket(fileno=int(sys.argv[1])))
