"""Layers read by their own tables of contents: what is found is what reading them whole finds, or they are refused."""

from __future__ import annotations

import random
import tarfile
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest
from helpers.images import WatchedBlobs, entry, file, flip, folder, hardlink, image, symlink, tar
from helpers.inspection import content_cases
from helpers.kept_progress import Kept
from helpers.layers.linked import EVERYWHERE, MOST, UMOCI, layers_of
from helpers.layers.stacks import NO_ENTRY, STACKS
from helpers.layers.tables import MAKERS, STARGZ, ZSTD, Entries, Tabled, document, estargz, tabled_image, zstd_chunked
from helpers.support import in_shares, sampled

from m2build.errors import ContentError
from m2build.layers.cache import MemberCache
from m2build.layers.filesystem import Filesystem, read_filesystem
from m2build.layers.held import held
from m2build.layers.members import Wanted
from m2build.local.cache import SealedFiles
from m2build.oci.digest import Digest
from m2build.oci.image import Image, MemoryBlobs, Reading
from m2build.progress import Silent

W_TREE = Wanted(frozenset({"w"}))
OF_FORMATS = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@pytest.fixture(autouse=True)
def small_layers_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers of some hundred bytes are read by their tables, too."""
    monkeypatch.setattr("m2build.layers.table_claims._WORTH", 0)


def whole(sample: Image) -> Image:
    return replace(sample, reading=Reading())


def same(sample: Image, wanted: Wanted = W_TREE) -> Filesystem:
    """What is read by tables, which is what is read without them."""
    said = Kept()
    with held(sample) as once:
        found = read_filesystem(once, wanted, said)
    other = read_filesystem(whole(sample), wanted, Silent())
    assert dict(found) == dict(other)
    assert (found.layers, other.by_table, said.notices) == (other.layers, frozenset(), [])
    return found


EVERY: dict[str, tuple[bytes, ...]] = {
    **{name: tuple(layers) for name, layers in STACKS.items() if name not in ("no bytes", "zeros alone", "no end")},
    **{f"linked: {name}": tuple(layers_of(stack)) for name, stack in (EVERYWHERE | MOST | UMOCI).items()},
    **{f"no entry: {name}": tuple(layers) for name, layers in NO_ENTRY.items()},
    **{f"no difference: {name}": (content_cases.BASE, *ups) for name, ups in content_cases.NO_DIFFERENCE.items()},
    **{
        f"{name} {n}": (content_cases.BASE, *ups)
        for name, all_ in content_cases.SAME.items()
        for n, ups in enumerate(all_)
    },
    **{f"different: {name}": (content_cases.BASE, layer) for name, layer in content_cases.DIFFERENT.items()},
}
EVERY.pop("garbage behind the end")


@OF_FORMATS
@pytest.mark.parametrize(
    "wanted", sampled([W_TREE, Wanted(frozenset({"w/d"}), frozenset({"etc"}), frozenset({"d/e/3"}))], every=2)
)
def test_the_answer_is_that_of_reading_whole(wanted: Wanted, make: Callable[[bytes], Tabled]) -> None:
    for layers in EVERY.values():
        sample = tabled_image(*map(make, layers))
        found = same(sample, wanted)
        assert found.by_table <= {layer.digest for layer in sample.manifest.layers}
        assert found.by_table


@in_shares(4)
@OF_FORMATS
def test_the_answer_is_that_of_reading_whole_for_random_layers(make: Callable[..., Tabled], share: int) -> None:
    for seed in range(share, 40, 4):
        chance = random.Random(seed)  # noqa: S311 - hides nothing
        layers = [make(_random_layer(chance), chunk=chance.choice([1, 100, 5000])) for _ in range(chance.randint(1, 3))]
        sample, wanted = tabled_image(*layers), Wanted(frozenset({"w/a"}), frozenset({"b"}))
        assert answer(sample, wanted) == answer(whole(sample), wanted), f"seed {seed}"


def answer(sample: Image, wanted: Wanted) -> object:
    """What is found, or why it is refused."""
    try:
        return dict(read_filesystem(sample, wanted, Silent()))
    except ContentError as error:
        return str(error)


def _random_layer(chance: random.Random) -> bytes:
    names = chance.sample(["w", "w/a", "w/a/x", "w/a/y", "w/z", "b", "b/w", "o"], chance.randint(1, 8))
    kinds: list[Callable[[str], tuple[tarfile.TarInfo, bytes]]] = [
        lambda name: file(
            name, chance.randbytes(chance.choice([0, 1, 511, 512, 1300])), mode=chance.choice([0o600, 0o4755])
        ),
        lambda name: folder(name, uid=chance.randint(0, 9)),
        lambda name: symlink(name, chance.choice(["o", "ä", "/x"])),
        lambda name: file(f"{name}/.wh..wh..opq"),
        lambda name: file(f"{name.rpartition('/')[0]}/.wh.{name.rpartition('/')[2]}".lstrip("/")),
        lambda name: entry(name, tarfile.FIFOTYPE),
    ]
    solid: set[str] = set()
    entries = []
    for name in sorted(names):
        if solid.isdisjoint({name.rpartition("/")[0], name.partition("/")[0]}):
            kind = chance.choice(kinds if "/" in name else kinds[:2])
            entries.append(kind(name))
            solid |= {name} if kind not in (kinds[1], kinds[3], kinds[4]) else set()
    return tar(*entries)


@OF_FORMATS
def test_attributes_owners_and_times_are_the_members(make: Callable[[bytes], Tabled]) -> None:
    attributes = {"SCHILY.xattr.user.a": "b", "SCHILY.xattr.security.capability": "\x01\udcff"}
    layer = tar(
        folder("w", 0o2750, uid=70_000, gid=5), file("w/a", b"1", pax_headers=attributes, mtime=0),
        file("w/old", b"2", mtime=-5), file("w/" + "ä" * 90, b"3"), symlink("w/l", "t" * 150),
    )  # fmt: skip
    found = same(tabled_image(make(layer)))
    assert found["w/a"].xattrs == attributes
    assert (found["w"].uid, found["w/old"].mtime) == (70_000, -5)


@OF_FORMATS
def test_the_cache_changes_nothing(make: Callable[[bytes], Tabled], tmp_path: Path) -> None:
    """What was read by a table never stands for what is read whole."""
    sample = tabled_image(*map(make, STACKS["hard links down the layers"]))
    blobs = WatchedBlobs(sample.blobs)
    watched, cache = replace(sample, blobs=blobs), MemberCache(SealedFiles(tmp_path))
    cold = read_filesystem(watched, W_TREE, Silent(), cache)
    blobs.opened.clear()
    warm = read_filesystem(watched, W_TREE, Silent(), cache)
    assert (dict(warm), warm.by_table, blobs.opened) == (dict(cold), cold.by_table, [])
    assert dict(read_filesystem(whole(watched), W_TREE, Silent(), cache)) == dict(cold)
    assert len(blobs.opened) >= 3
    blobs.opened.clear()
    assert read_filesystem(watched, W_TREE, Silent(), cache).by_table == cold.by_table
    assert blobs.opened == []


@OF_FORMATS
def test_only_the_table_and_the_wanted_files_are_read(make: Callable[..., Tabled]) -> None:
    noise = file("ballast", random.Random(0).randbytes(2 << 20))  # noqa: S311 - hides nothing
    layer = make(tar(noise, folder("w"), file("w/a", b"1"), hardlink("w/b", "w/a"), noise), chunk=1 << 22)
    sample = tabled_image(layer)
    blobs = CountedBlobs(sample.blobs)
    found = read_filesystem(replace(sample, blobs=blobs), W_TREE, Silent())
    assert found["w/b"].content == b"1"
    assert blobs.read < len(layer.blob) // 100


class CountedBlobs:
    """Blobs that count the bytes that are read of them."""

    def __init__(self, below: Any) -> None:
        self._below = below
        self.read = 0

    def open(self, descriptor: Any) -> Any:
        stream, counted = self._below.open(descriptor), self
        read = stream.read

        class Counted:
            seek, seekable, close = stream.seek, stream.seekable, stream.close

            def read(self, size: int = -1) -> bytes:
                data: bytes = read(size)
                counted.read += len(data)
                return data

            def __enter__(self) -> Self:
                return self

            def __exit__(self, *_: object) -> None:
                stream.close()

        return Counted()


LAYER = tar(folder("w"), file("w/a", b"one" * 500), file("w/b", b"two"), hardlink("w/c", "w/b"))


def of(name: str, entries: Entries) -> dict[str, Any]:
    return next(item for item in entries if item["name"] == name)


def alter(path: str, **values: Any) -> Callable[[Entries], None]:
    return lambda entries: of(path, entries).update(values)


CONTRADICTIONS: dict[str, tuple[Callable[[Entries], Any], str]] = {
    "another content": (alter("w/b", chunkDigest=f"sha256:{'0' * 64}"), "a chunk at byte .* is not the one of"),
    "too large": (alter("w/b", size=4, chunkSize=4), "a chunk at byte .* is not the one of"),
    "too small": (alter("w/b", size=2, chunkSize=2), "a chunk at byte .* is not the one of"),
    "another place": (lambda entries: of("w/b", entries).update(offset=of("w/b", entries)["offset"] + 1), "a chunk at"),
    "a chunk is missing": (lambda entries: entries.pop(2), "contradicts itself: the chunks of 'w/a'"),
    "chunks of another size": (alter("w/a", size=1400), "contradicts itself: the chunks of 'w/a'"),
    "chunks in another order": (lambda entries: entries.insert(2, entries.pop(3)), "files overlap"),
    "a chunk of nothing": (lambda entries: entries.insert(0, entries.pop(2)), "a chunk belongs to no file"),
    "no place": (lambda entries: of("w/b", entries).pop("offset"), "contradicts itself: the chunks of 'w/b'"),
    "outside of the blob": (alter("w/b", offset=1 << 40), "lie outside of it"),
    "one place twice": (lambda entries: of("w/b", entries).update(offset=of("w/a", entries)["offset"]), "overlap"),
    "escapes": (alter("w/b", name="../w/b"), "outside the image's root"),
    "a link out": (alter("w/b", type="symlink", linkName="../../x", size=0), "a link out of the image"),
    "absurd size": (alter("w/b", size=1 << 40, chunkSize=1 << 40), r"is larger than \d+ bytes"),
    "an owner that is none": (alter("w/b", uid=1 << 40), "impossible owner"),
    "a link to itself": (alter("w/c", linkName="w/c"), "a link to itself"),
}


@OF_FORMATS
@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_table_that_contradicts_itself_is_refused(name: str, make: Callable[..., Tabled]) -> None:
    change, words = CONTRADICTIONS[name]
    sample = tabled_image(make(LAYER, change=change))
    with pytest.raises(ContentError, match=words) as caught:
        read_filesystem(sample, W_TREE, Silent())
    assert str(sample.manifest.layers[0].digest) in str(caught.value)


NOT_UNDERSTOOD: dict[str, tuple[Callable[[Entries], Any], str]] = {
    "another version": (lambda entries: document(entries, version=2), "its version is 2, not 1"),
    "no version": (lambda _: b'{"entries": []}', "its version is None"),
    "no JSON": (lambda _: b"\xff", "not JSON of the expected form"),
    "cut": (lambda entries: document(entries)[:-40], "not JSON of the expected form"),
    "no list": (lambda _: b'{"version": 1, "entries": {}}', "not JSON of the expected form"),
    "nested without end": (lambda _: b'{"version": 1, "entries": [' + b"[" * 200_000, "not JSON of the expected form"),
    "another type": (alter("w/b", type="whale"), "has the type 'whale'"),
    "no type": (lambda entries: of("w/b", entries).pop("type"), "has the type 'None'"),
    "a name that is a number": (alter("w/b", name=5), "the entry of '5'"),
    "a size that is a text": (alter("w/b", size="3"), "size is '3'"),
    "a negative owner": (alter("w/b", uid=-1), "uid is '-1'"),
    "no digest": (
        lambda entries: [of("w/b", entries).pop(key) for key in ("chunkDigest", "digest")] and None,
        "no digest",
    ),
    "another digest": (alter("w/b", chunkDigest="md5:0"), "no digest of a known kind"),
    "a time that is none": (alter("w/b", modtime="yesterday"), "the time 'yesterday'"),
    "attributes that are not base64": (alter("w/b", xattrs={"a": "!"}), "not base64"),
    "files compressed together": (alter("w/b", innerOffset=5), "compressed together"),
    "a name that was not UTF-8": (alter("w/b", name="w/\ufffd"), "is not UTF-8"),
}


@OF_FORMATS
@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
def test_a_table_that_is_not_understood_is_left_alone(name: str, make: Callable[..., Tabled]) -> None:
    """The layer is read whole, and a notice says why."""
    change, words = NOT_UNDERSTOOD[name]
    sample, said = tabled_image(make(LAYER, change=change)), Kept()
    found = read_filesystem(sample, W_TREE, said)
    assert (found["w/c"].content, found.by_table) == (b"two", frozenset())
    (notice,) = said.notices
    assert words in notice
    assert sample.manifest.layers[0].digest.hex[:12] in notice


def annotated(layer: Tabled, **changed: str) -> Image:
    said = {**layer.annotations, **{ZSTD + key: value for key, value in changed.items()}}
    return tabled_image(replace(layer, annotations=said))


@pytest.mark.parametrize(
    ("position", "words"),
    [("1:2", "its position is '1:2'"), ("1:2:3:2", "its position is"), ("", "its position is ''")],
)
def test_a_position_that_is_not_understood(position: str, words: str) -> None:
    said = Kept()
    assert not read_filesystem(annotated(zstd_chunked(LAYER), position=position), W_TREE, said).by_table
    assert words in said.notices[0]


@pytest.mark.parametrize("position", [f"{1 << 40}:9:9:1", "9:1000000:9:1", "9:0:9:1"])
def test_a_table_outside_of_its_layer_is_refused(position: str) -> None:
    with pytest.raises(ContentError, match="outside of the layer"):
        read_filesystem(annotated(zstd_chunked(LAYER), position=position), W_TREE, Silent())


@pytest.mark.parametrize("make", [zstd_chunked, estargz])
def test_a_table_of_another_digest_is_refused(make: Callable[[bytes], Tabled]) -> None:
    layer = make(LAYER)
    said = {key: value if "position" in key else f"sha256:{'0' * 64}" for key, value in layer.annotations.items()}
    with pytest.raises(ContentError, match="its table of contents is altered"):
        read_filesystem(tabled_image(replace(layer, annotations=said)), W_TREE, Silent())


@OF_FORMATS
def test_no_altered_byte_gets_through(make: Callable[[bytes], Tabled]) -> None:
    """Whatever byte of a layer is altered: what is read is right, or an error."""
    layer = make(LAYER)
    sample = tabled_image(layer)
    right = dict(read_filesystem(sample, W_TREE, Silent()))
    digest, refused = Digest.of(layer.blob), 0
    for position in range(0, len(layer.blob), 3):
        altered = flip(layer.blob[: position + 1]) + layer.blob[position + 1 :]
        try:
            found = read_filesystem(replace(sample, blobs=MemoryBlobs({digest: altered})), W_TREE, Silent())
        except ContentError:
            refused += 1
        else:
            assert dict(found) == right
    assert refused > len(layer.blob) // 12


@pytest.mark.parametrize(
    "said", [{STARGZ: "sha256:no"}, {STARGZ: "md5:0"}, {f"{ZSTD}checksum": "x"}, {f"{ZSTD}checksum": 5}, {}]
)
def test_annotations_that_name_no_digest_name_no_table(said: dict[str, Any]) -> None:
    found = read_filesystem(tabled_image(replace(zstd_chunked(LAYER), annotations=said)), W_TREE, Silent())
    assert (found.by_table, found["w/c"].content) == (frozenset(), b"two")


def test_an_annotation_on_a_layer_without_a_table_does_no_harm() -> None:
    said = Kept()
    plain = Tabled(LAYER, LAYER, {STARGZ: f"sha256:{'0' * 64}"}, "plain")
    assert read_filesystem(tabled_image(plain), W_TREE, said)["w/c"].content == b"two"
    assert "does not end as eStargz does" in said.notices[0]


def test_small_layers_are_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert not read_filesystem(tabled_image(zstd_chunked(LAYER)), W_TREE, Silent()).by_table


def test_the_first_names_of_the_annotations_count_too() -> None:
    """skopeo 1.9 writes them without `github`."""
    layer = zstd_chunked(LAYER)
    said = {key.replace("io.github.", "io."): value for key, value in layer.annotations.items()}
    assert same(tabled_image(replace(layer, annotations=said))).by_table


def test_images_are_read_whole_unless_they_ask_for_more() -> None:
    assert not read_filesystem(whole(tabled_image(zstd_chunked(LAYER))), W_TREE, Silent()).by_table
    assert image(LAYER).reading == Reading(by_table=False, bound=None)


@pytest.fixture(scope="module")
def large() -> Image:
    """A layer of twenty thousand files."""
    return tabled_image(
        zstd_chunked(tar(*(file(f"elsewhere/{number}") for number in range(20_000)), file("w/a", b"1")))
    )


@pytest.mark.sweep
def test_memory_does_not_grow_with_a_tables_entries(large: Image) -> None:
    """A base has a million files, of which only some thousands are wanted."""
    tracemalloc.start()
    try:
        found = read_filesystem(large, W_TREE, Silent())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found["w/a"].content == b"1"
    assert found.by_table
    assert peak < 4 << 20
