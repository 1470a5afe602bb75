"""What is known of a launch configuration that was not refused; a remembered one needs nothing else of this room."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from m2build.launch.findings import Finding

if TYPE_CHECKING:
    from m2build import printed


@dataclass(frozen=True)
class LaunchProof:
    """What is known of a launch configuration that was not refused.

    Attributes:
        server: which server's flags it was held against, as `SGLang 0.5.7`; None if nothing is proven.
        reason: why nothing is proven; None if the server accepts the command line.
        warnings: what the server starts with, but should not.
        unjudged: flags of which a value was not looked at, and why.
    """

    server: str | None
    reason: str | None = None
    warnings: tuple[Finding, ...] = ()
    unjudged: tuple[str, ...] = ()

    @property
    def is_proven(self) -> bool:
        """Whether the server accepts the command line."""
        return self.reason is None

    @property
    def notices(self) -> tuple[str, ...]:
        """What was not checked, one sentence each. Warnings are not among them: they are about running, not making."""
        if self.reason is not None:
            return (f"launch flags not provable for this base: {self.reason}",)
        return (f"of the launch flags, not judged: {'; '.join(self.unjudged)}",) if self.unjudged else ()

    def document(self) -> printed.LaunchProof:
        """The proof as JSON: its attributes, and whether anything is proven."""
        return {
            "proven": self.is_proven,
            "server": self.server,
            "reason": self.reason,
            "warnings": [warning.document() for warning in self.warnings],
            "unjudged": list(self.unjudged),
        }

    def encoded(self) -> bytes:
        """The proof as JSON, for `decoded`."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decoded(cls, data: bytes) -> LaunchProof:
        """The proof that `encoded` gave."""
        values = json.loads(data)
        warnings = tuple(Finding(**warning) for warning in values["warnings"])
        return cls(**{**values, "warnings": warnings, "unjudged": tuple(values["unjudged"])})
