"""How progress is shown: on a terminal, in a log, or not at all."""

from __future__ import annotations

import os
import sys
import threading
import time

import click

from m2build.cli.output import clear, note, redraw, story_line
from m2build.progress import amount

_EVERY = 0.1
"""Seconds between two redrawings of a transfer on a terminal."""
_MARKS = 20
"""The width of a bar."""
_EVERY_LINE = 10.0
"""Seconds between two lines about transfers in a log."""
_LARGE = 100_000_000
"""Bytes; the end of a smaller transfer gets no line in a log."""


class TerminalProgress:
    """Progress on a terminal: one line a step, and a bar that is redrawn while bytes move, for all blobs together.

    It is drawn here: click's bar shows one transfer and bypasses our escapes, and rich takes longer to import than
    m2build takes to derive an image again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._drawn = 0.0
        self._began = 0.0
        self._moving: dict[str, tuple[int, int]] = {}

    def step(self, message: str) -> None:
        """Print the step."""
        story_line(message)

    def transfer(self, label: str, done: int, total: int) -> None:
        """Redraw the bar, at most ten times a second; it goes once all transfers are over."""
        now = time.monotonic()
        with self._lock:  # blobs are sent side by side
            self._began = self._began if self._moving else now
            self._moving[label] = (done, total)
            moved, whole = (sum(numbers) for numbers in zip(*self._moving.values(), strict=True))
            name = label if len(self._moving) == 1 else f"{len(self._moving)} blobs"
            is_over = moved >= whole
            if not is_over and now - self._drawn < _EVERY:
                return
            self._drawn = now
            redraw(f"  {name} {_bar(moved, whole, now - self._began)}"[: _width()])
            if is_over:
                self._moving.clear()
                clear()

    def output(self, line: str) -> None:
        """Print the line, indented: it is another program's."""
        story_line(f"  {line.expandtabs()}")

    def notice(self, sentence: str) -> None:
        """Print the sentence."""
        note(sentence)


def _bar(done: int, total: int, seconds: float) -> str:
    """How much has moved; from the first second on how fast, and how long the rest takes at that rate.

    >>> _bar(250_000_000, 1_000_000_000, 2.5)
    '[#####---------------] 25 % of 1.00 GB, 100.0 MB/s, 8 s left'
    """
    share = done / total if total else 1
    marks = int(share * _MARKS)
    text = f"[{'#' * marks}{'-' * (_MARKS - marks)}] {int(100 * share)} % of {amount(total)}"
    if seconds < 1 or not done:
        return text
    left = (total - done) * seconds / done
    return f"{text}, {amount(int(done / seconds))}/s, {_duration(left)} left"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class PlainProgress:
    """Progress in a log: a line a step, and a line every ten seconds while bytes move."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._printed = time.monotonic()
        self._began: dict[str, float] = {}

    def step(self, message: str) -> None:
        """Print the step."""
        story_line(message)

    def transfer(self, label: str, done: int, total: int) -> None:
        """Print how much has moved, how fast, and for how long yet, every ten seconds; and the end of a large one."""
        now = time.monotonic()
        with self._lock:  # blobs are sent side by side
            seconds = now - self._began.setdefault(label, now)
            is_over = done >= total
            if is_over:
                del self._began[label]
            if total < _LARGE if is_over else now - self._printed < _EVERY_LINE:
                return
            self._printed = now
        moved = amount(total) if is_over else f"{amount(done)} of {amount(total)}"
        rate = f", {amount(int(done / seconds))}/s" if seconds > 0 else ""
        left = f", {_duration((total - done) * seconds / done)} left" if done and not is_over else ""
        story_line(f"  {label} {moved} in {seconds:.0f} s{rate}{left}")

    def output(self, line: str) -> None:
        """Print the line, indented: it is another program's."""
        story_line(f"  {line.expandtabs()}")

    def notice(self, sentence: str) -> None:
        """Print the sentence."""
        note(sentence)


class QuietProgress:
    """No progress at all."""

    def step(self, message: str) -> None:
        """Say nothing."""

    def transfer(self, label: str, done: int, total: int) -> None:
        """Say nothing."""

    def output(self, line: str) -> None:
        """Say nothing."""

    def notice(self, sentence: str) -> None:
        """Print the sentence: it is not progress."""
        note(sentence)


def progress(mode: str) -> TerminalProgress | PlainProgress | QuietProgress:
    """The progress of a mode: `auto` redraws on a terminal, and is plain elsewhere, as in `docker buildx build`."""
    if mode == "quiet":
        return QuietProgress()
    is_terminal = mode == "auto" and sys.stderr is not None and sys.stderr.isatty()
    return TerminalProgress() if is_terminal else PlainProgress()


progress_option = click.option(
    "--progress",
    "progress_mode",
    type=click.Choice(["auto", "plain", "quiet"]),
    default="auto",
    show_default=True,
    envvar="M2BUILD_PROGRESS",
    show_envvar=True,
    help="How to show progress on stderr: auto redraws on a terminal and is plain elsewhere.",
)


def _width() -> int | None:
    """The columns that a line may take: the terminal would not clear a wrapped line."""
    try:
        return max(os.get_terminal_size(sys.stderr.fileno()).columns - 1, 0) or None
    except (OSError, ValueError):
        return None
