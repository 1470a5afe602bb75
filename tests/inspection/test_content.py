"""The content of an image: what changes its digest and what must not, and the differences that umoci finds."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.bases import ROOT, base_image
from helpers.commands import succeeds
from helpers.images import Entry, WatchedBlobs, entry, file, folder, image, symlink, tar
from helpers.inspection.content_cases import BASE, DIFFERENT, NO_DIFFERENCE, SAME, D, Layers, W
from helpers.plans import derive
from helpers.support import in_shares, need_root, need_tool, sampled
from helpers.two_roots import base_of, kernels, selection_of
from hypothesis import given, settings
from hypothesis import strategies as st

from m2build.base.open import open_base
from m2build.derivation.image import build
from m2build.errors import ContentError
from m2build.inspection.content import Content, base_height, read_content
from m2build.labels import BASE_CHAIN_ID, SOURCE_ROOT
from m2build.oci.image import Image
from m2build.places.place import Place
from m2build.places.transports import read_image, write_image
from m2build.progress import Silent
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Selection


def content(*layers: bytes, how: str = "plain", **members: Any) -> Content:
    """The content of an image with these layers on `BASE`."""
    return read_content(image(BASE, *layers, how=how, **members), 1, Silent())


def with_header(item: Entry, **pax: str) -> Entry:
    item[0].pax_headers = {f"SCHILY.xattr.{key}": value for key, value in pax.items()}
    return item


CAPABLE = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"


@pytest.mark.parametrize("case", NO_DIFFERENCE)
def test_entries_equal_to_the_bases_are_not_differences(case: str) -> None:
    found = content(*NO_DIFFERENCE[case])
    assert (dict(found.changed), found.removed) == ({}, ())
    assert found.digest == content().digest


@pytest.mark.parametrize("root", sampled(["/w", "/w/d", "/absent", "/"], every=2))
@pytest.mark.parametrize("case", SAME)
def test_what_else_is_read_does_not_matter(case: str, root: str) -> None:
    """Below the sources, the cache holds everything; elsewhere, only what the layers touch."""
    for layers in SAME[case]:
        found = content(*layers, config={"Labels": {"dev.m2build.source-root": root}})
        assert replace(found, runtime={}).digest == replace(content(*layers), runtime={}).digest


@pytest.mark.parametrize("case", SAME)
def test_how_layers_express_it_does_not_matter(case: str) -> None:
    found = [content(*layers) for layers in SAME[case]]
    assert len({item.digest for item in found}) == 1, [item.document() for item in found]
    assert found[0].digest != content().digest


def test_every_difference_has_a_digest_of_its_own() -> None:
    digests = {case: content(layer).digest for case, layer in DIFFERENT.items()} | {"nothing": content().digest}
    assert len(set(digests.values())) == len(digests)


def test_a_files_capabilities_count_and_other_attributes_do_not() -> None:
    capable = tar(W, with_header(file("w/x", b"x"), **{"security.capability": CAPABLE}))
    labelled = tar(W, with_header(file("w/x", b"x"), **{"security.selinux": "system_u:object_r:bin_t:s0"}))
    assert content(labelled).digest == content().digest
    assert content(capable).digest != content().digest
    assert content(capable).changed["w/x"].capabilities == CAPABLE.encode("latin-1").hex()


def test_the_document_has_the_whole_content() -> None:
    layer = tar(
        folder("./", 0o700), W, file("w/n\udcff", b"n", mode=0o4755, uid=1, gid=2), symlink("w/s", "x"),
        entry("w/c", tarfile.CHRTYPE, mode=0o600, devmajor=1, devminor=3), file("w/.wh.d"), file("w/.wh.x"),
    )  # fmt: skip
    assert json.loads(json.dumps(content(layer, config=None).document())) == {
        "changed": {
            "/": {"kind": "folder", "mode": "0700", "owner": "0:0"},
            "/w/c": {"kind": "other", "mode": "0600", "owner": "0:0"},
            "/w/n\udcff": {
                "kind": "file", "mode": "4755", "owner": "1:2", "value": f"sha256:{hashlib.sha256(b'n').hexdigest()}",
            },
            "/w/s": {"kind": "symlink", "mode": "0777", "owner": "0:0", "value": "x"},
        },
        "removed": ["/w/d", "/w/x"],
        "runtime": {"WorkingDir": "/"},
    }  # fmt: skip


LEAVES = st.sampled_from(["w/x", "w/h", "w/d/1", "w/d/e/3", "etc/a", "etc/l", "n", "w/n", "w/d/e/n"])
NUMBERS = st.integers(0, 3)
CHANGES = st.one_of(
    st.just(None),
    st.tuples(st.just("file"), st.sampled_from([0o644, 0o640, 0o4755]), NUMBERS, NUMBERS, st.binary(max_size=3)),
    st.tuples(st.just("link"), st.just(0o777), NUMBERS, NUMBERS, st.sampled_from([b"a", b"b"])),
)
Change = tuple[str, int, int, int, bytes] | None
CHANGESETS = st.dictionaries(LEAVES, CHANGES, max_size=6)


def written(changes: Mapping[str, Change], time: int) -> bytes:
    """One layer that makes these changes; None removes a path."""
    entries = []
    for path, change in changes.items():
        place, _, name = path.rpartition("/")
        if change is None:
            entries.append(file(f"{place}/.wh.{name}".lstrip("/"), mtime=time))
        else:
            kind, mode, uid, gid, data = change
            attributes = {"mode": mode, "uid": uid, "gid": gid, "mtime": time}
            is_file = kind == "file"
            entries.append(file(path, data, **attributes) if is_file else symlink(path, data.decode(), **attributes))
    return tar(*entries)


@in_shares(4)
@settings(max_examples=25, deadline=None)
@given(changes=CHANGESETS, data=st.data())
def test_how_changes_are_split_over_layers_does_not_matter(
    share: int, changes: dict[str, Change], data: st.DataObject
) -> None:
    """Each path gets its last change in some layer, and perhaps other or equal changes in the layers before."""
    count = data.draw(st.integers(1, 4))
    layers: list[dict[str, Change]] = [{} for _ in range(count)]
    for path, change in changes.items():
        last = data.draw(st.integers(0, count - 1))
        layers[last][path] = change
        for earlier in layers[:last]:
            if data.draw(st.booleans()):
                earlier[path] = data.draw(CHANGES)
    how = data.draw(st.sampled_from(["plain", "gzip", "zstd"]))
    split = content(*(written(layer, data.draw(st.integers(0, 1 << 31))) for layer in layers), how=how)
    assert split.digest == content(written(changes, 0)).digest


@in_shares(4)
@settings(max_examples=25, deadline=None)
@given(changes=CHANGESETS, path=LEAVES, one=CHANGES, other=CHANGES)
def test_any_other_single_change_changes_the_digest(
    share: int, changes: dict[str, Change], path: str, one: Change, other: Change
) -> None:
    first, second = (content(written(changes | {path: change}, 0)) for change in (one, other))
    assert (first.digest == second.digest) == (one == other)


LABELS = {"a": "b", "c": "d"}
HEALTH = {"Test": ["CMD", "true"], "Interval": 30_000_000_000, "Retries": 3}
CONFIG: dict[str, Any] = {
    "Entrypoint": ["python3", "-m", "x"], "Env": ["PATH=/bin", "A=1"], "Labels": LABELS, "WorkingDir": "/w",
    "ExposedPorts": {"8000/tcp": {}, "22/tcp": {}}, "Healthcheck": HEALTH, "User": "app",
}  # fmt: skip
SAME_RUNTIME: dict[str, dict[str, Any]] = {
    "null": {"Cmd": None, "Volumes": None, "StopSignal": None},
    "empty": {"Cmd": [], "Volumes": {}, "OnBuild": [], "StopSignal": ""},
    "what the build leaves": {"Hostname": "h", "Image": "sha256:1", "ArgsEscaped": True, "Tty": False},
    "an emptied label": {"Labels": {**LABELS, "maintainer": ""}},
    "labels in another order": {"Labels": {"c": "d", "a": "b"}},
    "variables in another order": {"Env": ["A=1", "PATH=/bin"]},
    "ports in another order": {"ExposedPorts": {"22/tcp": {}, "8000/tcp": {}}},
    "zeros of the health check": {"Healthcheck": {**HEALTH, "StartPeriod": 0, "StartInterval": 0, "Timeout": None}},
}
OTHER_RUNTIME: dict[str, dict[str, Any]] = {
    "entrypoint": {"Entrypoint": ["python3", "x", "-m"]},
    "no entrypoint": {"Entrypoint": None},
    "command": {"Cmd": ["x"]},
    "a variable": {"Env": ["PATH=/bin", "A=2"]},
    "two variables of one name": {"Env": ["PATH=/bin", "A=1", "A=2"]},
    "their order": {"Env": ["PATH=/bin", "A=2", "A=1"]},
    "one label more": {"Labels": {**LABELS, "e": "f"}},
    "one label less": {"Labels": {"a": "b"}},
    "a label": {"Labels": {**LABELS, "a": "c"}},
    "a port": {"ExposedPorts": {"8000/tcp": {}}},
    "the health check": {"Healthcheck": {**HEALTH, "Retries": 4}},
    "no health check": {"Healthcheck": {}},
    "the working directory": {"WorkingDir": "/"},
    "the user": {"User": "0"},
    "a volume": {"Volumes": {"/v": {}}},
    "the signal to stop": {"StopSignal": "SIGINT"},
}


@pytest.mark.parametrize("case", SAME_RUNTIME)
def test_what_does_not_decide_how_containers_start_does_not_count(case: str) -> None:
    assert content(config=CONFIG | SAME_RUNTIME[case]).digest == content(config=CONFIG).digest


def test_everything_that_decides_how_containers_start_counts() -> None:
    digests = {case: content(config=CONFIG | other).digest for case, other in OTHER_RUNTIME.items()}
    assert len({content(config=CONFIG).digest, *digests.values()}) == len(digests) + 1


def test_without_a_working_directory_it_is_the_root() -> None:
    found = [content(config=config).digest for config in ({"WorkingDir": "/"}, {"WorkingDir": ""}, {}, None)]
    assert len(set(found)) == 1


THROUGH_LINKS: dict[str, Layers] = {
    "a link of the base": (tar(file("bin/tool")),),
    "a link in the layer below": (tar(symlink("l", "usr")), tar(file("l/tool"))),
    "a link that goes afterwards": (tar(symlink("l", "usr")), tar(file("l/tool")), tar(file(".wh.l"))),
    "a file": (tar(file("w/x/y")),),
}


@pytest.mark.parametrize("case", THROUGH_LINKS)
def test_a_layer_that_writes_through_a_link_of_another_is_refused(case: str) -> None:
    """containerd follows the link, so that the file ends up elsewhere; Docker's older store puts a folder there."""
    with pytest.raises(ContentError, match=r"the layer sha256:\w+ writes /\S+ below something that is not a folder"):
        content(*THROUGH_LINKS[case])


