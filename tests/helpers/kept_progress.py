"""Progress that tests look at afterwards."""

from __future__ import annotations

from m2build.progress import Silent


class Kept(Silent):
    """Keeps steps and notices."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.notices: list[str] = []

    def step(self, message: str) -> None:
        self.steps.append(message)

    def notice(self, sentence: str) -> None:
        self.notices.append(sentence)
