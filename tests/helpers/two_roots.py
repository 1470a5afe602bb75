"""A base with sources in two folders, and a recipe with a series for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from helpers.bases import ROOT, sources
from helpers.images import Entry, file, folder, image, tar
from helpers.plans import derive
from m2build.base.model import Base
from m2build.derivation.plan import Plan
from m2build.oci.image import Image
from m2build.oci.paths import parents
from m2build.progress import Progress, Silent
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Selection

PACKAGES = "usr/lib/python3/dist-packages"
"""Where the second package is."""
MARKER = "kernels/__init__.py"
SERIES = """\
id: kernels-small
summary: One word
distribution: kernels
patches:
  - id: louder
    summary: Another word
    why: It is too quiet.
    codemod: replace-text
    parameters: {path: kernels/ops.py, old: quiet, new: loud}
    releases: ""
    author: Jo
    last_update: "2026-11-27"
"""
NAMED: Mapping[str, Mapping[str, str]] = {
    "sglang": {"root": f"/{ROOT}", "series": "minimax-m2-rocm"},
    "kernels": {"root": f"/{PACKAGES}", "series": "./kernels.yaml"},
}


def kernels(root: str = PACKAGES) -> list[Entry]:
    """The second package, not owned by root, with the folders above it."""
    above = [folder(path) for path in sorted(parents(f"{root}/kernels/x"))]
    files = {"__init__.py": b"", "version.py": b"__version__ = '2.0'\n", "ops.py": b"VOLUME = 'quiet'\n"}
    return [*above, *(file(f"{root}/kernels/{name}", data, mode=0o640, uid=5) for name, data in files.items())]


def base_of(*entries: Entry) -> Image:
    """A base with SGLang's sources below, and some entries above them."""
    return image(tar(folder("opt"), *sources(uid=7)), tar(*entries))


def recipe_file(folder: Path, sources: Mapping[str, Mapping[str, str]] = NAMED) -> Path:
    """A recipe with these sources, beside its series."""
    (folder / "kernels.yaml").write_text(SERIES)
    two = {"extends": "minimax-m2", "name": "two", "bases": {"v0.5.9": None}, "series": None, "sources": dict(sources)}
    (folder / "two.yaml").write_text(yaml.safe_dump({**two, "base": {"source_root": None}}, sort_keys=False))
    return folder / "two.yaml"


def selection_of(folder: Path, sources: Mapping[str, Mapping[str, str]] = NAMED) -> Selection:
    return load_recipe(str(recipe_file(folder, sources))).select(tp=8)


def opened(base: Image, name: str = "a.io/b:c") -> Base:
    return Base.of(base, base.manifest.digest, name)


def planned(selection: Selection, base: Image | None = None, progress: Progress | None = None) -> Plan:
    """The plan for a base, by default one with both packages."""
    found = opened(base or base_of(*kernels()))
    return derive(selection, found, environment={}, progress=progress or Silent())
