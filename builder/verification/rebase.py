"""What an image has to be before it is derived anew on another base: what recipe and base give, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from m2build.errors import ContentError, UsageError
from m2build.labels import STAND_IN
from m2build.places.place import Place, PlaceKind, parse_place
from m2build.places.transports import read_image
from m2build.recipes.model import Recipe, Selection
from m2build.verification.demands import Demands
from m2build.verification.findings import Finding
from m2build.verification.origin import claimed_base, claimed_selection
from m2build.verification.verify import default_platform, verify_found

if TYPE_CHECKING:
    from m2build.oci.config import ImageConfig
    from m2build.patches.series import Series
    from m2build.progress import Progress
    from m2build.registry.access import Access


def proven_selection(
    place: Place,
    wanted: Recipe | Selection | None,
    base: Place | None,
    *,
    series: Series | None,
    platform: str | None,
    access: Access,
    environment: Mapping[str, str],
    progress: Progress,
) -> Selection:
    """The selection that an image is, proven as `verify_image` proves it.

    Whatever the selection does not explain, such as a layer that was added later, would be lost on another base.

    Args:
        place: where the image is.
        wanted: what it has to be; None for the shipped recipe that it names.
        base: where its base is; None for where its labels say, by digest: deriving anew takes nothing from there.
        series: the patches that were applied; None for the recipe's own.
        platform: `os/architecture[/variant]`; None for the recipe's, or else linux/amd64.
        access: how registries are reached.
        environment: where `SOURCE_DATE_EPOCH` is looked for; the default is the time that the image names.
        progress: receives what is read.

    Raises:
        ContentError: the image is something else, or is truncated, altered or malformed.
        UsageError: the image names no recipe, model or profile that is known, or its labels name no base.
        M2BuildError: as `verify_image`.
    """
    platform = platform or default_platform(wanted)
    found = read_image(place, platform, access, progress=progress)
    labels = found.image.config.labels
    selection = wanted if isinstance(wanted, Selection) else claimed_selection(labels, wanted)
    if isinstance(selection, Finding):
        raise UsageError(f"{place} cannot be derived anew: {selection.message}")
    proof = verify_found(
        found, place, selection, base or _own_base(found.image.config, place),
        series=series, demands=Demands(), platform=platform, access=access, environment=environment, progress=progress,
    )  # fmt: skip
    if proof.findings:
        first, more = proof.findings[0], len(proof.findings) - 1
        what = f"{first.id}, {first.path}: {first.message}" if first.path else f"{first.id}: {first.message}"
        raise ContentError(
            f"{place} is not what recipe and base give, and the difference would be lost: {what}"
            + f"; and {more} more" * bool(more),
            hint="`m2build verify` lists them; repeat --recipe, --set, --env, --label and --annotation as they were "
            "given to `m2build image`",
        )
    return selection


def _own_base(config: ImageConfig, place: Place) -> Place:
    """Where the labels say that the base is, a release as a stand-in included."""
    stand_in = config.labels.get(STAND_IN, "")
    if stand_in.startswith(f"{PlaceKind.PYPI}:"):
        return parse_place(stand_in)
    try:
        return claimed_base(config, place)
    except UsageError as error:
        raise UsageError(error.message, hint="add --old-base PLACE") from error