def test_what_a_layer_writes_through_its_own_link_is_where_it_leads() -> None:
    written = content(tar(symlink("l", "usr"), file("l/tool")))
    assert written == content(tar(symlink("l", "usr"), file("usr/tool")))


def test_the_chain_id_says_where_the_base_ends() -> None:
    two = image(BASE, tar(W))
    chain = two.config.chain_ids
    for height, label in enumerate(chain, 1):
        labelled = image(BASE, tar(W), tar(D), config={"Labels": {BASE_CHAIN_ID: str(label)}})
        assert base_height(labelled.config) == height
    with pytest.raises(ContentError, match="does not say where its base ends"):
        base_height(two.config)
    squashed = image(tar(W), config={"Labels": {BASE_CHAIN_ID: str(chain[0])}})
    with pytest.raises(ContentError, match=r"names the chain id .*, but none of its layers has it") as caught:
        base_height(squashed.config)
    assert "squashed" in str(caught.value.hint)


def derived(place: str, base: Image, selection: Selection) -> Image:
    """An image derived from a base in a layout; what the derivation has read is in the cache."""
    write_image(base, Place.parse(place), tag="", reference="", replace=False, progress=Silent())
    found = open_base(Place.parse(place), roots=selection.recipe.roots, platform="linux/amd64")
    return build(derive(selection, found, environment={}, progress=Silent()))


