"""The merged view of an image's layers, compared with umoci and with a plain model; and hostile layers."""

from __future__ import annotations

import gzip
import stat
import subprocess
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import zstandard
from helpers.images import Entry, compressed, entry, file, folder, hardlink, image, layer_type, symlink, tar
from helpers.layers.linked import EVERYWHERE, MOST, REFUSED, UMOCI, layers_of
from helpers.layers.stack_model import apply, stacks, to_tar
from helpers.layers.stacks import NO_ENTRY, STACKS, STRANGE, W_D, W
from helpers.support import in_shares, need_tool, sampled
from hypothesis import given, settings

from m2build.errors import ContentError
from m2build.layers.filesystem import read_filesystem
from m2build.layers.members import Wanted, wanted_for
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Image, MemoryBlobs
from m2build.oci.manifest import build_manifest
from m2build.oci.media_types import OCI
from m2build.oci.tar import Kind
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import write_image
from m2build.progress import Silent

W_TREE = Wanted(frozenset({"w"}))
Seen = dict[str, tuple[Any, ...]]


def view(*layers: bytes, wanted: tuple[str, ...] = ("w",), how: str = "plain") -> Seen:
    found = read_filesystem(image(*layers, how=how), Wanted(frozenset(wanted)), Silent())
    return {path: (str(m.kind), m.mode, m.uid, m.gid, m.mtime, m.content, m.target) for path, m in found.items()}


def content(*layers: bytes, wanted: tuple[str, ...] = ("w",)) -> dict[str, bytes]:
    return {path: seen[5] for path, seen in view(*layers, wanted=wanted).items() if seen[0] == "file"}


def unpacked(tmp_path: Path, *layers: bytes, wanted: str = "w") -> Seen:
    """What umoci unpacks from the layers."""
    place = Place(PlaceKind.OCI, str(tmp_path / "layout"), "v1")
    write_image(image(*layers), place, tag="", reference="", replace=False, progress=Silent())
    command = [need_tool("umoci"), "unpack", "--image", f"{tmp_path}/layout:v1", f"{tmp_path}/bundle"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    root = tmp_path / "bundle" / "rootfs"
    found: Seen = {}
    for path in sorted(root.rglob("*")):
        status, name = path.lstat(), str(path.relative_to(root))
        if name != wanted and not name.startswith(f"{wanted}/"):
            continue
        kind = {stat.S_IFDIR: "folder", stat.S_IFLNK: "symlink", stat.S_IFREG: "file"}[stat.S_IFMT(status.st_mode)]
        data = path.read_bytes() if kind == "file" else b""
        target = str(path.readlink()) if kind == "symlink" else ""
        numbers = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, int(status.st_mtime))
        found[name] = (kind, *numbers, data, target)
    return found


def global_header(records: dict[str, str]) -> bytes:
    """The first header of a `git archive`; in Go's archive/tar it does not apply to the members after it."""
    return tarfile.TarInfo.create_pax_global_header(records)


@pytest.mark.parametrize("name", sampled([*STACKS, *STRANGE], every=3))
def test_the_view_equals_what_umoci_unpacks(name: str, tmp_path: Path) -> None:
    stack = (STACKS | STRANGE)[name]
    assert timeless(view(*stack)) == timeless(unpacked(tmp_path, *stack))


def timeless(seen: Seen) -> Seen:
    """Without the times of folders, which umoci sets once: writing into them through links changes them again."""
    return {path: (*entry[:4], 0, *entry[5:]) if entry[0] == "folder" else entry for path, entry in seen.items()}


@pytest.mark.parametrize("name", sampled([*EVERYWHERE, *MOST, *UMOCI], every=2))
def test_what_a_layer_writes_through_its_own_links_is_where_umoci_puts_it(name: str, tmp_path: Path) -> None:
    layers = layers_of((EVERYWHERE | MOST | UMOCI)[name])
    assert timeless(view(*layers)) == timeless(unpacked(tmp_path, *layers))


