"""Folders of sources that are found by a marker: layers are decompressed once for both, and the answer is the same."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest
from helpers.images import Entry, file, folder, hardlink, image, symlink, tar
from helpers.kept_progress import Kept
from hypothesis import assume, example, given, reject, settings
from hypothesis import strategies as st

from m2build.errors import ContentError, M2BuildError
from m2build.layers import contents
from m2build.layers.contents import Contents, read_contents, read_members
from m2build.layers.filesystem import read_filesystem
from m2build.layers.held import held
from m2build.layers.members import Wanted, wanted_for
from m2build.layers.readings import Readings
from m2build.layers.root import Root
from m2build.layers.roots import read_roots
from m2build.layers.touched import TRUNKS
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image
from m2build.progress import Progress, Silent

HOME = "usr/lib/python3/site-packages"
WORK = "sgl-workspace/b"
ROOTS = {"m": Root(None, "sources.m.root", "m/__init__.py")}
PLACES = (HOME, f"{HOME}/m", f"{HOME}/m/__init__.py", f"{HOME}/m/a.py", "usr", "usr/lib", "work", "work/a.py",
          "opt/m2build", "sgl-workspace/b", "sgl-workspace/b/m/__init__.py", "sgl-workspace/b/m/a.py")  # fmt: skip
OUTSIDE = PLACES[-2]
KINDS = ("file", "file", "folder", "symlink", "hard link", "whiteout", "opaque", "whiteout of itself")


Layer = list[tuple[str, str, str]]
LAYERS = st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(KINDS), st.sampled_from(PLACES)), max_size=6)


def entry_of(path: str, kind: str, target: str) -> Entry:
    parent, _, name = path.rpartition("/")
    return {
        "file": file(path, target.encode()),
        "folder": folder(path),
        "symlink": symlink(path, f"/{target}"),
        "hard link": hardlink(path, target),
        "whiteout": file(f"{parent}/.wh.{name}".lstrip("/")),
        "opaque": file(f"{path}/.wh..wh..opq"),
        "whiteout of itself": file(f"{path}/.wh.."),
    }[kind]


def to_tar(layer: Layer) -> bytes:
    return tar(*(entry_of(*item) for item in layer))


def answer(sample: Image, progress: Progress | None = None) -> Any:
    """The base's entries and roots, or why there are none."""
    read = partial(read_filesystem, sample, progress=progress or Silent())
    try:
        found, roots = read_roots(ROOTS, ["work"], read)
    except M2BuildError as error:
        return str(error)
    return dict(found), dict(found.layers), roots


MARKED = tar(file(f"{HOME}/m/__init__.py", b"1"), file(f"{HOME}/m/a.py", b"2"))
PLAIN = tar(folder("etc"), file("etc/a"), file(f"{HOME}/n/b.py", b"3"))
LOWEST = tar(folder("usr"), file("usr/a"))


@settings(deadline=None, max_examples=60)
@given(st.lists(LAYERS, max_size=3), st.integers(0, 3), st.sampled_from([0, 1 << 20]))
@example([[(f"{HOME}/m", "file", ""), (HOME, "whiteout of itself", "")]], 0, 0)
def test_one_decompression_gives_what_two_give(layers: list[Layer], height: int, large: int) -> None:
    tars = [to_tar(layer) for layer in layers]
    tars.insert(height, MARKED)
    sample = image(*tars, how="plain", history=[{"created_by": "COPY m /m"}] * len(tars))
    with pytest.MonkeyPatch.context() as patch, held(sample) as once:
        patch.setattr("m2build.layers.reader._LARGE", large)
        assert answer(once) == answer(sample)


@settings(deadline=None, max_examples=60)
@given(LAYERS)
@example([(OUTSIDE, "file", "old"), (f"{HOME}/m/a.py", "hard link", OUTSIDE), (OUTSIDE, "file", "new")])
def test_a_part_of_a_reading_is_what_a_reading_of_the_part_gives(layer: Layer) -> None:
    sample = image(to_tar(layer), how="plain")
    part = wanted_for([HOME], ["work"])
    read, kept = partial(read_members, sample, sample.manifest.layers[0], None), Readings()
    try:
        members = read(part | Wanted(frozenset(), markers=frozenset({"m/__init__.py"})))
    except ContentError:
        reject()
    kept.put((sample.manifest.layers[0].digest, None), members, part)
    found = kept.get((sample.manifest.layers[0].digest, None), part)
    if found is not None:
        assert found == read(part)


