"""The image of an image volume: whole folders as the derived image has them, as other people's tools read it."""

from __future__ import annotations

import csv
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import two_roots
from helpers.bases import MODELS, ROOT
from helpers.images import symlink
from helpers.mounts.planned import VOLUME, adding, deleting, planned, trees_of, written
from helpers.patches.trees import read
from helpers.registry.registries import run
from helpers.rendering.roots import unpacked
from helpers.support import need_root, need_tool

from m2build.base.model import Base
from m2build.derivation.image import build
from m2build.derivation.plan import Plan
from m2build.errors import PatchError, UsageError
from m2build.mounts.model import mounts_of
from m2build.mounts.render import render_mounts
from m2build.mounts.volume import LARGEST, changed_folders
from m2build.patches import Codemod, RenameModule, SourceTree, write_tree
from m2build.patches.codemods.replace_text import ReplaceText

FILES = {
    "pkg/__init__.py": b"", "pkg/old/__init__.py": b"", "pkg/old/a.py": b"x = 1\n", "pkg/data.json": b"{}",
    "pkg/deep/b.py": b"from pkg.old import a\n", "other/c.py": b"", "top.py": b"t = 1\n",
}  # fmt: skip
RENAME = RenameModule("pkg.old", "pkg.new")
TOP = ReplaceText("top.py", "1", "2")


