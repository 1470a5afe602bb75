"""What is wrong with a launch configuration, and where the rule comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from m2build import printed


@dataclass(frozen=True)
class Finding:
    """One rule that a launch configuration breaks.

    Attributes:
        rule: the rule's id, as `unknown-flag` or `fp8-block`; ids stay what they are.
        message: one sentence with the figures that break it.
        hint: the next step.
        source: where the rule comes from, a link or a file of the base's sources with its line.
        is_fatal: whether the server cannot run so; otherwise it is a warning.
    """

    rule: str
    message: str
    hint: str
    source: str
    is_fatal: bool = True

    def document(self) -> printed.LaunchFinding:
        """The finding as JSON."""
        return {
            "rule": self.rule,
            "message": self.message,
            "hint": self.hint,
            "source": self.source,
            "is_fatal": self.is_fatal,
        }
