"""Any base: the image derived from it is consistent, and our tools and others accept it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bases import sources
from helpers.images import Entry, file, folder, hardlink, image, read_everything, symlink, tar
from helpers.registry.registries import docker_registry, run
from helpers.rendering.dockerfiles import plan_for
from helpers.support import in_shares
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from m2build.derivation.image import build
from m2build.errors import ContentError, PatchError
from m2build.inspection.content import read_content
from m2build.oci.image import Image
from m2build.oci.layer import open_layer
from m2build.oci.media_types import DOCKER, OCI
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent
from m2build.session import Session

SEED = tar(folder("etc"), file("etc/seed", b"1"))
NAMES = ("a", "etc/a", "etc/a/b", "opt", "opt/m2build", "opt/m2build/old", "sgl-workspace/other", "work/here")
KINDS = ("file", "folder", "symlink", "hard link", "whiteout", "opaque")
REFUSED = (
    r"^the base has a /opt/m2build already|^/(opt|work)\b.* is a \S+ in the base; |"
    r"^the layer sha256:\w+ writes /\S+ below something that is not a folder$"
)
HISTORIES: tuple[Any, ...] = ("right", [], [{}], [{}] * 9, [None, None], [{"empty_layer": True}])


def member(name: str, kind: str) -> Entry:
    parent, _, last = name.rpartition("/")
    return {
        "file": file(name, b"2", mode=0o4755, uid=7),
        "folder": folder(name, mode=0o1777, gid=8),
        "symlink": symlink(name, "/etc/seed"),
        "hard link": hardlink(name, "etc/seed"),
        "whiteout": file(f"{parent}/.wh.{last}".lstrip("/")),
        "opaque": file(f"{name}/.wh..wh..opq"),
    }[kind]


LAYERS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(KINDS), max_size=5).map(
    lambda members: tar(*(member(name, kind) for name, kind in sorted(members.items())))
)


@st.composite
def bases(draw: st.DrawFn) -> Image:
    """A few layers, with the sources in one of them, under a config that may contradict them."""
    layers = draw(st.lists(LAYERS, max_size=3))
    layers.insert(draw(st.integers(0, len(layers))), tar(*sources(uid=draw(st.sampled_from([0, 1000])))))
    members: dict[str, Any] = {"config": {"WorkingDir": draw(st.sampled_from(["", "/", "/work/here", "/absent/deep"]))}}
    history = draw(st.sampled_from(HISTORIES))
    if history != "right":
        members["history"] = history
    types, how = draw(st.sampled_from([OCI, DOCKER])), draw(st.sampled_from(["gzip", "zstd", "plain"]))
    return image(SEED, *layers, types=types, how=how, **members)


def check(base: Image, folder: Path) -> Image:
    """Check that an image agrees with its base, with itself, and with what `inspect` and a reader find in it."""
    try:
        built = build(plan_for(base, name=None))
    except (ContentError, PatchError) as error:
        assert re.search(REFUSED, str(error))  # noqa: PT017
        reject()
    height, diff_ids = len(base.manifest.layers), built.config.diff_ids
    history = built.config.document()["history"]
    assert isinstance(history, list)
    filled = [entry for entry in history if isinstance(entry, dict) and not entry.get("empty_layer")]
    assert len(filled) == len(diff_ids) == len(built.manifest.layers) == height + 1
    assert (built.manifest.layers[:height], diff_ids[:height]) == (base.manifest.layers, base.config.diff_ids)
    for layer, diff_id in zip(built.manifest.layers, diff_ids, strict=True):
        with open_layer(built, layer, diff_id):  # it is held against both digests at the end of the block
            pass
    assert "opt/m2build/changeset.json" in read_content(built, height, Silent()).changed
    place = Place.parse(f"oci:{folder}/out:v1")
    write_image(built, place, tag="", reference="", replace=False, progress=Silent())
    assert read_everything(place).manifest.digest == built.manifest.digest
    return built


@in_shares(21)
@settings(max_examples=5, deadline=None)
@given(bases())
def test_what_is_made_of_it_agrees_with_itself(share: int, base: Image) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(base, Path(folder))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.mark.sweep
@settings(max_examples=60, deadline=None)
@given(bases())
def test_it_is_proven_and_pushed_and_crane_finds_nothing_wrong_with_it(host: str, base: Image) -> None:
    with tempfile.TemporaryDirectory() as folder, Session() as session:
        built = check(base, Path(folder))
        below = Place.parse(f"oci:{folder}/base:v1")
        write_image(base, below, tag="", reference="", replace=False, progress=Silent())
        assert session.verify(f"oci:{folder}/out:v1", base=below).findings == ()
        name = f"{host}/any/base:v1"
        pushed = session.push(f"oci:{folder}/out:v1", name)
        assert pushed.digest == str(built.manifest.digest) == run("crane", "digest", name).decode().strip()
        place = Place.parse(f"docker-archive:{folder}/out.tar")
        write_image(built, place, tag="", reference="m2build/any:v1", replace=False, progress=Silent())
        assert b"PASS" in run("crane", "validate", "--tarball", f"{folder}/out.tar")
