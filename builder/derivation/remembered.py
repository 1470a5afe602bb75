"""The plans of selections and a base; their slow part is cached.

That part is reading the base's sources and running the codemods. It depends on the base, by its digest; on where its
sources are, by path or marker; on the series; on the folder that the image starts in; and on the code: m2build's,
libcst's, which edits, that of packaging, which compares releases, and Python's, which parses.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points, version
from typing import TYPE_CHECKING

import m2build
from m2build import patches, recipes
from m2build.base.model import Base
from m2build.derivation.applied import applied_series
from m2build.derivation.launches import RememberedLaunches
from m2build.layers.table_claims import claim_of_table
from m2build.local.cache import SealedFiles, cache_folder
from m2build.local.code import code_digest
from m2build.oci.digest import Digest
from m2build.oci.image import Image, MemoryBlobs
from m2build.progress import Progress
from m2build.recipes.model import Recipe, Selection
from m2build.recipes.selections import common_recipe

if TYPE_CHECKING:
    from m2build.derivation.plan import Plan, Preimage, Sourced
    from m2build.launch.proof import LaunchProof
    from m2build.patches.series import Series

_FORMAT = 5
"""Part of every key: raised when the format of the cached parts changes."""
_CHEAP = 4 << 20
"""Bytes of layers in memory from which on the cache is quicker than reading and patching them: SGLang has 18 MB."""


def plan_all(
    selections: Sequence[Selection],
    base: Base,
    *,
    environment: Mapping[str, str],
    progress: Progress,
    series: Series | None = None,
) -> tuple[Plan, ...]:
    """The plans of selections of one recipe, as `derive_all` makes them.

    Raises:
        PatchError: the base has no sources at the source root, or a patch does not apply.
        LaunchError: the server, as patched, does not accept a profile's launch flags.
        ContentError: a layer of the base is truncated, altered or malformed.
        UsageError: the selections are of different recipes, the recipe names no series that exists, or
            `SOURCE_DATE_EPOCH` is not a number.
    """
    recipe = common_recipe(selections)
    applied = applied_series(recipe, series)
    plans, proofs = _planned(selections, recipe, base, applied, environment=environment, progress=progress)
    give_notices(plans, proofs, progress)
    return plans


def _planned(
    selections: Sequence[Selection],
    recipe: Recipe,
    base: Base,
    series: Mapping[str, Series],
    *,
    environment: Mapping[str, str],
    progress: Progress,
) -> tuple[tuple[Plan, ...], tuple[LaunchProof, ...]]:
    question = _question(recipe, base, series)
    known = _remembered(question, selections, base, series, environment) if question else None
    if known is not None:
        return known
    from m2build.derivation.derive import derive_all  # importing codemods takes time
    from m2build.derivation.parts import encode

    plans, checked = derive_all(selections, base, environment=environment, progress=progress, series=series)
    if question:
        for selection, plan in zip(selections, plans, strict=True):
            if plan.preimage is not _foreseen(base):
                continue  # a layer was not read by its table, as it usually is: next time it may be
            _files().put(_key(question, selection), encode(plan))
        RememberedLaunches(_files(), question).put(selections, checked)
    return plans, checked.proofs


def remembered_plans(
    selections: Sequence[Selection], base: Base, series: Mapping[str, Series], *, environment: Mapping[str, str]
) -> tuple[tuple[Plan, ...], tuple[LaunchProof, ...]] | None:
    """The plans, and the proofs of their launches, if an earlier derivation left them in the cache. Reads no layer.

    Raises:
        LaunchError: the server, as patched, does not accept a profile's launch flags.
    """
    question = _question(common_recipe(selections), base, series)
    return _remembered(question, selections, base, series, environment) if question else None


def _remembered(
    question: str,
    selections: Sequence[Selection],
    base: Base,
    series: Mapping[str, Series],
    environment: Mapping[str, str],
) -> tuple[tuple[Plan, ...], tuple[LaunchProof, ...]] | None:
    keys = [_key(question, selection) for selection in selections]
    answers = {key: _files().get(key) for key in keys}
    found = {key: answer for key, answer in answers.items() if answer is not None}
    if found.keys() != answers.keys():
        return None
    proofs = RememberedLaunches(_files(), question).get(selections, base.config.environment)
    if proofs is None:
        return None
    from m2build.derivation.parts import decode
    from m2build.derivation.times import creation_time

    known = {key: decode(answer, series, base.origin) for key, answer in found.items()}
    created = creation_time(base, environment)
    plans = tuple(
        known[key].plan(selection, base, created, _foreseen(base))
        for key, selection in zip(keys, selections, strict=True)
    )
    return plans, proofs


def _foreseen(base: Base) -> Preimage:
    """How it will be known what a base has where files change."""
    from m2build.derivation.plan import Preimage

    return Preimage.TABLE if base.image and _tables(base.image) else Preimage.LAYERS


def _tables(image: Image) -> list[str]:
    """The tables by which layers of an image are to be read."""
    claims = (claim_of_table(image, layer) for layer in image.manifest.layers)
    return [str(claim) for claim in claims if claim]


def _files() -> SealedFiles:
    return SealedFiles(cache_folder() / "results")


def _key(question: str, selection: Selection) -> str:
    """The key of a selection: which folders the base lacks depends on where the image starts, and on nothing else."""
    return f"{question} {selection.settings.workdir or ''}"


def give_notices(plans: Sequence[Plan], proofs: Sequence[LaunchProof], progress: Progress) -> None:
    """Tell the user what of a recipe's plans is easily overlooked."""
    for notice in dict.fromkeys(notice for proof in proofs for notice in proof.notices):
        progress.notice(notice)
    for name, source in zip(plans[0].selection.recipe.roots, plans[0].sources, strict=True):
        marker = plans[0].selection.recipe.roots[name].marker
        if marker is not None:
            progress.notice(f"found {marker} in /{source.root}: its sources are read there")
        _notice_unchanged(source, progress)
    names = sorted({name for plan in plans for name in plan.selection.settings.changes_code})
    if names:
        progress.notice(
            f"the image sets {', '.join(names)}: that decides which code runs, whatever is patched; check the value"
        )


