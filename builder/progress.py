"""What the library says of its progress, as events; how they look is the caller's business."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives what is going on. Called from the thread that does the work."""

    def step(self, message: str) -> None:
        """A new step begins."""

    def transfer(self, label: str, done: int, total: int) -> None:
        """`done` of `total` bytes of `label` have been moved."""

    def output(self, line: str) -> None:
        """A program that does a part of the work says this of it."""

    def notice(self, sentence: str) -> None:
        """The user should know this, however much progress they want to see: something is not as they may expect."""


class Silent:
    """The `Progress` of callers that do not want to know."""

    def step(self, message: str) -> None:
        """Say nothing."""

    def transfer(self, label: str, done: int, total: int) -> None:
        """Say nothing."""

    def output(self, line: str) -> None:
        """Say nothing."""

    def notice(self, sentence: str) -> None:
        """Say nothing."""