def volume_of(plan: Plan, folder: Path) -> Path:
    """The folder that umoci unpacks from the image of a plan's volume."""
    need_root("unpacks images")
    write_tree(written(plan, "image-volume"), folder / "mounts")
    command = [need_tool("umoci"), "unpack", "--image", f"{folder}/mounts/image:v1", f"{folder}/bundle"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "bundle" / "rootfs"


@pytest.mark.parametrize(
    ("codemods", "expected"),
    [
        ([RENAME], ["pkg"]),
        ([adding("pkg/new/deep/x.sh", b"#!/bin/sh\n", "0755")], ["pkg/new/deep"]),
        ([deleting("pkg/data.json", b"{}"), adding("other/it's.py", b"")], ["other", "pkg"]),
        ([ReplaceText("pkg/deep/b.py", "old", "older"), adding("pkg/n.py", b"")], ["pkg"]),
        ([TOP], [""]),
    ],
    ids=["a folder goes", "in new folders", "deleted", "one below another", "at the top"],
)
def test_the_folders_are_those_of_the_derived_image(
    codemods: list[Codemod], expected: list[str], tmp_path: Path
) -> None:
    plan = planned(FILES, *codemods)
    assert list(changed_folders(plan)) == [f"{ROOT}/{folder}".rstrip("/") for folder in expected]
    volume = volume_of(plan, tmp_path)
    (tmp_path / "derived").mkdir()
    derived = unpacked(build(plan), tmp_path / "derived")
    for folder in expected:
        ours, theirs = read(volume / ROOT / folder), read(derived / ROOT / folder)
        assert {path: content for path, (content, _) in ours.items()} == {
            p: content for p, (content, _) in theirs.items()
        }
        assert {mode for _, mode in ours.values()} <= {0o644, 0o755}
    held = {path.partition(f"{ROOT}/")[2] for path in read(volume)}
    assert {path for path in held if not any(path.startswith(folder) for folder in expected)} == set()


def test_sources_in_several_folders_are_in_one_volume(tmp_path: Path) -> None:
    plan = two_roots.planned(two_roots.selection_of(tmp_path))
    folders = changed_folders(plan)
    assert list(folders) == [MODELS, f"{two_roots.PACKAGES}/kernels"]
    trees = trees_of(plan)
    with pytest.raises(UsageError, match="needs all sources of the base"):
        render_mounts(plan, "image-volume", Path("m"), trees=trees[:1], reference=VOLUME)
    write_tree(render_mounts(plan, "image-volume", Path("m"), trees=trees, reference=VOLUME), tmp_path / "mounts")
    (tmp_path / "derived").mkdir()
    derived = unpacked(build(plan), tmp_path / "derived")
    unpack = [need_tool("umoci"), "unpack", "--image", f"{tmp_path}/mounts/image:v1", f"{tmp_path}/bundle"]
    subprocess.run(unpack, check=True, capture_output=True)
    for folder in folders:
        ours, theirs = read(tmp_path / "bundle/rootfs" / folder), read(derived / folder)
        assert {path: content for path, (content, _) in ours.items()} == {
            p: content for p, (content, _) in theirs.items()
        }
    mounted = [mount.target for mount in mounts_of(plan) if mount.file]
    assert mounted == sorted(f"/{change.path}" for change in plan.changes)
    assert (tmp_path / "mounts/account/kernels/README").exists()


def test_links_in_the_folders_stay(tmp_path: Path) -> None:
    plan = planned(FILES, RENAME, extra=[symlink(f"{ROOT}/pkg/link.json", "data.json")])
    assert (volume_of(plan, tmp_path) / ROOT / "pkg/link.json").readlink() == Path("data.json")


def test_skopeo_reads_the_image(tmp_path: Path) -> None:
    plan = planned(FILES, RENAME)
    write_tree(written(plan, "image-volume"), tmp_path / "mounts")
    (descriptor,) = json.loads((tmp_path / "mounts/image/index.json").read_text())["manifests"]
    found = json.loads(run("skopeo", "inspect", f"oci:{tmp_path}/mounts/image:v1"))
    assert (found["Digest"], found["Os"], found["Architecture"]) == (descriptor["digest"], "linux", "amd64")


def test_the_same_plan_gives_the_same_files() -> None:
    """Of every profile: the folders do not depend on it."""
    tp4 = planned(FILES, RENAME)
    other = replace(tp4, selection=tp4.selection.recipe.select(profile="tp4"))
    assert contents(written(planned(FILES, RENAME), "image-volume")) == contents(written(other, "image-volume"))


def contents(files: SourceTree) -> dict[str, bytes]:
    return {path: file.content for path, file in files.items()}


def test_docker_gets_an_option_in_csv_for_one_folder() -> None:
    """For several, Docker 28 fails: it mounts an image once in a container."""
    files = written(planned({'a, "b"/x.py': b"x = 1\n"}, ReplaceText('a, "b"/x.py', "1", "2")), "image-volume")
    option, _, value = files["volumes.txt"].content.decode().rstrip("\n").partition("=")
    fields = dict(field.split("=", 1) for field in next(csv.reader([value])))
    assert option == "--mount"
    assert fields["type"] == "image"
    assert fields["source"].startswith(f"{VOLUME}@sha256:")
    assert (fields["target"], fields["image-subpath"]) == (f'/{ROOT}/a, "b"', f'{ROOT}/a, "b"')
    assert "volumes.txt" not in written(planned(FILES, RENAME, adding("other/n.py", b"")), "image-volume")


def test_sources_of_another_base_are_refused() -> None:
    plan = planned(FILES, RENAME)
    tree = SourceTree.of({**FILES, "pkg/deep/b.py": b"from pkg.old import b\n"})
    with pytest.raises(UsageError, match=r"are not those of the plan: pkg/deep/b.py differs"):
        render_mounts(plan, "image-volume", Path("m"), trees=[tree], reference=VOLUME)


def test_a_base_that_was_not_read_is_refused() -> None:
    """It may hold more files in the folders than the sources that stand for it."""
    plan = planned(FILES, RENAME)
    unread = replace(plan, base=Base(plan.base.config, None, plan.base.name))
    with pytest.raises(UsageError, match="the base was not read") as caught:
        render_mounts(unread, "image-volume", Path("m"), trees=trees_of(plan), reference=VOLUME)
    assert caught.value.hint == "leave out --source"


def test_what_cannot_be_mounted_is_refused() -> None:
    only = planned({"pkg/a.py": b"x = 1\n"}, deleting("pkg/a.py", b"x = 1\n"))
    with pytest.raises(UsageError, match="nothing is left in /"):
        written(only, "image-volume")
    large = planned({"pkg/a.bin": bytes(LARGEST // 2), "pkg/b.py": b""}, adding("pkg/c.bin", bytes(LARGEST // 2 + 1)))
    with pytest.raises(UsageError, match="the folders have 50,331,649 bytes, more than 50,331,648"):
        written(large, "image-volume")
    with pytest.raises(PatchError, match=r"\.wh\.a\.py cannot be in a layer"):
        planned(FILES, adding("pkg/.wh.a.py", b""))


def test_a_digest_is_ours_to_say() -> None:
    plan = planned(FILES, RENAME)
    with pytest.raises(UsageError, match="has a digest already"):
        render_mounts(plan, "image-volume", Path("m"), trees=trees_of(plan), reference=f"{VOLUME}@sha256:{'0' * 64}")
    with pytest.raises(UsageError, match="needs all sources of the base, and a name"):
        render_mounts(plan, "image-volume", Path("m"))