@pytest.mark.parametrize("target", ["o", "/o/.", "o/../o", "../../o"])
def test_links_outside_of_the_sources_lead_into_them(target: str) -> None:
    """Such as `lib -> usr/lib`. `..` stops at the root, as in a container."""
    layer = tar(folder("o"), folder("o/w"), symlink("l", target), file("l/w/a", b"1"), hardlink("l/w/b", "l/w/a"))
    lower = tar(folder("o"), folder("o/w"), file("o/w/gone"))
    assert content(lower, layer, tar(file("o/w/.wh.gone")), wanted=("o/w",)) == {"o/w/a": b"1", "o/w/b": b"1"}


def test_a_link_at_the_root_that_is_replaced_leads_elsewhere(tmp_path: Path) -> None:
    links = symlink("l", "w"), file("l/a", b"1"), symlink("l", "w/d"), file("l/a", b"2"), folder("l"), file("l/a", b"3")
    layer = tar(W, W_D, *links)
    assert content(layer) == {"w/a": b"1", "w/d/a": b"2"}
    assert timeless(view(layer)) == timeless(unpacked(tmp_path, layer))


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_written_through_links_to_nowhere_is_refused(name: str) -> None:
    stack, message = REFUSED[name]
    with pytest.raises(ContentError, match=message):
        view(*layers_of(stack))


def test_the_links_of_a_layer_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    many = tar(*(symlink(f"elsewhere/{number}", "n" * 90) for number in range(40)))
    view(many)
    monkeypatch.setattr("m2build.layers.own_links._MOST_MEMORY", 10_000)
    with pytest.raises(ContentError, match=r"with the member 'elsewhere/3\d' its links take more than 10000 bytes"):
        view(many)
    view(*[tar(symlink("elsewhere/0", "n" * 90))] * 40, tar(*[symlink("x", "n"), symlink("x", "m")] * 40))


def test_following_links_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    names = (f"k/{number}/{kind}" for number in range(40) for kind in "ab")
    many = tar(folder("o"), symlink("k", "o/" + "./" * 100), *map(file, names))
    view(many)
    monkeypatch.setattr("m2build.layers.own_links._MOST_STEPS", 4000)
    with pytest.raises(ContentError, match=r"its members pass through links too often, counted up to /k$"):
        view(many)


@pytest.mark.parametrize("name", NO_ENTRY)
def test_folders_without_an_entry_are_those_that_umoci_makes(name: str, tmp_path: Path) -> None:
    """Their time is the time of unpacking, which no view knows."""
    found, expected = view(*NO_ENTRY[name]), unpacked(tmp_path, *NO_ENTRY[name])
    assert {path: (*seen[:4], seen[5:]) for path, seen in found.items()} == {
        path: (*seen[:4], seen[5:]) for path, seen in expected.items()
    }


def test_a_parent_folder_exists_if_anything_is_below_it() -> None:
    found = view(tar(file("opt/other/x"), file("usr/x")), wanted=("opt/m2build", "srv/w"))
    assert {path: seen[:4] for path, seen in found.items()} == {"opt": ("folder", 0o755, 0, 0)}


@pytest.mark.parametrize("name", STACKS)
def test_reading_ahead_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one_by_one = view(*STACKS[name])
    monkeypatch.setattr("m2build.layers.reader._LARGE", 0)
    assert view(*STACKS[name]) == one_by_one


def test_an_error_in_a_layer_read_ahead_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2build.layers.reader._LARGE", 0)
    sample = image(b"no tar" * 200, tar(W, file("w/a")), how="plain")
    with pytest.raises(ContentError, match=sample.manifest.layers[0].digest.hex):
        read_filesystem(sample, W_TREE, Silent())


@pytest.mark.parametrize("above", ["", "s", "s/t"])
def test_an_opaque_folder_hides_lower_layers(above: str) -> None:
    lower = tar(folder("s"), folder("s/t"), folder("s/t/w"), file("s/t/w/a", b"1"))
    upper = tar(
        file(f"{above}/.wh..wh..opq".lstrip("/")), folder("s"), folder("s/t"), folder("s/t/w"), file("s/t/w/b", b"2")
    )
    assert content(lower, upper, wanted=("s/t/w",)) == {"s/t/w/b": b"2"}


