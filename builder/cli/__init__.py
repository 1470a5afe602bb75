"""The command line: the only room that prints and exits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code and never raises.

    The imports are in here, so that Ctrl-C is handled even while Python is still importing.
    """
    try:
        import gc

        # A short process makes little garbage and many objects: looking for cycles would take a seventh of its time.
        gc.set_threshold(500_000)
        from m2build.cli.root import run

        return run(arguments)
    except KeyboardInterrupt:
        import contextlib
        import os

        with contextlib.suppress(OSError):  # stderr may be closed
            os.write(2, b"m2build: interrupted; nothing was left half-written\n")
        return _INTERRUPTED


def start() -> NoReturn:
    """Run the command, then end the process at once.

    Freeing hundreds of thousands of objects one by one would take a sixth of a short run's time.
    """
    import atexit
    import contextlib
    import os
    import sys

    code = main()
    atexit._run_exitfuncs()  # noqa: SLF001 - removes temporary folders, which os._exit would skip
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or never there
            stream.flush()
    os._exit(code)


__all__ = ["main", "start"]
