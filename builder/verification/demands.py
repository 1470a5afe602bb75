"""What an image has to satisfy besides recipe and base: a lock, a signature, a user's requirements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.errors import UsageError

if TYPE_CHECKING:
    from m2build.evidence.requirements import Requirements
    from m2build.locking.model import Lock


@dataclass(frozen=True)
class Demands:
    """What is demanded; None for nothing.

    Attributes:
        lock: has to agree.
        key: the public key whose owner has to have signed the image: a file, or a URI of a key service.
        require: rules that a user has written.
    """

    lock: Lock | None = None
    key: str | None = None
    require: Requirements | None = None

    def __post_init__(self) -> None:
        """Check that there is a key if attestations are required.

        Raises:
            UsageError: there is none: an attestation without a signature proves nothing.
        """
        if self.require and self.require.attestations and self.key is None:
            raise UsageError(
                "attestations are required, but there is no key to check their signatures with",
                hint="name it with --key",
            )