def _notice_unchanged(source: Sourced, progress: Progress) -> None:
    series = source.changeset.series
    if not source.changeset.changes:
        where = f" in /{source.root}" if source.name else ""
        why = "none of its patches is needed" if series.patches else "it has no patches"
        progress.notice(f"no byte of the sources{where} changes: the series is {series.id}, and {why}")


def _question(recipe: Recipe, base: Base, series: Mapping[str, Series]) -> str | None:
    """The key: everything that decides the result. None if that cannot be known, or if deriving again is as cheap."""
    if base.image is None or _is_cheap(base.image) or not _only_own_codemods():
        return None
    # The code of codemods that are not m2build's may change while their names stay.
    if not all(one.is_portable for one in series.values()):
        return None
    roots = [
        [name, root.path, root.marker, str(Digest.of(series[name].model_dump_json().encode()))]
        for name, root in recipe.roots.items()
    ]
    code = [_own_code(), *map(version, ("libcst", "packaging"))]
    return json.dumps([_FORMAT, code, roots, str(base.image.manifest.digest), _tables(base.image)])


def _is_cheap(image: Image) -> bool:
    """Whether an image is small and in memory, as a stand-in base of a few files: deriving again is as quick."""
    return isinstance(image.blobs, MemoryBlobs) and sum(layer.size for layer in image.manifest.layers) < _CHEAP


def _only_own_codemods() -> bool:
    """Whether no other distribution registers any. To know its name, each parses its metadata, and anew each time."""
    distributions = {entry.dist for entry in entry_points(group="m2build.codemods")}
    return all(dist is not None and dist.name == "m2build" for dist in distributions)


def _own_code() -> str:
    """m2build itself; `patches` and `recipes` may be folders of the package, or beside it."""
    own, *others = (package.__path__[0] for package in (m2build, patches, recipes))
    return code_digest([own, *others], apart=[os.path.join(own, name) for name in ("patches", "recipes")])  # noqa: PTH118