@settings(deadline=None, max_examples=100)
@given(LAYERS, st.sampled_from([HOME, WORK, f"{HOME}/m", "work", "usr"]))
@example([("opt/m2build", "whiteout of itself", ""), ("usr", "folder", "")], WORK)
@example([(f"{WORK}/m/a.py", "hard link", OUTSIDE), (HOME, "symlink", WORK)], HOME)
def test_a_search_for_markers_gives_what_a_reading_without_them_gives(layer: Layer, home: str) -> None:
    sample = image(to_tar(layer), how="plain")
    searched = wanted_for([], ["work"]) | Wanted(frozenset(), TRUNKS, frozenset({"m/__init__.py"}))
    lowest, kept, part = sample.manifest.layers[0], Readings(), wanted_for([home], ["work"])
    try:
        read = read_contents(sample, lowest, None, searched)
    except ContentError:
        reject()
    assume(not read.hides_itself)
    kept.put_searched((lowest.digest, None), read, searched)
    found = kept.get((lowest.digest, None), part)
    if found is not None:
        assert found == read_members(sample, lowest, None, part)


def test_what_was_not_read_is_not_given() -> None:
    sample, kept = image(MARKED, how="plain"), Readings()
    layer, part = sample.manifest.layers[0], wanted_for([HOME], ["work"])
    kept.put((layer.digest, None), read_members(sample, layer, None, part), part)
    assert kept.get((layer.digest, None), Wanted(frozenset({f"{HOME}/m"}))) is not None
    for other in (Wanted(frozenset({"usr"})), Wanted(frozenset(), frozenset({"srv"}))):
        assert kept.get((layer.digest, None), other) is None
    assert kept.get((layer.digest, layer.digest), part) is None


def passes(sample: Image) -> list[int]:
    """How often each layer is decompressed for the answer, from the lowest."""
    counts: Counter[Digest] = Counter()

    def counted(image: Image, layer: Descriptor, *rest: Any) -> Contents:
        counts[layer.digest] += 1
        return once(image, layer, *rest)

    once = contents._read_once
    with pytest.MonkeyPatch.context() as patch, held(sample) as kept:
        patch.setattr(contents, "_read_once", counted)
        found = answer(kept)
    assert found == answer(sample)
    assert not isinstance(found, str), found
    return [counts[layer.digest] for layer in sample.manifest.layers]


BALLAST = tar(folder("usr"), folder("usr/lib"), file("usr/lib/x.so"), folder("sgl-workspace"), file("etc/a"))
UPPER = {
    "nothing near it": (BALLAST, 1),
    "a whiteout of something else": (tar(file("usr/.wh.share"), file("usr/lib/.wh.x.so")), 1),
    "a folder above it, opaque": (tar(folder("etc"), file("srv/.wh..wh..opq")), 1),
    "a file of it": (tar(file(f"{HOME}/m/b.py"), file(f"{WORK}/m/b.py")), 2),
    "a whiteout in it": (tar(file(f"{HOME}/m/.wh.a.py"), file(f"{WORK}/m/.wh.a.py")), 2),
    "an opaque folder in it": (tar(file(f"{HOME}/m/n/.wh..wh..opq"), file(f"{WORK}/m/n/.wh..wh..opq")), 2),
    "its own whiteout": (tar(folder("srv"), file("srv/.wh.."), folder("opt/m2build"), file("opt/m2build/.wh..")), 3),
}


@pytest.mark.parametrize("home", [HOME, WORK])
@pytest.mark.parametrize("case", UPPER)
def test_layers_above_the_one_with_the_marker_are_decompressed_once_if_they_have_nothing_there(
    case: str, home: str
) -> None:
    upper, times = UPPER[case]
    marked = tar(file(f"{home}/m/__init__.py", b"1"), file(f"{home}/m/a.py", b"2"))
    assert passes(image(LOWEST, marked, upper, BALLAST)) == [1, 2, times, 1]


def test_below_a_folder_that_is_not_looked_at_in_advance_layers_are_decompressed_again() -> None:
    home = "data/lib/python3.12/site-packages"
    marked = tar(file(f"{home}/m/__init__.py"))
    assert (
        passes(image(LOWEST, marked, tar(file("data/.wh.lib"), file(f"{home}/m/__init__.py", b"1")), BALLAST))[-1] == 2
    )


def test_layers_begun_before_the_marker_is_found_are_decompressed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2build.layers.reader._LARGE", 0)
    ballast = [tar(folder("usr"), file(f"usr/{number}")) for number in range(8)]
    assert passes(image(MARKED, *ballast)) == [2, *[1] * 8]
    assert passes(image(*ballast, MARKED))[-1] == 2


def test_a_layer_with_too_many_folders_counts_as_having_something_in_each() -> None:
    crowd = tar(*(file(f"sgl-workspace/{number}/a") for number in range(1001)))
    assert passes(image(MARKED, crowd, BALLAST)) == [2, 2, 1]


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2build.layers.readings._MOST", 0)
    sample, told = image(LOWEST, PLAIN, MARKED), Kept()
    with held(sample) as once:
        assert answer(once, told) == answer(sample)
    counts = Counter(step.split()[2] for step in told.steps)
    assert [counts[layer.digest.hex[:12]] for layer in sample.manifest.layers] == [1, 2, 2]
