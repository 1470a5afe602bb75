"""Whether the image at a destination can be the one to derive: writing the same image again is not a conflict.

This is checked before the base is read, so the labels decide, and not the digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from m2build import __version__
from m2build.labels import OWN, PROFILE
from m2build.oci.config import ImageConfig

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.recipes.model import Selection


def labels_of(selection: Selection, base: Base | None = None) -> Mapping[str, str]:
    """What the labels of a selection's image will say, as far as that is known."""
    known = {
        f"{OWN}version": __version__,
        f"{OWN}recipe": selection.recipe.name,
        f"{OWN}model": selection.model.repo,
        PROFILE: selection.profile_id,
    }
    digest = base.manifest_digest if base else None
    return known | ({f"{OWN}base.manifest": str(digest)} if digest else {})


def can_be(config: ImageConfig, labels: Mapping[str, str]) -> bool:
    """Whether an image with this config can be the one that will have these labels."""
    return labels.items() <= config.labels.items()
