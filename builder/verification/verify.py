"""Verification: the plan is made again from recipe and base, and the image has to be what it gives.

Nothing of the build is trusted: neither labels nor the account in the image, nor the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from m2build.base.elsewhere import pulled
from m2build.base.open import open_base
from m2build.derivation.applied import applied_series
from m2build.derivation.derive import derive_all, planned_sources
from m2build.derivation.image import put_on
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
from m2build.verification.base import (
    WITHOUT_MANIFESTS,
    as_far_as_claimed,
    claim_findings,
    on_base,
    prefix_findings,
    stand_in_finding,
    stored_findings,
    unproven_claims,
)
from m2build.verification.demands import Demands, Expectation, Means
from m2build.verification.findings import Finding, without_repeats
from m2build.verification.locked import lock_findings
from m2build.verification.manifest import annotation_findings, extra_layers, manifest_findings
from m2build.verification.members import Overlay, layer_findings
from m2build.verification.origin import at_claimed_time, claimed_selection
from m2build.verification.paths import path_findings
from m2build.verification.required import required_findings
from m2build.verification.result import Verification
from m2build.verification.settings import config_findings
from m2build.verification.settled import settled_findings
from m2build.verification.signatures import Signed, read_signed
from m2build.verification.tables import table_findings

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.derivation.plan import Plan
    from m2build.oci.found import FoundImage
    from m2build.oci.image import Image
    from m2build.patches.series import Series
    from m2build.progress import Progress

_PLATFORM = "linux/amd64"
"""The platform of all recipes that an image can name."""


def verify_image(place: Place, expectation: Expectation, means: Means) -> Verification:
    """Compare the image at a place with what recipe and base give.

    Raises:
        UsageError: a place does not exist, or has no such image; or there is a lock, and the base has no digest; or
            there is a key, and the image is where no signatures are, or the key is none.
        ContentError: the base is truncated, altered or malformed; of the image, that is a finding.
        PatchError: a patch does not apply to the base.
        TransportError: a registry does not deliver.
        EngineError: a container engine does not export its image; or there is a key, and cosign is missing.
        StorageError: a file cannot be read.
    """
    platform = means.platform or default_platform(expectation.wanted)
    try:
        found = find_image(place, platform, means.access, progress=means.progress)
        found.image.config.check(layers=len(found.image.manifest.layers))
    except ContentError as error:
        return Verification(str(place), findings=(Finding("image-malformed", "", str(error)),))
    return verify_found(found, place, expectation, means)


def verify_found(found: FoundImage, place: Place, expectation: Expectation, means: Means) -> Verification:
    """What `verify_image` gives for an image that was found, whose config has as many layers as its manifest.

    Raises:
        M2BuildError: as `verify_image`.
    """
    labels, demands = found.image.config.labels, expectation.demands
    result = Verification(str(place), str(found.digest))
    signed = None
    if demands.signer:
        signed = read_signed(place, found.digest, demands.signer, means.access, means.environment)
        result = replace(result, signed=tuple(signed.predicates), findings=tuple(signed.findings()))
    wanted = expectation.wanted
    selection = wanted if isinstance(wanted, Selection) else claimed_selection(labels, wanted)
    if isinstance(selection, Finding):
        return replace(result, findings=(*result.findings, selection))
    result = replace(result, recipe=selection.recipe.name, profile=selection.profile_id, model=selection.model.repo)
    if expectation.base is None and (finding := stand_in_finding(found.image)):
        return replace(result, findings=(*result.findings, finding))
    opened = _opened(selection, expectation, means)
    known = as_far_as_claimed(opened, labels)
    result = replace(
        result,
        base=opened.name or opened.stand_in,
        base_digest=None if known.claimed else str(known.digest or opened.digest),
        base_layers=len(opened.config.diff_ids),
        unproven=tuple(unproven_claims(known)),
    )
    environment = at_claimed_time(means.environment, labels)
    expected = partial(_expected, selection, known, expectation.series, environment, means.progress)
    with temporary_folder() as folder, cache_in(folder / "cache"):
        content, plan, findings = _compared(found.image, known, expected, place.kind, means.progress)
        if plan:
            findings += _demanded(demands, found, signed, plan, known if known.claimed else opened)
    return replace(result, content=content, findings=without_repeats([*result.findings, *findings]))


def _opened(selection: Selection, expectation: Expectation, means: Means) -> Base:
    """The base, or the mirror that a lock names, to be read whole."""
    origin = expectation.base or registry_place(selection.recipe.base.image)
    held = HeldLock(expectation.demands.lock) if expectation.demands.lock else None
    origin = held.pinned(origin) if held else origin
    with pulled(origin):
        return open_base(
            origin,
            roots=selection.recipe.roots,
            platform=means.platform or default_platform(expectation.wanted),
            access=means.access,
            mirror=held.mirror(origin) if held else None,
            progress=means.progress,
        ).read_whole()


def default_platform(wanted: Recipe | Selection | None) -> str:
    """The platform of a recipe; without one, that of all recipes that an image can name."""
    recipe = wanted.recipe if isinstance(wanted, Selection) else wanted
    return recipe.base.platform if recipe else _PLATFORM


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
    image = put_on(lower, plan)
    overlay = read_members(image, image.manifest.layers[-1], image.config.diff_ids[-1], EVERYTHING)
    content = read_content(on_base(image, lower), len(base.config.diff_ids), progress)
    trees = planned_sources(plan, progress)
    unsettled = tuple(finding for one in plan.sources for finding in settled_findings(one.changeset, trees[one.name]))
    return _Expected(plan, image, overlay, content, unsettled)


def _compared(
    image: Image,
    base: Base,
    expected: Callable[[], _Expected],
    where: PlaceKind,
    progress: Progress,
) -> tuple[str | None, Plan | None, list[Finding]]:
    """The digest of an image's content, if it can be read, its plan, and the findings; these alone if off its base."""
    findings = [*claim_findings(image, base), *prefix_findings(image, base)]
    if any(finding.id == "base-layers" for finding in findings):
        return None, None, findings
    lower, height = _image(base), len(base.config.diff_ids)
    findings += stored_findings(image, lower, is_remote=where is PlaceKind.REGISTRY, progress=progress)
    wanted = expected()
    above = list(layer_findings(image, height, wanted.overlay))
    content = None
    try:
        found = read_content(on_base(image, lower), height, progress)
        findings += path_findings(wanted.content, found)
        content = str(found.digest)
    except ContentError as error:
        above.append(Finding("layer-damaged", "", str(error)))
    findings += [*above, *extra_layers(wanted.image, image), *table_findings(image, lower)]
    is_kept = where not in WITHOUT_MANIFESTS
    # Tools that copy an image into the other vocabulary of media types write config and manifest anew.
    is_other = is_kept and wanted.image.manifest.types != image.manifest.types
    is_own = wanted.image.config.diff_ids == image.config.diff_ids and not is_other
    findings += config_findings(wanted.image.config, image.config, base.config, is_own=is_own)
    findings += manifest_findings(wanted.image.manifest, image.manifest)
    findings += annotation_findings(wanted.plan.annotations, image.manifest, must_have_all=is_own and is_kept)
    findings += wanted.unsettled
    return content, wanted.plan, findings


def _demanded(demands: Demands, found: FoundImage, signed: Signed | None, plan: Plan, base: Base) -> Iterator[Finding]:
    """What an image lacks of what is demanded besides recipe and base, which give this plan."""
    if demands.lock:
        yield from lock_findings(demands.lock, replace(plan, base=base), found.image)
    if signed:
        yield from signed.differences(plan, found.digest)
    if demands.require:
        yield from required_findings(demands.require, found.image, plan, signed)


def _image(base: Base) -> Image:
    if base.image is None:
        raise UsageError("an image cannot be verified against a base whose layers were not read")
    return base.image
