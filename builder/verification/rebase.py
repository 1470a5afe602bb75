"""What an image has to be before it is derived anew on another base: what recipe and base give, and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.errors import ContentError, UsageError
from m2build.labels import STAND_IN
from m2build.places.place import ENGINE_STORES, Place, PlaceKind
from m2build.places.transports import read_image
from m2build.recipes.model import Selection
from m2build.verification.demands import Expectation, Means
from m2build.verification.findings import Finding
from m2build.verification.origin import claimed_base, claimed_selection
from m2build.verification.verify import default_platform, verify_found

if TYPE_CHECKING:
    from m2build.oci.config import ImageConfig


def claims(place: Place, expectation: Expectation, means: Means) -> tuple[Selection, Place]:
    """What an image says that it is: the selection, and where its own base is. Only its config is read.

    Without a base, that is where the image's labels say, by digest: deriving anew takes nothing from there.

    Raises:
        UsageError: the image names no recipe, model or profile that is known, or its labels name no base.
        M2BuildError: as `verify_image`.
    """
    wanted = expectation.wanted
    config = _config(place, means.platform or default_platform(wanted), means)
    selection = wanted if isinstance(wanted, Selection) else claimed_selection(config.labels, wanted)
    if isinstance(selection, Finding):
        raise UsageError(f"{place} cannot be derived anew: {selection.message}")
    return selection, expectation.base or _own_base(config, place)


def prove(place: Place, claimed: Expectation, means: Means) -> None:
    """Prove, as `verify_image` does, that an image is what it says.

    Whatever that does not explain, such as a layer that was added later, would be lost on another base.

    Raises:
        ContentError: the image is something else, or is truncated, altered or malformed.
        M2BuildError: as `verify_image`.
    """
    platform = means.platform or default_platform(claimed.wanted)
    found = read_image(place, platform, means.access, progress=means.progress)
    proof = verify_found(found, place, claimed, means)
    if proof.findings:
        first, more = proof.findings[0], len(proof.findings) - 1
        what = f"{first.id}, {first.path}: {first.message}" if first.path else f"{first.id}: {first.message}"
        raise ContentError(
            f"{place} is not what recipe and base give, and the difference would be lost: {what}"
            + f"; and {more} more" * bool(more),
            hint="`m2build verify` lists them; repeat --recipe, --set, --env, --label and --annotation as they were "
            "given to `m2build image`",
        )


def _config(place: Place, platform: str, means: Means) -> ImageConfig:
    if place.kind in ENGINE_STORES:  # where reading the image copies all of it
        from m2build.places.engine_store import find_local_image  # it needs other programs

        return find_local_image(place).config
    return read_image(place, platform, means.access, progress=means.progress).image.config


def _own_base(config: ImageConfig, place: Place) -> Place:
    """Where the labels say that the base is, a release as a stand-in included."""
    stand_in = config.labels.get(STAND_IN, "")
    if stand_in.startswith(f"{PlaceKind.PYPI}:"):
        return Place.parse(stand_in)
    try:
        return claimed_base(config, place)
    except UsageError as error:
        raise UsageError(error.message, hint="add --old-base PLACE") from error
