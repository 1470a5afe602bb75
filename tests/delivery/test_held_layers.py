"""Bases whose links point to layers that are read later: each layer is still fetched once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from helpers.bases import MODELS, ROOT, SOURCES, sources
from helpers.commands import succeeds
from helpers.images import file, flip, folder, hardlink, image, symlink, tar
from helpers.registry.faultproxy import Proxy, Rule, fault_proxy
from helpers.registry.registries import access, docker_registry, reference, upload
from helpers.support import sampled, small_disk
from helpers.two_roots import selection_of

from m2build.errors import ContentError
from m2build.layers.contents import read_members
from m2build.layers.filesystem import Filesystem, read_filesystem
from m2build.layers.held import held
from m2build.layers.members import Wanted
from m2build.oci.digest import Digest
from m2build.oci.image import Image
from m2build.progress import Silent
from m2build.registry.pull import read_remote
from m2build.session import Session

KIMI = f"{MODELS}/kimi_linear.py"
STORE = tar(folder("store"), file("store/kimi", SOURCES["kimi_linear.py"]), hardlink(KIMI, "store/kimi"))
"""A layer in which one of the sources is a hard link to a file outside of them, as package managers with a store do."""
BASES: dict[str, Image] = {
    "out of the sources": image(tar(*sources()), STORE, tar(file("etc/a"))),
    "to a layer below": image(
        tar(file("store/kimi", SOURCES["kimi_linear.py"])), tar(*sources()), tar(hardlink(KIMI, "store/kimi"))
    ),
    "beside a large file": image(
        tar(*sources()),
        tar(file("a", bytes(2 << 20)), file("store/kimi", SOURCES["kimi_linear.py"]), hardlink(KIMI, "store/kimi")),
    ),
    "a symbolic link to the sources": image(tar(*sources()), tar(symlink("linked", ROOT))),
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        for name, base in BASES.items():
            upload(host, name.replace(" ", "-"), base, "v1")
        yield host


@pytest.fixture
def proxy(registry: str) -> Iterator[Proxy]:
    with fault_proxy(registry) as proxy:
        yield proxy


def fetched(proxy: Proxy, base: Image) -> list[int]:
    """How often each layer was requested."""
    counts = Counter(record.path.rpartition("/")[2] for record in proxy.seen("GET", "/blobs/"))
    return [counts[str(layer.digest)] for layer in base.manifest.layers]


COMMANDS = {
    "mounted": "image --tp 8 --base {base} -t {base}-derived --push",
    "sent": "image --tp 8 --base {base} -o oci:{folder}/out",
    "looked at": "patch status --source {base}",
    "foreseen": "image --tp 8 --base {base} --engine embedded --dry-run",
    "rendered": "render --tp 8 --base {base} -o {folder}/context",
}


@pytest.mark.parametrize("case", sampled(product(BASES, COMMANDS), every=6), ids=", ".join)
def test_each_layer_is_asked_for_once(case: tuple[str, str], proxy: Proxy, tmp_path: Path) -> None:
    name, command = case[0], COMMANDS[case[1]]
    base = f"{proxy.host}/{name.replace(' ', '-')}:v1"
    words = command.format(base=base, folder=tmp_path).split()
    if "symbolic" in name:
        words += ["--source-root", "/linked"] if words[0] == "patch" else ["--set", "base.source_root=/linked"]
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    succeeds(*words, environment={"XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(temporary)})
    assert fetched(proxy, BASES[name]) == [1] * len(BASES[name].manifest.layers)
    assert list(temporary.iterdir()) == []


def test_a_layer_is_asked_for_once_where_a_root_is_found_by_its_marker(proxy: Proxy, tmp_path: Path) -> None:
    """The marker has to be found before it is known which folder to read."""
    selection = selection_of(
        tmp_path, {"any": {"root": "auto", "marker": "sglang/__init__.py", "series": "minimax-m2-rocm"}}
    )
    with Session(cache=tmp_path / "cache") as session:
        base = session.base(selection.recipe, f"{proxy.host}/to-a-layer-below:v1")
        assert session.plan(selection, base).sources[0].root == ROOT
        assert fetched(proxy, BASES["to a layer below"]) == [1, 1, 1]
        session.plan(selection, base)
    assert fetched(proxy, BASES["to a layer below"]) == [1, 1, 1]


def read(proxy: Proxy, name: str) -> Filesystem:
    found = read_remote(reference(proxy.host, f"{name.replace(' ', '-')}:v1"), "linux/amd64", access())
    with held(found.image) as image:
        return read_filesystem(image, Wanted(frozenset({ROOT})), Silent())


def test_a_layer_read_ahead_of_the_link_above_it_is_fetched_once(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2build.layers.reader._LARGE", 0)
    assert read(proxy, "to a layer below")[KIMI].content == SOURCES["kimi_linear.py"]
    assert fetched(proxy, BASES["to a layer below"]) == [1, 1, 1]


def test_altered_bytes_are_not_held(proxy: Proxy) -> None:
    name = "out of the sources"
    proxy.rules = [Rule("GET", str(BASES[name].manifest.layers[1].digest), times=1, change=flip)]
    assert read(proxy, name)[KIMI].content == SOURCES["kimi_linear.py"]
    assert fetched(proxy, BASES[name]) == [1, 2, 1]


def test_what_is_too_much_to_be_held_is_fetched_again(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2build.layers.notes._MOST", BASES["out of the sources"].manifest.layers[2].size)
    assert read(proxy, "out of the sources")[KIMI].content == SOURCES["kimi_linear.py"]
    assert fetched(proxy, BASES["out of the sources"]) == [1, 2, 1]


def test_one_that_was_checked_against_its_diff_id_is_there_without_that_and_for_no_other(proxy: Proxy) -> None:
    name = "out of the sources"
    found = read_remote(reference(proxy.host, f"{name.replace(' ', '-')}:v1"), "linux/amd64", access())
    layer, diff_id = found.image.manifest.layers[1], found.image.config.diff_ids[1]
    with held(found.image) as image:
        first = read_members(image, layer, diff_id, Wanted(frozenset({"store"})))
        assert read_members(image, layer, None, Wanted(frozenset({"store"}))) == first
        assert fetched(proxy, BASES[name]) == [0, 1, 0]
        with pytest.raises(ContentError, match="is altered"):
            read_members(image, layer, found.image.config.diff_ids[0], Wanted(frozenset({"store"})))


def test_files_too_large_for_sources_are_not_written_down(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2build.layers.forward._PIECE", 512)
    monkeypatch.setattr("m2build.layers.forward.LARGEST_SOURCE", 1 << 20)
    monkeypatch.setattr("m2build.layers.notes._MOST", 1 << 20)
    assert read(proxy, "beside a large file")[KIMI].content == SOURCES["kimi_linear.py"]
    assert fetched(proxy, BASES["beside a large file"]) == [1, 1]


@pytest.mark.parametrize("name", ["out of the sources", "to a layer below"])
def test_a_large_file_behind_a_link_is_never_taken_from_where_it_was_left_out(
    name: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was left out would read as zeros; its layer is fetched again."""
    wanted = Digest.of(SOURCES["kimi_linear.py"])
    monkeypatch.setattr("m2build.layers.forward._PIECE", 16)
    for module in ("forward", "members"):
        monkeypatch.setattr(f"m2build.layers.{module}.LARGEST_SOURCE", len(SOURCES["kimi_linear.py"]) - 1)
    found = read(proxy, name)[KIMI]
    assert (found.content, found.unheld) == (b"", wanted)


def test_a_full_disk_does_not_stop_the_reading(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path / "disk", "4k") as disk:
        monkeypatch.setenv("TMPDIR", str(disk))
        monkeypatch.setattr("m2build.layers.notes._SHARE", 1e-6)
        assert read(proxy, "out of the sources")[KIMI].content == SOURCES["kimi_linear.py"]


def test_what_was_derived_is_inspected_with_each_layer_once(proxy: Proxy, tmp_path: Path) -> None:
    name = "out of the sources"
    base = f"{proxy.host}/{name.replace(' ', '-')}:v1"
    image = ("image", "--tp", "8", "--base", base, "-t", f"{base}-inspected", "--push")
    succeeds(*image, environment={"XDG_CACHE_HOME": str(tmp_path / "cache")})
    proxy.records.clear()
    succeeds("inspect", f"{base}-inspected", environment={"XDG_CACHE_HOME": str(tmp_path / "other")})
    assert set(Counter(record.path for record in proxy.seen("GET", "/blobs/")).values()) == {1}
