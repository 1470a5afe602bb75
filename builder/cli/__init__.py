"""The command line: the only room that prints and exits."""

from __future__ import annotations

from collections.abc import Sequence

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

        with contextlib.suppress(OSError):  # nobody has to listen
            os.write(2, b"m2build: interrupted; nothing was left half-written\n")
        return _INTERRUPTED


__all__ = ["main"]
