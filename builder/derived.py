"""The images of selections and a base; the same question is answered once.

The answer to a question rests on digests alone: of the base, of the recipe and the series, and of m2build itself.
What is remembered are the new blobs, a few hundred KB; the base's are where they were.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from typing import cast

import m2build
from m2build import __version__, patches, recipes
from m2build.base.model import Base
from m2build.local.cache import CheckedFiles, cache_folder
from m2build.oci.config import ImageConfig
from m2build.oci.digest import Digest
from m2build.oci.image import Image, MemoryBlobs, read_blob
from m2build.oci.manifest import Manifest, parse_manifest
from m2build.patches.series_text import series_text
from m2build.progress import Progress
from m2build.recipes.model import Selection, every_selection
from m2build.result import Origin, Result

_FORMAT = 1
"""Part of every question: raised when what is remembered changes its form."""

_AHEAD = 8
"""Images; of a recipe with more of them the rest is derived when it is asked for."""


def derive_images(
    selections: Sequence[Selection], base: Base, *, environment: Mapping[str, str], progress: Progress
) -> tuple[Result, ...]:
    """The images of selections of one recipe, as `derive_all` and the embedded engine make them, or made them before.

    What takes time is the same for all images of a recipe: when one is made, the others are remembered as well.

    Raises:
        PatchError: the base has no sources at the source root, or a patch does not apply.
        ContentError: a layer of the base is truncated, altered or malformed.
        UsageError: the recipe names no series that exists, or `SOURCE_DATE_EPOCH` is not a number.
    """
    files = CheckedFiles(cache_folder() / "results")
    questions = [_question(selection, base, environment) for selection in selections]
    answers = [files.get(question) if question else None for question in questions]
    if all(answers):
        pairs = zip(answers, selections, strict=True)
        return tuple(_remembered(answer, selection, base) for answer, selection in pairs if answer)
    from m2build.derive import derive_all  # codemods take their time to be imported
    from m2build.engines.embedded import build

    others = [other for other in every_selection(selections[0].recipe) if questions[0] and other not in selections]
    others = others[: max(0, _AHEAD - len(selections))]
    plans = derive_all([*selections, *others], base, environment=environment, progress=progress)
    results = tuple(Result(build(plan), Origin.of(plan)) for plan in plans)
    questions += [_question(other, base, environment) for other in others]
    for question, result in zip(questions, results, strict=True):
        if question:
            files.put(question, _answer(result))
    return results[: len(selections)]


def _question(selection: Selection, base: Base, environment: Mapping[str, str]) -> str | None:
    """Everything that decides the image; None where that cannot be told, or where asking again is as cheap."""
    if isinstance(base.image.blobs, MemoryBlobs) or any(
        entry.dist is None or entry.dist.name != "m2build" for entry in entry_points(group="m2build.codemods")
    ):
        return None
    _, series = series_text(selection.recipe.series)
    return json.dumps(
        [
            _FORMAT,
            [__version__, *sys.version_info[:2], *_own_files()],
            [selection.recipe.model_dump_json(), selection.profile_id, selection.model_id, str(Digest.of(series))],
            [base.name, base.stand_in, str(base.digest), str(base.image.manifest.digest)],
            environment.get("SOURCE_DATE_EPOCH"),
        ]
    )


def _own_files() -> Iterator[list[object]]:
    """m2build itself, as far as it can be told without reading it: while it is worked on, its version stays."""
    for package in (m2build, patches, recipes):
        for folder, folders, names in os.walk(package.__path__[0]):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                status = os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118 - pathlib takes four times as long
                yield [name, status.st_size, status.st_mtime_ns]


def _answer(result: Result) -> bytes:
    image = result.image
    blobs = (image.manifest.raw, image.config.raw, read_blob(image.blobs, image.manifest.layers[-1]))
    encoded = [base64.b64encode(blob).decode() for blob in blobs]
    return json.dumps([encoded, result.origin.plan, result.origin.patches]).encode()


def _remembered(answer: bytes, selection: Selection, base: Base) -> Result:
    encoded, plan, outcomes = json.loads(answer)
    raw, config, overlay = map(base64.b64decode, encoded)
    manifest = cast("Manifest", parse_manifest(raw))
    blobs = MemoryBlobs({manifest.layers[-1].digest: overlay}, base.image.blobs)
    image = Image(manifest, ImageConfig(config), blobs)
    patches = tuple((patch, outcome) for patch, outcome in outcomes)
    return Result(image, Origin(base, selection.profile_id, plan, patches))
