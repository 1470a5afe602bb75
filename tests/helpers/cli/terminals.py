"""Running the command line on a terminal, as users do."""

from __future__ import annotations

import fcntl
import gc
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from m2build.cli import main


def on_a_terminal(
    command: Sequence[str],
    *,
    stdout: int | None = None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    columns: int = 200,
    pass_fds: Sequence[int] = (),
) -> tuple[subprocess.CompletedProcess[str], bytes]:
    """Run a command whose stdout and stderr are a terminal; returns how it ended, and what the terminal received.

    Args:
        command: the program and its arguments.
        stdout: `subprocess.PIPE` to return what the program writes there instead of sending it to the terminal.
        cwd: where it runs.
        environment: variables besides those of this process.
        columns: the terminal's width.
        pass_fds: files that the program inherits.
    """
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    seen: list[bytes] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=secondary if stdout is None else stdout,
        stderr=secondary,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        text=True,
        pass_fds=pass_fds,
    ) as process:
        os.close(secondary)
        _read(primary, seen)
        os.close(primary)
        out = process.stdout.read() if process.stdout else ""
    return subprocess.CompletedProcess(command, process.returncode, out, ""), b"".join(seen)


def printed_on_a_terminal(arguments: Sequence[str], *, encoding: str = "utf-8") -> bytes:
    """What a terminal receives from a command in this process, which saves starting one."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    thresholds = gc.get_threshold()
    try:
        return received_on_a_terminal(lambda: main(arguments), encoding=encoding)
    finally:
        gc.set_threshold(*thresholds)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def received_on_a_terminal(action: Callable[[], object], *, encoding: str = "utf-8") -> bytes:
    """What a terminal receives from output of this process.

    The streams are like those that Python makes for a terminal of that encoding.
    """
    primary, secondary = pty.openpty()
    received: list[bytes] = []
    reader = threading.Thread(target=_read, args=(primary, received))
    reader.start()
    streams = (sys.stdout, sys.stderr)
    sys.stdout = os.fdopen(secondary, "w", encoding=encoding, errors="strict", buffering=1)
    sys.stderr = os.fdopen(os.dup(secondary), "w", encoding=encoding, errors="backslashreplace", buffering=1)
    try:
        action()
    finally:
        sys.stdout.close()
        sys.stderr.close()
        sys.stdout, sys.stderr = streams
        reader.join()
        os.close(primary)
    return b"".join(received)


def _read(primary: int, received: list[bytes]) -> None:
    try:
        while chunk := os.read(primary, 1 << 16):
            received.append(chunk)
    except OSError:  # the terminal's other end is closed
        pass
