"""The images of selections and a base; what takes long about them is done once.

That is to read the base's sources and to run the codemods. It rests on digests alone: of the base, of the series, and
of m2build itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points, version
from typing import TYPE_CHECKING

import m2build
from m2build import patches, recipes
from m2build.base.model import Base
from m2build.derivation.result import Origin, Result
from m2build.local.cache import SealedFiles, cache_folder
from m2build.oci.digest import Digest
from m2build.oci.image import MemoryBlobs
from m2build.patches.series_text import series_text
from m2build.progress import Progress
from m2build.recipes.model import Recipe, Selection

if TYPE_CHECKING:
    from m2build.derivation.plan import Plan

_FORMAT = 2
"""Part of every question: raised when what is remembered changes its form."""


def derive_images(
    selections: Sequence[Selection], base: Base, *, environment: Mapping[str, str], progress: Progress
) -> tuple[Result, ...]:
    """The images of selections of one recipe, as `derive_all` and the embedded engine make them.

    Raises:
        PatchError: the base has no sources at the source root, or a patch does not apply.
        ContentError: a layer of the base is truncated, altered or malformed.
        UsageError: the recipe names no series that exists, or `SOURCE_DATE_EPOCH` is not a number.
    """
    from m2build.derivation.image import build

    files = SealedFiles(cache_folder() / "results")
    question = _question(selections[0].recipe, base)
    answer = files.get(question) if question else None
    if answer is not None and all(selection.recipe is selections[0].recipe for selection in selections):
        plans = _remembered(answer, selections, base, environment)
    else:
        from m2build.derivation.derive import derive_all  # codemods take their time to be imported
        from m2build.derivation.parts import encode

        plans = derive_all(selections, base, environment=environment, progress=progress)
        if question:
            files.put(question, encode(plans[0]))
    return tuple(Result(build(plan), Origin.of(plan)) for plan in plans)


def _remembered(
    answer: bytes, selections: Sequence[Selection], base: Base, environment: Mapping[str, str]
) -> tuple[Plan, ...]:
    from m2build.derivation.derive import creation_time
    from m2build.derivation.parts import decode
    from m2build.patches.series import load_series

    known = decode(answer, load_series(selections[0].recipe.series))
    created = creation_time(base, environment)
    return tuple(known.plan(selection, base, created) for selection in selections)


def _question(recipe: Recipe, base: Base) -> str | None:
    """Everything that decides the answer; None where that cannot be told, or where asking again is as cheap."""
    if isinstance(base.image.blobs, MemoryBlobs) or any(
        entry.dist is None or entry.dist.name != "m2build" for entry in entry_points(group="m2build.codemods")
    ):
        return None
    _, series = series_text(recipe.series)
    if b"allow" in series:  # it may name codemods of other packages, whose code may change while it stays
        return None
    own = hashlib.sha256(json.dumps(list(_own_files())).encode()).hexdigest()
    return json.dumps(
        [
            _FORMAT,
            [own, *sys.version_info[:2], version("libcst")],
            [recipe.base.source_root, str(Digest.of(series))],
            str(base.image.manifest.digest),
        ]
    )


def _own_files() -> Iterator[list[str]]:
    """m2build itself, by the content of its files: where it is installed, and when, makes no difference."""
    for package in (m2build, patches, recipes):
        top = package.__path__[0]
        for folder, folders, names in os.walk(top):
            apart = {"__pycache__"} | ({"patches", "recipes"} if folder == top and package is m2build else set())
            folders[:] = sorted(set(folders) - apart)
            for name in sorted(names):
                path = os.path.join(folder, name)  # noqa: PTH118 - pathlib takes four times as long
                with open(path, "rb", buffering=0) as file:  # noqa: PTH123
                    digest = hashlib.sha256(file.read()).hexdigest()
                yield [package.__name__, path[len(top) :], digest]