@pytest.mark.parametrize("roots", [1, 2])
def test_a_base_in_the_cache_is_not_read_again(roots: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    base = base_image() if roots == 1 else base_of(*kernels())
    selection = load_recipe("minimax-m2").select(profile="tp8") if roots == 1 else selection_of(tmp_path)
    built = derived(f"oci:{tmp_path}/base:v1", base, selection)
    assert len([label for label in built.config.labels if label.startswith(SOURCE_ROOT)]) == roots
    place = Place.parse(f"oci:{tmp_path}/out:v1")
    write_image(built, place, tag="", reference="", replace=False, progress=Silent())
    stored = read_image(place, "linux/amd64").image
    blobs = WatchedBlobs(stored.blobs)
    found = read_content(Image(stored.manifest, stored.config, blobs), len(base.manifest.layers), Silent())
    assert {layer.digest for layer in blobs.opened} == {stored.manifest.layers[-1].digest}
    assert found.digest == read_content(built, len(base.manifest.layers), Silent()).digest


Judged = dict[str, tuple[str, str, str, str]]


def unpacked(sample: Image, folder: Path) -> Judged:
    """Path -> kind, mode, owner and SHA-256 or target of what umoci unpacks; the root is the empty path."""
    need_root("sets owners and makes devices")
    place = Place.parse(f"oci:{folder}/layout:v1")
    write_image(sample, place, tag="", reference="", replace=False, progress=Silent())
    command = [need_tool("umoci"), "unpack", "--image", f"{folder}/layout:v1", f"{folder}/bundle"]
    subprocess.run(command, check=True, capture_output=True)
    root = folder / "bundle" / "rootfs"
    return {str(path.relative_to(root)).removeprefix("."): judged(path) for path in (root, *root.rglob("*"))}


KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "symlink"}


