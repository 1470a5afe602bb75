"""Running the command line on a terminal, as people do."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path


def on_a_terminal(
    command: Sequence[str],
    *,
    stdout: int | None = None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    columns: int = 200,
) -> tuple[subprocess.CompletedProcess[str], bytes]:
    """Run a command whose stdout and stderr are a terminal; returns how it ended, and what the terminal received.

    Args:
        command: the program and its arguments.
        stdout: `subprocess.PIPE` for what the program writes there to be in the first value and not on the terminal.
        cwd: where it runs.
        environment: variables besides those of this process.
        columns: the terminal's width.
    """
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    seen = b""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=secondary if stdout is None else stdout,
        stderr=secondary,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        text=True,
    ) as process:
        os.close(secondary)
        try:
            while chunk := os.read(primary, 1 << 16):
                seen += chunk
        except OSError:  # the terminal's other end is closed
            pass
        os.close(primary)
        out = process.stdout.read() if process.stdout else ""
    return subprocess.CompletedProcess(command, process.returncode, out, ""), seen
