"""A base with SGLang's own files at the paths that the shipped series changes, and the locks of its images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from helpers.bases import ROOT
from helpers.images import file, folder, image, tar
from m2build.delivery.shipment import Shipment
from m2build.derivation.image import build
from m2build.oci.image import Image
from m2build.patches.preimages import pinned_releases
from m2build.patches.tree import SourceTree
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Selection

RELEASE = "sglang==0.5.7"
CHANGED = sorted(pinned_releases()[RELEASE].files)
RECIPE = load_recipe("minimax-m2")
TP8 = RECIPE.select(tp=8)


def published_base(tree: SourceTree) -> Image:
    """Three layers with owners, modes and times of their own; the last one replaces a file that patches change."""
    parts = f"{ROOT}/sglang/srt/models".split("/")
    folders = [folder("/".join(parts[:depth]), mode=0o750, uid=7) for depth in range(1, len(parts) + 1)]
    files = [file(f"{ROOT}/{path}", tree[path].content, mode=0o640, uid=7, gid=8) for path in CHANGED]
    package = [file(f"{ROOT}/sglang/__init__.py"), file(f"{ROOT}/sglang/_version.py", b"__version__ = '0.5.7'\n")]
    cache = f"{ROOT}/sglang/srt/models/__pycache__"
    bytecode = [folder(cache), file(f"{cache}/minimax_m2.cpython-310.pyc", b"\x6f\x0d\x0d\x0a")]
    early = [file(f"{ROOT}/{CHANGED[0]}", b"an older one\n"), folder("opt", mode=0o711, uid=3)]
    return image(tar(*folders, *package, *early), tar(*files), tar(*bytecode, files[-1]))


def with_wheel(folder_: Path, wheel: Path) -> Path:
    """An empty cache but for the release's wheel."""
    place = folder_ / "wheels/sglang-0.5.7"
    place.mkdir(parents=True, mode=0o700)
    os.link(wheel, place / wheel.name)
    return folder_


def made(shipment: Shipment) -> Sequence[Image]:
    """The images of a shipment, as `foresee` makes them: nothing is sent."""
    return [build(forecast.plan) for forecast in shipment.foresee()]


def selections() -> list[Selection]:
    return [RECIPE.select(tp=4), TP8]