@pytest.mark.parametrize("order", [1, -1])
def test_whiteouts_apply_to_lower_layers_only_in_any_order(order: int) -> None:
    """ "Whiteout files MUST only apply to resources in lower/parent layers." (layer.md)"""
    entries = [file("w/.wh.a"), file("w/a", b"2"), folder("w/d"), file("w/d/.wh..wh..opq"), file("w/d/x", b"3")]
    lower = tar(W, file("w/a", b"1"), folder("w/d"), file("w/d/y"))
    assert content(lower, tar(W, *entries[::order])) == {"w/a": b"2", "w/d/x": b"3"}


def test_the_view_has_parent_folders_and_nothing_else() -> None:
    layer = tar(folder("s", 0o711), folder("s/t", 0o700), folder("s/t/w"), file("s/t/w/a"), file("s/x"), file("y"))
    found = view(layer, wanted=("s/t/w",))
    assert {path: seen[1] for path, seen in found.items()} == {
        "s": 0o711,
        "s/t": 0o700,
        "s/t/w": 0o755,
        "s/t/w/a": 0o644,
    }


def test_several_wanted_folders_make_one_view() -> None:
    layer = tar(folder("a"), file("a/1"), folder("b"), file("b/2"), folder("ab"), file("ab/3"))
    assert set(view(layer, wanted=("a", "b"))) == {"a", "a/1", "b", "b/2"}


def test_aufs_metadata_is_ignored() -> None:
    layer = tar(W, folder("w/.wh..wh.plnk"), file("w/.wh..wh.plnk/12"), file("w/.wh..wh.aufs"), file("w/a", b"1"))
    assert set(view(layer)) == {"w", "w/a"}


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
def test_every_compression_is_read(how: str) -> None:
    assert view(tar(W, file("w/a", b"1" * 5000)), how=how)["w/a"][5] == b"1" * 5000


def test_extended_attributes_are_kept() -> None:
    info, data = file("w/a", b"1")
    info.pax_headers = {"SCHILY.xattr.user.key": "value", "comment": "not kept"}
    found = read_filesystem(image(tar(W, (info, data))), W_TREE, Silent())
    assert dict(found["w/a"].xattrs) == {"SCHILY.xattr.user.key": "value"}


def test_a_wanted_file_that_is_written_through_a_link_is_refused(tmp_path: Path) -> None:
    """umoci puts it where the link points, so by the layer's name for it nothing would be found."""
    layers = tar(folder("w"), folder("w/real"), symlink("w/l", "real")), tar(file("w/l/a", b"1"))
    with pytest.raises(ContentError, match=r"the layer sha256:\w+ writes /w/l/a below something that is not a f"):
        view(*layers)
    assert unpacked(tmp_path, *layers).keys() == {"w", "w/real", "w/real/a", "w/l"}
    assert sorted(view(*layers, tar(file("w/.wh.l")))) == ["w", "w/real"]


