"""The library's progress, as events; the caller decides how they look."""

from __future__ import annotations

from typing import Protocol

from m2build.local.printable import printable

WORTH_SAYING = 64 << 20
"""Bytes from which a step announces how much it is about to move."""


def amount(size: int) -> str:
    """A number of bytes for people.

    >>> amount(18_452_480), amount(20_314_000_000)
    ('18.5 MB', '20.31 GB')
    """
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


class Progress(Protocol):
    """Receives progress. Called from the thread that does the work."""

    def step(self, message: str) -> None:
        """A new step begins."""

    def transfer(self, label: str, done: int, total: int) -> None:
        """`done` of `total` bytes of `label` have been moved."""

    def output(self, line: str) -> None:
        """A program that does a part of the work prints this line."""

    def notice(self, sentence: str) -> None:
        """Something that the user should know, however little progress they want to see: it may be unexpected."""


class Silent:
    """A `Progress` that ignores everything."""

    def step(self, message: str) -> None:
        """Say nothing."""

    def transfer(self, label: str, done: int, total: int) -> None:
        """Say nothing."""

    def output(self, line: str) -> None:
        """Say nothing."""

    def notice(self, sentence: str) -> None:
        """Say nothing."""


class Logged:
    """A `Progress` that passes everything on, and logs it under `m2build`.

    Steps are logged as INFO, notices as WARNING, programs' output as DEBUG; transfers are not logged. Nothing is shown
    until the application asks for it, as with `logging.basicConfig(level="INFO")`. No message contains a secret, and
    each is one printable line, whatever names are in it.

    >>> import logging
    >>> logging.getLogger("m2build").setLevel(logging.INFO)  # m2build's messages only
    >>> Logged().step("reading layer 84f75399b239 (18.5 MB)")
    """

    def __init__(self, progress: Progress | None = None) -> None:
        """Log, and pass on to `progress`, if there is one."""
        import logging  # the command line starts without it

        self._progress = progress or Silent()
        self._log = logging.getLogger("m2build")
        if not self._log.handlers:
            self._log.addHandler(logging.NullHandler())  # or a warning would go to stderr unasked

    def step(self, message: str) -> None:
        """Log the step as INFO."""
        self._log.info("%s", printable(message))
        self._progress.step(message)

    def transfer(self, label: str, done: int, total: int) -> None:
        """Log nothing: it is called for every piece."""
        self._progress.transfer(label, done, total)

    def output(self, line: str) -> None:
        """Log the line as DEBUG."""
        self._log.debug("%s", printable(line))
        self._progress.output(line)

    def notice(self, sentence: str) -> None:
        """Log the sentence as WARNING."""
        self._log.warning("%s", printable(sentence))
        self._progress.notice(sentence)
