"""A base as a value: what is known of it, with or without its image."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from helpers.plans import derive

from m2build.base.assumed import assumed_base
from m2build.base.model import Base
from m2build.base.open import open_base
from m2build.base.sources import open_files
from m2build.base.stand_in import LARGEST_STAND_IN, source_members
from m2build.derivation.image import build
from m2build.derivation.overlay import make_overlay
from m2build.derivation.plan import Plan
from m2build.errors import ContentError, UsageError
from m2build.layers.filesystem import read_filesystem
from m2build.layers.members import EVERYTHING
from m2build.patches.sources import from_directory
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import write_image
from m2build.progress import Silent
from m2build.recipes.load import load_recipe

ROOT = "/sgl-workspace/sglang/python"
OVERLAY = "b4b15838e600ba5b042267c1c2dd93a608612296d9cac293f643033308af94e3"
"""The digest of the layer's entries outside of `/opt/m2build`, with owners, modes, times and contents."""


def plan_of(base: Base) -> Plan:
    return derive(load_recipe("minimax-m2").select(tp=8), base, environment={}, progress=Silent())


@pytest.fixture(scope="module")
def sglang() -> Base:
    return open_base(Place.parse("pypi:sglang==0.5.7"), roots=load_recipe("minimax-m2").roots, platform="linux/amd64")


def test_the_overlay_of_the_shipped_recipe_keeps_its_bytes(sglang: Base) -> None:
    """All of the layer but the account, which holds versions; docs/building.md pins whole images."""
    with tarfile.open(fileobj=io.BytesIO(make_overlay(plan_of(sglang)).tar)) as layer:
        entries = [entry(layer, info) for info in layer if not f"{info.name}/".startswith("opt/m2build/")]
    assert hashlib.sha256(json.dumps(entries).encode()).hexdigest() == OVERLAY


def entry(layer: tarfile.TarFile, info: tarfile.TarInfo) -> list[object]:
    file = layer.extractfile(info)
    content = hashlib.sha256(file.read() if file else b"").hexdigest()
    return [info.name, oct(info.mode), info.uid, info.gid, info.mtime, info.linkname, info.pax_headers, content]


def sources(folder: Path) -> Place:
    package = folder / "sglang"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "run.py").touch(0o700)
    (package / "link.py").symlink_to("run.py")
    return Place(PlaceKind.DIRECTORY, str(folder))


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64/v8"])
def test_an_assumed_base_holds_what_an_image_of_its_sources_holds(platform: str, tmp_path: Path) -> None:
    place = sources(tmp_path / "sources")
    stand_in = open_base(place, roots=load_recipe("minimax-m2").roots, platform=platform)
    named, tree = Place.parse("docker://a.io/b:c"), open_files(place)
    assumed = assumed_base(named, {ROOT[1:]: tree}, platform=platform, is_pinned=False)
    assert stand_in.image
    assert assumed.filesystem == read_filesystem(stand_in.image, EVERYTHING, Silent())
    assert assumed.config.platform == stand_in.config.platform == platform
    assert assumed.config.created == stand_in.config.created
    unknown = (assumed.image, assumed.digest, assumed.manifest_digest, assumed.config_digest, assumed.chain_id)
    assert {*unknown, assumed.place} == {None}


@pytest.mark.parametrize("more", [0, 1])
def test_a_stand_in_has_a_bound_that_is_checked_before_its_files_are_read(more: int, tmp_path: Path) -> None:
    """All files count. The file is a hole, and takes no room on the disk."""
    size = LARGEST_STAND_IN - 1
    (tmp_path / "a.py").write_text("1" * (1 + more))
    with (tmp_path / "weights.bin").open("wb") as file:
        file.truncate(size)
    tree = from_directory(tmp_path)
    members = source_members(tree, ROOT[1:])
    if not more:
        assert next(members).path in ROOT
        return
    with pytest.raises(ContentError, match=f"has {size + 2:,} bytes, more than the {size + 1:,} of a"):
        next(members)
    assert "content" not in vars(tree["weights.bin"])


def test_no_image_is_made_from_a_base_without_an_image(sglang: Base) -> None:
    named = Place.parse(f"docker://a.io/b:c@{sglang.digest}")
    tree = open_files(Place.parse("pypi:sglang==0.5.7"))
    plan = plan_of(assumed_base(named, {ROOT[1:]: tree}, platform="linux/amd64", is_pinned=True))
    assert plan.base.digest == sglang.digest
    with pytest.raises(UsageError, match="an image cannot be derived"):
        build(plan)


def test_where_a_base_was_read_from_gets_into_no_image(tmp_path: Path, sglang: Base) -> None:
    assert sglang.image
    place = Place(PlaceKind.OCI, str(tmp_path / "private"), "base")
    write_image(sglang.image, place, tag="", reference="", replace=False, progress=Silent())
    base = open_base(place, roots=load_recipe("minimax-m2").roots, platform="linux/amd64")
    assert (base.place, base.digest, base.stand_in) == (place, sglang.digest, "pypi:sglang==0.5.7")
    plan = plan_of(base)
    image = build(plan)
    written = [json.dumps([plan.document(), plan.labels]).encode(), image.manifest.raw, image.config.raw]
    assert all(b"private" not in text for text in (*written, make_overlay(plan).tar))
    assert image.manifest.digest == build(plan_of(sglang)).manifest.digest
