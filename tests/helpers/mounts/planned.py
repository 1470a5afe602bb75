"""Plans for a small package and any codemods, the mounts that they need, and what their image would hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from helpers.bases import ROOT
from helpers.images import Entry, file, folder, image, tar
from helpers.plans import derive
from m2build.base.model import Base
from m2build.derivation.derive import planned_sources
from m2build.derivation.plan import Plan
from m2build.mounts.render import render_mounts
from m2build.oci.paths import parents
from m2build.patches import Codemod, Patch, Series, SourceTree
from m2build.patches.codemods.files import AddFile, DeleteFile
from m2build.progress import Silent
from m2build.recipes.load import load_recipe

FOLDER = Path("/srv/mounts")
"""Where the mounts would be written."""
NAME = "registry.example/team/base:v1"
VOLUME = "registry.example/team/volume:v1"


def planned(files: Mapping[str, bytes], *codemods: Codemod, extra: Sequence[Entry] = ()) -> Plan:
    """The plan for a base with these files and entries at its source root, mode 0640, not owned by root."""
    paths = {f"{ROOT}/{path}": content for path, content in files.items()}
    folders = sorted({parent for path in paths for parent in parents(path)})
    sources = [file(path, content, mode=0o640, uid=1000) for path, content in paths.items()]
    base = image(tar(*(folder(path) for path in folders), *sources), tar(*extra))
    patches = (
        Patch.of(
            codemod,
            id=f"patch-{number}",
            summary="A change",
            why="Because.",
            author="Jo",
            last_update="2026-11-27",
            accept=["already-applied"],
        )
        for number, codemod in enumerate(codemods)
    )
    series = Series.of(*patches, id="small", summary="A small series", distribution="pkg")
    selection = load_recipe("minimax-m2").select(profile="tp8")
    opened = Base.of(base, base.manifest.digest, NAME)
    return derive(selection, opened, environment={}, progress=Silent(), series=series)


def adding(path: str, content: bytes, mode: str = "0644") -> AddFile:
    """The codemod that adds a file."""
    return AddFile("new", hashlib.sha256(content).hexdigest(), path, mode, content=content)


def deleting(path: str, content: bytes) -> DeleteFile:
    """The codemod that deletes a file."""
    return DeleteFile(path, (hashlib.sha256(content).hexdigest(),))


def written(plan: Plan, form: str) -> SourceTree:
    """What is written for a form, by the paths in the folder."""
    return render_mounts(plan, form, FOLDER, trees=trees_of(plan), reference=VOLUME)


def trees_of(plan: Plan) -> list[SourceTree]:
    """The base's sources."""
    return [*planned_sources(plan, Silent()).values()]


def document(files: SourceTree, name: str) -> dict[str, object]:
    """One of the files, read as YAML."""
    found: dict[str, object] = yaml.load(files[name].content, Loader=yaml.CSafeLoader)
    return found
