"""A lock and the contents of files give the plans that reading the layers gives."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from helpers.bases import ROOT, SOURCES, base_image, base_with_another_use
from helpers.images import file
from helpers.two_roots import NAMED, base_of, kernels, recipe_file

import m2build
from m2build import locking
from m2build.base.model import Base
from m2build.derivation.applied import applied_series
from m2build.derivation.derive import derive_all
from m2build.derivation.image import build
from m2build.derivation.plan import Plan
from m2build.labels import PREIMAGE
from m2build.locking.made import lock_of
from m2build.locking.replay import contents_of, needed, replayed
from m2build.oci.image import Image
from m2build.progress import Silent
from m2build.recipes.model import Selection

SERIES = """\
id: many
summary: Files that come, go and change twice
distribution: sglang
patches:
- {id: new, codemod: add-file, parameters: {path: sglang/a b/new.py, file: ours.py, sha256: SUM}}
- {id: gone, codemod: delete-file, parameters: {path: sglang/srt/models/llama.py, pre_images: [OLD]}}
- {id: again, codemod: replace-text, parameters: {path: sglang/srt/models/minimax_m2.py, old: Norm, new: Form}}
- {id: twice, codemod: replace-text, parameters: {path: sglang/srt/models/minimax_m2.py, old: Form, new: Worm}}
"""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def many(folder: Path) -> tuple[list[Selection], Image]:
    """Two images of one recipe, with a working directory that the base lacks, and a series of all kinds of changes."""
    ours = b"x = 1\n"
    (folder / "ours.py").write_bytes(ours)
    series = yaml.safe_load(SERIES.replace("SUM", sha256(ours)).replace("OLD", sha256(SOURCES["llama.py"])))
    for patch in series["patches"]:
        patch |= {"summary": "s", "why": "w", "releases": "", "author": "Jo", "last_update": "2026-11-27"}
    (folder / "many.yaml").write_text(yaml.safe_dump(series, sort_keys=False))
    (folder / "mine.yaml").write_text(
        "name: mine\nextends: minimax-m2\nseries: ./many.yaml\nprofiles: {tp8: {workdir: /srv/not/there}}\n"
    )
    recipe = m2build.load_recipe(str(folder / "mine.yaml"))
    return [recipe.select(tp=8), recipe.select(tp=4)], base_image()


def two_roots(folder: Path) -> tuple[list[Selection], Image]:
    recipe = m2build.load_recipe(str(recipe_file(folder, NAMED)))
    return [recipe.select(tp=8)], base_of(*kernels(), file(f"{ROOT}/sglang/late.py"))


def shipped(_: Path) -> tuple[list[Selection], Image]:
    return [m2build.load_recipe("minimax-m2").select(tp=8)], base_image()


def told(_: Path) -> tuple[list[Selection], Image]:
    return [m2build.load_recipe("minimax-m2").select(tp=8)], base_with_another_use()


def without_label(plan: Plan) -> tuple[dict[str, object], list[str]]:
    """An image's config without the one label, and its layers."""
    image = build(plan)
    document = json.loads(image.config.raw)
    del document["config"]["Labels"][PREIMAGE]
    return document, [str(layer.digest) for layer in image.manifest.layers]


Case = Callable[[Path], tuple[list[Selection], Image]]


@pytest.mark.parametrize("case", [shipped, told, many, two_roots])
def test_the_images_are_the_same(case: Case, tmp_path: Path) -> None:
    selections, image = case(tmp_path)
    base = Base.of(image, image.manifest.digest, "registry.example/sglang:rocm")
    plans, _ = derive_all(selections, base, environment={}, progress=Silent())
    locking.write_lock(lock_of(plans), tmp_path / "m2build.lock")
    lock = locking.load_lock(tmp_path / "m2build.lock")
    contents = contents_of(source.changeset for source in plans[0].sources)
    assert needed(lock) <= contents.keys()
    again = replayed(lock, selections, base, applied_series(selections[0].recipe), contents, created=plans[0].created)
    assert [plan.digest for plan in again] == [plan.digest for plan in plans]
    assert [without_label(plan) for plan in again] == [without_label(plan) for plan in plans]
    assert lock.differences(lock_of(again)) == ()