MERGED = tar(
    folder("usr"), folder("usr/lib"), folder("usr/lib/p"), file("usr/lib/p/a", b"1"), symlink("lib", "usr/lib")
)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (file("lib/p/b", b"2"), {"usr/lib/p/a": b"1", "usr/lib/p/b": b"2"}),
        (file("lib/p/a", b"2"), {"usr/lib/p/a": b"2"}),
        (file("lib/p/.wh.a"), {}),
    ],
    ids=["new", "replaced", "hidden"],
)
def test_sources_below_usr_that_a_layer_writes_by_their_merged_name_are_refused(
    entry: Entry, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """umoci writes them where the link at /lib leads: among the sources. Others below /lib make no difference."""
    layers = MERGED, tar(entry)
    found = unpacked(tmp_path, *layers, wanted="usr/lib/p")
    assert {path: seen[5] for path, seen in found.items() if seen[0] == "file"} == expected
    wanted = wanted_for(["/usr/lib/p"], [])
    with pytest.raises(
        ContentError, match=r"the layer sha256:\w+ writes /lib/p/.* below something that is not a folder"
    ):
        read_filesystem(image(*layers), wanted, Silent())
    for upper in (tar(file("lib/other/b")), tar(folder("lib"), file("lib/p/b")), tar(file("lib/q/.wh.a"))):
        assert read_filesystem(image(MERGED, upper), wanted, Silent())["usr/lib/p/a"].content == b"1"


@in_shares(3)
@settings(deadline=None, max_examples=100)
@given(stacks())
def test_the_view_agrees_with_the_model(share: int, layers: list[list[tuple[str, str, bytes]]]) -> None:
    expected: dict[str, bytes | None] = {}
    for layer in layers:
        expected = apply(expected, layer)
    found = view(*(to_tar(layer) for layer in layers))
    assert {path: seen[5] if seen[0] == "file" else None for path, seen in found.items()} == expected


def test_global_headers_apply_to_no_member() -> None:
    """Docker ignores them; umoci refuses them."""
    assert view(global_header({"path": "w/other", "uid": "7"}) + tar(W, file("w/a", b"1")))["w/a"][2:6:3] == (0, b"1")


def test_a_whiteout_of_a_parent_folder_hides_its_content() -> None:
    """As in umoci, which changes the folder's time."""
    lower = tar(W, folder("w/d"), file("w/d/x"), file("w/a"))
    assert content(lower, tar(W, W_D, file("w/d/n", b"1"), file("w/d/.wh..."))) == {"w/d/n": b"1"}


def test_a_hard_link_to_a_device_or_a_pipe_has_its_kind() -> None:
    pipe = entry("w/pipe", tarfile.FIFOTYPE, mode=0o600)
    assert view(tar(W, pipe, hardlink("w/b", "w/pipe")))["w/b"][:2] == (str(Kind.OTHER), 0o600)


@pytest.mark.parametrize(
    "blob",
    [
        gzip.compress(b""), zstandard.ZstdCompressor().compress(b""), b"",
        b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstandard.ZstdCompressor().compress(b""),
    ],
    ids=["gzip", "zstd", "plain", "skippable frame"],
)  # fmt: skip
def test_a_layer_without_content_is_empty(blob: bytes) -> None:
    lower = tar(W, file("w/a", b"1"))
    sample = image(lower, b"")
    layers = [sample.manifest.layers[0], Descriptor.of(OCI.layer_gzip, blob)]
    manifest = build_manifest(OCI, sample.manifest.config, layers, {})
    blobs = MemoryBlobs({layers[1].digest: blob}, sample.blobs)
    found = read_filesystem(Image(manifest, sample.config, blobs), W_TREE, Silent())
    assert found["w/a"].content == b"1"


@pytest.mark.parametrize("said", ["plain", "gzip", "zstd"])
@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
def test_the_bytes_not_the_media_type_give_a_layers_compression(how: str, said: str) -> None:
    """Docker, podman, crane and skopeo look at the bytes."""
    layer = tar(W, file("w/a", b"1"))
    blob = compressed(layer, how)
    descriptor = Descriptor.of(layer_type(OCI, said), blob)
    sample = image(layer)
    manifest = build_manifest(OCI, sample.manifest.config, [descriptor], {})
    stored = Image(manifest, sample.config, MemoryBlobs({descriptor.digest: blob}))
    assert read_filesystem(stored, W_TREE, Silent())["w/a"].content == b"1"


def test_several_zstd_frames_are_one_stream() -> None:
    layer = tar(W, file("w/a", b"1" * 2000))
    frames = [zstandard.ZstdCompressor().compress(part) for part in (layer[:700], b"", layer[700:])]
    skippable = b"\x5a\x2a\x4d\x18\x02\0\0\0.."
    blob = skippable.join([b"", *frames])
    sample = image(layer)
    descriptor = Descriptor.of(layer_type(OCI, "zstd"), blob)
    manifest = build_manifest(OCI, sample.manifest.config, [descriptor], {})
    stored = Image(manifest, sample.config, MemoryBlobs({descriptor.digest: blob}))
    assert read_filesystem(stored, W_TREE, Silent())["w/a"].content == b"1" * 2000


def test_devices_are_in_the_view_without_content() -> None:
    found = view(tar(W, entry("w/null", tarfile.CHRTYPE, devmajor=1, devminor=3), entry("w/pipe", tarfile.FIFOTYPE)))
    assert found["w/null"][0] == str(Kind.OTHER)
    assert found["w/pipe"][0] == str(Kind.OTHER)


def test_memory_does_not_grow_with_a_layers_members() -> None:
    """A base has a million files, of which only some thousands are wanted."""
    plain = tar(*(file(f"elsewhere/{number}") for number in range(20_000)))
    sample = image(plain, how="plain")
    tracemalloc.start()
    try:
        read_filesystem(sample, W_TREE, Silent())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20
