"""How results, stories and progress look: stdout is the result, stderr is the story."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import TextIO

import click

_EVERY = 0.1
"""Seconds between two redrawings of a transfer."""


def silence(stream: TextIO | None) -> None:
    """Send a stream to nowhere: nobody reads it, and the interpreter must not try to flush to it again at its end."""
    if stream is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def tell(text: str) -> None:
    """Write to stderr; that nobody listens to the story is no reason not to do the work."""
    try:
        click.echo(text, err=True, nl=False)
    except OSError:
        silence(sys.stderr)


class TerminalProgress:
    """Progress on a terminal: one line a step, and a percentage that is redrawn while bytes move."""

    def __init__(self) -> None:
        self._drawn = 0.0

    def step(self, message: str) -> None:
        """Print the step."""
        tell(f"\r\x1b[K{message}\n")

    def transfer(self, label: str, done: int, total: int) -> None:
        """Redraw the percentage, at most ten times a second."""
        now = time.monotonic()
        if done < total and now - self._drawn < _EVERY:
            return
        self._drawn = now
        share = 100 * done // total if total else 100
        end = "" if done < total else "\r\x1b[K"
        tell(f"\r\x1b[K  {label} {share} % of {total / 1e6:.1f} MB{end}")

    def output(self, line: str) -> None:
        """Print the line."""
        tell(f"\r\x1b[K{line}\n")


class PlainProgress:
    """Progress in a log: one line a step and nothing else."""

    def step(self, message: str) -> None:
        """Print the step."""
        tell(f"{message}\n")

    def transfer(self, label: str, done: int, total: int) -> None:
        """Say nothing: a log has no use for percentages."""

    def output(self, line: str) -> None:
        """Print the line."""
        tell(f"{line}\n")


class QuietProgress(PlainProgress):
    """No progress at all."""

    def step(self, message: str) -> None:
        """Say nothing."""

    def output(self, line: str) -> None:
        """Say nothing."""


def progress(mode: str) -> TerminalProgress | PlainProgress:
    """The progress of a mode: `auto` shows it when stderr is a terminal."""
    if mode == "auto":
        return TerminalProgress() if sys.stderr.isatty() else QuietProgress()
    return PlainProgress() if mode == "plain" else QuietProgress()


progress_option = click.option(
    "--progress",
    "progress_mode",
    type=click.Choice(["auto", "plain", "quiet"]),
    default="auto",
    show_default=True,
    help="How to tell what is going on, on stderr.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def print_json(value: Mapping[str, object] | list[object]) -> None:
    """Print a value as indented JSON on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