def judged(path: Path) -> tuple[str, str, str, str]:
    status = path.lstat()
    kind = KINDS.get(stat.S_IFMT(status.st_mode), "other")
    value = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" if kind == "file" else ""
    value = os.readlink(path) if kind == "symlink" else value  # noqa: PTH115 - Path would normalise it
    return kind, f"{stat.S_IMODE(status.st_mode):04o}", f"{status.st_uid}:{status.st_gid}", value


def difference(before: Judged, after: Judged) -> tuple[Judged, list[str]]:
    """What is new or different, and the topmost removed paths that are not below something new."""
    changed = {path: seen for path, seen in after.items() if before.get(path) != seen}
    gone = before.keys() - after.keys()
    folders = {path for path, seen in after.items() if seen[0] == "folder"}
    return changed, sorted(path for path in gone if (path.rpartition("/")[0] or "") in folders)


def as_judged(found: Content) -> tuple[Judged, list[str]]:
    changed = {
        path: (str(seen.kind), f"{seen.mode:04o}", seen.owner, seen.value) for path, seen in found.changed.items()
    }
    return changed, list(found.removed)


@pytest.mark.parametrize(
    "layers",
    sampled(
        [
            *NO_DIFFERENCE.values(),
            *(layers for ways in SAME.values() for layers in ways),
            *((x,) for x in DIFFERENT.values()),
        ],
        every=4,
    ),
)
def test_umoci_finds_the_same_differences(layers: Layers, tmp_path: Path) -> None:
    before, after = unpacked(image(BASE), tmp_path / "before"), unpacked(image(BASE, *layers), tmp_path / "after")
    assert as_judged(content(*layers)) == difference(before, after)


@pytest.mark.sweep
def test_umoci_finds_the_same_differences_in_sglang(tmp_path: Path) -> None:
    """The real sources, and the image that the command line makes from them."""
    succeeds("image", "--tp", "8", "--base", "pypi:sglang==0.5.7", "-o", f"oci:{tmp_path}/out:tp8")
    built = read_image(Place.parse(f"oci:{tmp_path}/out:tp8"), "linux/amd64").image
    base = open_base(
        Place.parse("pypi:sglang==0.5.7"), roots=load_recipe("minimax-m2").roots, platform="linux/amd64"
    ).image
    height = base_height(built.config)
    assert base
    assert height == len(base.manifest.layers)
    before, after = unpacked(base, tmp_path / "before"), unpacked(built, tmp_path / "after")
    found = as_judged(read_content(built, height, Silent()))
    assert found == difference(before, after)
    assert len(found[0]) > 10
    assert found[1] == [f"{ROOT}/sglang/srt/models/transformers.py"]
