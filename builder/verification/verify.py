"""Verification: the plan is made again from recipe and base, and the image has to be what it gives.

Nothing of the build is trusted: neither labels nor the account in the image, nor the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from m2build.base.elsewhere import pulled
from m2build.base.open import open_base
from m2build.derivation.applied import applied_series
from m2build.derivation.derive import derive_all, planned_sources
from m2build.derivation.image import build
from m2build.errors import ContentError, UsageError
from m2build.inspection.content import Content, read_content
from m2build.layers.contents import read_members
from m2build.layers.members import EVERYTHING
from m2build.local.cache import cache_in
from m2build.local.temporary import temporary_folder
from m2build.locking.plans import HeldLock
from m2build.places.place import Place, PlaceKind, registry_place
from m2build.places.transports import find_image
from m2build.recipes.model import Recipe, Selection
from m2build.verification.base import claim_findings, on_base, prefix_findings, stand_in_finding, stored_findings
from m2build.verification.findings import Finding, without_repeats
from m2build.verification.locked import lock_findings
from m2build.verification.members import Overlay, layer_findings
from m2build.verification.origin import at_claimed_time, claimed_selection
from m2build.verification.paths import path_findings
from m2build.verification.result import Verification
from m2build.verification.settings import annotation_findings, config_findings
from m2build.verification.settled import settled_findings

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.derivation.plan import Plan
    from m2build.locking.model import Lock
    from m2build.oci.image import Image
    from m2build.patches.series import Series
    from m2build.progress import Progress
    from m2build.registry.access import Access

_PLATFORM = "linux/amd64"
"""The platform of all recipes that an image can name."""


def verify_image(
    place: Place,
    wanted: Recipe | Selection | None,
    base: Place | None,
    *,
    series: Series | None,
    lock: Lock | None,
    platform: str | None,
    access: Access,
    environment: Mapping[str, str],
    progress: Progress,
) -> Verification:
    """Compare the image at a place with what recipe and base give.

    Args:
        place: where the image is.
        wanted: what it has to be: a selection, or a recipe with the profile and the model that the image names, or
            None for the shipped recipe that it names.
        base: where the base is; None for where the recipe says.
        series: the patches that were applied; None for the recipe's own.
        lock: has to agree; a base in a registry is taken by the digest that it has for the base's name. None for no
            lock.
        platform: `os/architecture[/variant]`; None for the recipe's, or else linux/amd64.
        access: how registries are reached.
        environment: where `SOURCE_DATE_EPOCH` is looked for; the default is the time that the image names.
        progress: receives what is read.

    Raises:
        UsageError: a place does not exist, or has no such image; or there is a lock, and the base has no digest.
        ContentError: the base is truncated, altered or malformed; of the image, that is a finding.
        PatchError: a patch does not apply to the base.
        TransportError: a registry does not deliver.
        EngineError: a container engine does not export its image.
        StorageError: a file cannot be read.
    """
    if platform is None:
        recipe = wanted.recipe if isinstance(wanted, Selection) else wanted
        platform = recipe.base.platform if recipe else _PLATFORM
    try:
        found = find_image(place, platform, access, progress=progress)
        found.image.config.check(layers=len(found.image.manifest.layers))
        labels = found.image.config.labels
    except ContentError as error:
        return Verification(str(place), findings=(Finding("image-malformed", "", str(error)),))
    result = Verification(str(place), str(found.digest))
    selection = wanted if isinstance(wanted, Selection) else claimed_selection(labels, wanted)
    if isinstance(selection, Finding):
        return replace(result, findings=(selection,))
    result = replace(result, recipe=selection.recipe.name, profile=selection.profile_id, model=selection.model.repo)
    if base is None and (finding := stand_in_finding(found.image)):
        return replace(result, findings=(finding,))
    origin = base or registry_place(selection.recipe.base.image)
    origin = HeldLock(lock).pinned(origin) if lock else origin
    with pulled(origin):
        roots = selection.recipe.roots
        opened = open_base(origin, roots=roots, platform=platform, access=access, progress=progress).read_whole()
    result = replace(
        result,
        base=opened.name or opened.stand_in,
        base_digest=str(opened.digest),
        base_layers=len(opened.config.diff_ids),
    )
    expected = partial(_expected, selection, opened, series, at_claimed_time(environment, labels), progress)
    with temporary_folder() as folder, cache_in(folder / "cache"):
        content, findings = _compared(
            found.image, opened, expected, lock, is_remote=place.kind is PlaceKind.REGISTRY, progress=progress
        )
    return replace(result, content=content, findings=without_repeats(findings))


@dataclass(frozen=True)
class _Expected:
    """What the image has to be.

    Attributes:
        plan: what decides it.
        image: as the embedded engine makes it.
        overlay: the members of its one layer above the base.
        content: how it differs from the base, whichever engine makes it.
        unsettled: what the patches find to do in their own result.
    """

    plan: Plan
    image: Image
    overlay: Overlay
    content: Content
    unsettled: tuple[Finding, ...]


def _expected(
    selection: Selection, base: Base, series: Series | None, environment: Mapping[str, str], progress: Progress
) -> _Expected:
    """What recipe and base give."""
    lower = on_base(_image(base), _image(base))  # read once, into the cache of this verification, wherever it is
    base = replace(base, image=lower)
    applied = applied_series(selection.recipe, series)
    (plan,), _ = derive_all([selection], base, environment=environment, progress=progress, series=applied)
    image = build(plan)
    overlay = read_members(image, image.manifest.layers[-1], image.config.diff_ids[-1], EVERYTHING)
    content = read_content(on_base(image, lower), len(base.config.diff_ids), progress)
    trees = planned_sources(plan, progress)
    unsettled = tuple(finding for one in plan.sources for finding in settled_findings(one.changeset, trees[one.name]))
    return _Expected(plan, image, overlay, content, unsettled)


def _compared(
    image: Image,
    base: Base,
    expected: Callable[[], _Expected],
    lock: Lock | None,
    *,
    is_remote: bool,
    progress: Progress,
) -> tuple[str | None, list[Finding]]:
    """The digest of an image's content, if that can be read, and the findings; if it is not on the base, only those."""
    findings = [*claim_findings(image, base), *prefix_findings(image, base)]
    if any(finding.id == "base-layers" for finding in findings):
        return None, findings
    lower, height = _image(base), len(base.config.diff_ids)
    findings += stored_findings(image, lower, is_remote=is_remote, progress=progress)
    wanted = expected()
    above = list(layer_findings(image, height, wanted.overlay))
    content = None
    try:
        found = read_content(on_base(image, lower), height, progress)
        findings += path_findings(wanted.content, found)
        content = str(found.digest)
    except ContentError as error:
        above.append(Finding("layer-damaged", "", str(error)))
    findings += [*above, *config_findings(wanted.image.config, image.config)]
    is_m2builds = wanted.image.config.diff_ids == image.config.diff_ids and image.has_own_digests
    findings += annotation_findings(wanted.plan.annotations, image.manifest, must_have_all=is_m2builds)
    findings += wanted.unsettled
    findings += lock_findings(lock, wanted.plan) if lock else ()
    return content, findings


def _image(base: Base) -> Image:
    if base.image is None:
        raise UsageError("an image cannot be verified against a base whose layers were not read")
    return base.image
