"""Another program in place of this process: it has the terminal, the signals and the exit code."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from m2build.errors import EngineError


def become(command: list[str]) -> NoReturn:
    """Replace this process by a program; nothing after it runs.

    Raises:
        EngineError: it cannot be started.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream:
            stream.flush()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and the program would, too
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - a shell is not needed
    except OSError as error:
        raise EngineError(f"{command[0]} cannot be started: {error.strerror}") from error
