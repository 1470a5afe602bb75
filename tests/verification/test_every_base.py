"""What the embedded engine writes, from any shape of base: `inspect`, `verify`, `push` and others' tools accept it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import two_roots
from helpers.bases import MODELS, ROOT, SOURCES, base_image, sources
from helpers.images import Entry, file, folder, hardlink, image, read_everything, symlink, tar
from helpers.locking.locks import published_base
from helpers.registry.registries import access, docker_registry, reference, run, tag_digest
from helpers.support import sampled

import m2build
from m2build.derivation.plan import Plan
from m2build.oci.image import Image
from m2build.oci.media_types import DOCKER
from m2build.patches.tree import SourceTree
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent
from m2build.registry.pull import read_remote

TREE = tar(*sources(uid=1000, gid=1001))
PATCHED = f"{MODELS}/minimax_m2.py"


def again(name: str, content: bytes) -> bytes:
    """A layer that replaces one of the sources."""
    return tar(file(f"{MODELS}/{name}", content, mode=0o600, uid=9))


def elsewhere(top: str) -> list[Entry]:
    """The sources below another folder."""
    found = sources()
    for info, _ in found:
        info.name = info.name.replace("sgl-workspace", top, 1)
    return found


SHAPES: dict[str, Callable[[], Image]] = {
    "one path in several layers": lambda: image(
        again("minimax_m2.py", b"old\n"), TREE, again("llama.py", b"import transformers\nimport os\n"),
        again("minimax_m2.py", SOURCES["minimax_m2.py"] + b"# newer\n"),
    ),
    "more than 100 layers": lambda: image(TREE, *(tar(file(f"srv/{number}", b"1")) for number in range(120))),
    "zstd": lambda: base_image(how="zstd"),
    "three layers, gzip": base_image,
    "Docker's media types": lambda: base_image(DOCKER),
    "an opaque folder over the sources": lambda: image(
        tar(*sources(), file(f"{MODELS}/gone.py", b"import transformers\n")),
        tar(file(f"{MODELS}/.wh..wh..opq"), *sources(uid=5)),
    ),
    "a whiteout beside the sources": lambda: image(
        TREE, tar(file(f"{MODELS}/.wh.llama.py"), file(f"{ROOT}/sglang/.wh.absent")),
    ),
    "uncompressed": lambda: base_image(how="plain"),
    "a hard link to a file that changes": lambda: image(TREE, tar(hardlink(f"{MODELS}/alias.py", PATCHED))),
    "a link to the sources": lambda: image(
        tar(symlink("sgl-workspace", "/data")), tar(*elsewhere("data")),
    ),
    "a file that changes is a hard link": lambda: image(
        tar(folder("srv"), file("srv/kept.py", SOURCES["minimax_m2.py"], mode=0o604)), TREE,
        tar(file(f"{MODELS}/.wh.minimax_m2.py")), tar(hardlink(PATCHED, "srv/kept.py")),
    ),
    "attributes of files": lambda: image(
        TREE, tar(file(PATCHED, SOURCES["minimax_m2.py"], pax_headers={"SCHILY.xattr.user.note": "kept"})),
    ),
    "a config with everything": lambda: base_image(config={
        "Env": ["PATH=/bin", "LD_LIBRARY_PATH=/opt"], "Cmd": ["/bin/sh"], "User": "7:7", "WorkingDir": "/absent/deep",
        "ExposedPorts": {"22/tcp": {}}, "Volumes": {"/data": {}}, "StopSignal": "SIGINT", "Labels": {"maintainer": "x"},
        "OnBuild": ["RUN true"], "Shell": ["/bin/bash", "-c"],
    }),
    "no history": lambda: base_image(history=[]),
    "a history with empty layers": lambda: base_image(
        history=[{"created_by": str(number), "empty_layer": number > 2} for number in range(6)]
    ),
}  # fmt: skip
CASES = sampled(SHAPES, every=5)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.mark.parametrize("shape", CASES)
def test_every_tool_and_command_accepts_it(shape: str, registry: str, tmp_path: Path) -> None:
    accepted(SHAPES[shape](), registry, f"shape-{list(SHAPES).index(shape)}", tmp_path)


@pytest.mark.sweep
def test_of_the_published_release_and_of_two_folders_too(
    registry: str, sglang_tree: SourceTree, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    accepted(published_base(sglang_tree), registry, "published", tmp_path / "one")
    recipe = m2build.load_recipe(str(two_roots.recipe_file(tmp_path)))
    accepted(two_roots.base_of(*two_roots.kernels()), registry, "two", tmp_path / "two", recipe)


@pytest.mark.parametrize("tag", ["chunked", "stargz"])
def test_of_layers_with_tables_that_other_tools_wrote_too(tag: str, tabled: str, registry: str, tmp_path: Path) -> None:
    base = read_remote(reference(tabled, f"team/app:{tag}"), "linux/amd64", access()).image
    plan = accepted(base, registry, tag, tmp_path)
    assert plan.labels["dev.m2build.preimage"] == "by-table"


def accepted(base: Image, registry: str, tag: str, folder: Path, recipe: m2build.Recipe | None = None) -> Plan:
    """Derive from a base into a layout, and show the image to all that reads images."""
    below, out = f"oci:{folder}/base:1", f"oci:{folder}/out:1"
    write_image(base, Place.parse(below), tag="", reference="", replace=False, progress=Silent())
    known = recipe or m2build.load_recipe("minimax-m2")
    with m2build.Session(cache=folder / "cache") as session:
        plan = session.plan(known.select(tp=8), session.base(known, below))
        delivery = session.deliver(plan, out)
        assert session.verify(out, recipe, base=below).findings == ()
        assert session.inspect(out).content is not None
        pushed = session.push(out, f"{registry}/every/base:{tag}")
    assert str(read_everything(Place.parse(out)).manifest.digest) == pushed.digest == delivery.digest
    assert tag_digest(registry, "every/base", tag) == str(pushed.digest)
    if all(layer.media_type.endswith(("gzip", "tar.gzip")) for layer in base.manifest.layers):
        assert b"PASS" in run("crane", "validate", "--remote", f"{registry}/every/base:{tag}")
    else:  # of layers crane validates those in gzip only
        run("skopeo", "copy", "--src-tls-verify=false", f"docker://{registry}/every/base:{tag}", f"dir:{folder}/copy")
    return plan
