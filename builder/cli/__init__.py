"""The command line: the only room that prints and exits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code and never raises.

    What it needs is imported in here, so that Ctrl-C gets its answer also while Python is still importing.
    """
    try:
        from m2build.cli.root import run

        return run(arguments)
    except KeyboardInterrupt:
        import contextlib
        import os

        with contextlib.suppress(OSError):  # stderr may be closed
            os.write(2, b"m2build: interrupted; nothing was left half-written\n")
        return _INTERRUPTED


def start() -> NoReturn:
    """The process of the command: run it, and end at once.

    To take apart hundreds of thousands of objects before the memory goes anyway would be a sixth of a short run's time.
    """
    import atexit
    import contextlib
    import os
    import sys

    code = main()
    atexit._run_exitfuncs()  # noqa: SLF001 - temporary folders go there; os._exit leaves it out
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or never there
            stream.flush()
    os._exit(code)


__all__ = ["main", "start"]
