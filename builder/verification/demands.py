"""What an image is held against, and how m2build reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from m2build.evidence.requirements import Requirements
    from m2build.locking.model import Lock
    from m2build.patches.series import Series
    from m2build.places.place import Place
    from m2build.programs.cosign import Identity
    from m2build.progress import Progress
    from m2build.recipes.model import Recipe, Selection
    from m2build.registry.access import Access


@dataclass(frozen=True)
class Demands:
    """What an image has to satisfy besides recipe and base; None for nothing.

    Attributes:
        lock: has to agree.
        signer: who has to have signed the image: a public key, as a file or a URI of a key service; or an identity.
        require: rules that a user has written.
    """

    lock: Lock | None = None
    signer: str | Identity | None = None
    require: Requirements | None = None

    def __post_init__(self) -> None:
        """Check that there is a signer if attestations are required.

        Raises:
            UsageError: there is none: an attestation without a signature proves nothing.
        """
        if self.require and self.require.attestations and self.signer is None:
            raise UsageError(
                "attestations are required, but not by whom they have to be signed",
                hint="name the signer with --key, or with --identity and --issuer",
            )


@dataclass(frozen=True)
class Expectation:
    """What an image has to be.

    Attributes:
        wanted: a selection, or a recipe with the profile and the model that the image names, or None for the shipped
            recipe that it names.
        base: where the base is; None for where the recipe says.
        series: the patches that were applied; None for the recipe's own.
        demands: what it has to satisfy besides. With a lock, a base in a registry is taken by the digest that the lock
            has for the base's name.
    """

    wanted: Recipe | Selection | None = None
    base: Place | None = None
    series: Series | None = None
    demands: Demands = Demands()


@dataclass(frozen=True)
class Means:
    """How an image and its base are reached.

    Attributes:
        platform: `os/architecture[/variant]`; None for the recipe's, or else linux/amd64.
        access: how registries are reached.
        environment: where `SOURCE_DATE_EPOCH` is looked for; the default is the time that the image names.
        progress: receives what is read.
    """

    platform: str | None
    access: Access
    environment: Mapping[str, str]
    progress: Progress
