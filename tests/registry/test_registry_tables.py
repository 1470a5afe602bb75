"""Layers of registries read by their tables, as skopeo and crane write them, over connections that break."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.bases import ROOT, sources
from helpers.images import SAMPLE, image, tar
from helpers.kept_progress import Kept
from helpers.layers.tables import tabled_image, zstd_chunked
from helpers.registry.faultproxy import Proxy, Rule, fault_proxy
from helpers.registry.registries import access, noise, reference, upload
from helpers.snippets import run_snippets
from helpers.support import sampled

from m2build.cli.root import cli
from m2build.errors import ContentError, TransferBudgetError, TransportError
from m2build.layers.filesystem import Filesystem, read_filesystem
from m2build.layers.held import held
from m2build.layers.members import Wanted
from m2build.oci.image import Image, Reading
from m2build.progress import Silent
from m2build.registry.pull import read_remote

WANTED = Wanted(frozenset({ROOT, "w"}))
OF_TAGS = pytest.mark.parametrize("tag", ["chunked", "stargz"])


class Counted(Kept):
    """Keeps the bytes of transfers, too: those that are there, and all."""

    def __init__(self) -> None:
        super().__init__()
        self.moved: list[tuple[int, int]] = []

    def transfer(self, label: str, done: int, total: int) -> None:
        assert label == "the base's layers"
        self.moved.append((done, total))


@pytest.fixture
def proxy(tabled: str) -> Iterator[Proxy]:
    with fault_proxy(tabled) as proxy:
        yield proxy


def remote(proxy: Proxy, tag: str, *, by_table: bool = True, bound: float = math.inf) -> Image:
    found = read_remote(reference(proxy.host, f"team/app:{tag}"), "linux/amd64", access())
    return replace(found.image, reading=Reading(by_table, bound))


def read(sample: Image, told: Counted | None = None) -> Filesystem:
    told = told or Counted()
    with held(sample, told) as once:
        return read_filesystem(once, WANTED, told)


def test_the_tools_have_written_tables(proxy: Proxy) -> None:
    for tag, words in (("chunked", "zstd-chunked.manifest-checksum"), ("stargz", "stargz/toc.digest")):
        (layer,) = remote(proxy, tag).manifest.layers
        assert any(words in key for key in layer.annotations)
        assert layer.size > 6 << 20


@OF_TAGS
def test_a_layer_with_a_table_costs_less_than_a_hundredth(tag: str, proxy: Proxy) -> None:
    told = Counted()
    sample = remote(proxy, tag)
    found = read(sample, told)
    assert found.by_table == {sample.manifest.layers[0].digest}
    assert dict(found) == dict(read(remote(proxy, tag, by_table=False)))
    assert (found["w/x"].xattrs, found["w/zeros"].content[-3:]) == ({"SCHILY.xattr.user.a": "b"}, b"end")
    fetched, _ = told.moved[-1]
    assert 0 < fetched < sample.manifest.layers[0].size // 100
    assert told.steps[0] == "fetching at most the tables of contents of 1 layer and some of its files"
    asked = [record for record in proxy.seen("GET", "blobs/") if "Range" in record.headers]
    assert {record.status for record in asked} == {206}


@OF_TAGS
def test_the_table_is_fetched_once(tag: str, proxy: Proxy) -> None:
    with held(remote(proxy, tag)) as once:
        read_filesystem(once, Wanted(frozenset({"w/x"})), Silent())
        before = len(proxy.seen("GET", "blobs/"))
        read_filesystem(once, Wanted(frozenset({"w/ä"})), Silent())
    assert len(proxy.seen("GET", "blobs/")) == before + 1


@OF_TAGS
@pytest.mark.parametrize("rule", [{"strip": "Range"}, {"status": 416}, {"status": 501}], ids=["whole", "416", "501"])
def test_a_registry_without_ranges_is_read_whole(rule: dict[str, object], tag: str, proxy: Proxy) -> None:
    told = Counted()
    sample = remote(proxy, tag)
    proxy.rules = [Rule("GET", str(sample.manifest.layers[0].digest), **{"times": 1, **rule})]  # type: ignore[arg-type]  # of several types
    found = read(sample, told)
    assert found.by_table == frozenset()
    assert dict(found) == dict(read(remote(proxy, tag, by_table=False)))
    (notice,) = told.notices
    assert notice == (
        f"layer {sample.manifest.layers[0].digest.hex[:12]} is read whole, and not by its table of contents: "
        f"{proxy.host}/team/app does not send parts of layers"
    )
    assert told.steps[1:] == [
        f"reading layer {sample.manifest.layers[0].digest.hex[:12]} by its table (6.3 MB)",
        f"reading layer {sample.manifest.layers[0].digest.hex[:12]} (6.3 MB)",
    ]


@OF_TAGS
@pytest.mark.parametrize("by_table", sampled([True, False], every=2))
def test_cuts_at_random_places_change_nothing(by_table: bool, tag: str, proxy: Proxy) -> None:  # noqa: FBT001
    right = read(remote(proxy, tag, by_table=by_table))
    for seed in range(6):
        chance = random.Random(seed)  # noqa: S311 - hides nothing
        largest = 3000 if by_table else 6 << 20
        proxy.rules = [
            Rule("GET", "blobs/sha256", skip=1, times=1, cut_response=chance.randrange(largest)) for _ in range(4)
        ]
        found = read(remote(proxy, tag, by_table=by_table))
        assert dict(found) == dict(right), f"seed {seed}"
        assert found.by_table == right.by_table
        assert any(rule.times <= 0 for rule in proxy.rules)


@OF_TAGS
def test_bytes_that_a_network_alters_are_fetched_again(tag: str, proxy: Proxy) -> None:
    sample = remote(proxy, tag)
    right, digest = read(sample), str(sample.manifest.layers[0].digest)
    requests = len(proxy.seen("GET", digest))
    for number in range(requests):
        proxy.rules = [Rule("GET", digest, skip=number, times=1, change=lambda data: bytes([data[0] ^ 8]) + data[1:])]
        assert dict(read(sample)) == dict(right)
    proxy.rules = [Rule("GET", digest, skip=requests - 1, change=lambda data: bytes(len(data)))]
    with pytest.raises(ContentError, match=rf"the layer {digest} in {proxy.host}/team/app: a chunk at byte"):
        read(sample)


def test_a_connection_that_keeps_breaking_ends(proxy: Proxy) -> None:
    sample = remote(proxy, "chunked")
    proxy.rules = [Rule("GET", str(sample.manifest.layers[0].digest), cut_response=10)]
    with pytest.raises((TransportError, ContentError), match=r"keeps breaking|is truncated"):
        read(sample)


def test_nothing_is_fetched_beyond_the_bound(proxy: Proxy) -> None:
    sample = remote(proxy, "chunked", by_table=False, bound=6 << 20)
    before = len(proxy.records)
    with pytest.raises(
        TransferBudgetError, match=r"6\.3 MB would be fetched of the base's layers; the limit is 6\.3 MB"
    ):
        read(sample)
    assert len(proxy.records) == before
    assert read(replace(sample, reading=Reading(by_table=True, bound=1 << 20))).by_table
    with pytest.raises(TransferBudgetError):
        read(replace(sample, reading=Reading(by_table=True, bound=1000)))


def test_the_command_stops_before_it_reads_too_much(
    tabled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    upload(tabled, "limited/sglang", image(*SAMPLE, how="plain"), "v1")
    with fault_proxy(tabled) as proxy:
        words = ["image", "--tp", "8", "--base", f"{proxy.host}/limited/sglang:v1", "-o", f"oci:{tmp_path}/image"]
        with pytest.raises(TransferBudgetError, match="would be fetched of the base's layers") as caught:
            cli.main([*words, "--max-transfer", "1kB"], standalone_mode=False)
        assert caught.value.exit_code == 15
        assert len(proxy.seen("GET", "blobs/")) == 1, "the config alone"


def test_the_page_on_reading_prints_what_it_says(tabled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    layer = zstd_chunked(tar(*sources(), noise(1 << 20)), chunk=1 << 20)
    upload(tabled, "team/sglang", tabled_image(layer), "chunked")
    ((expected, printed),) = run_snippets("reading.md", hosts={"localhost:5000": tabled})
    assert printed == expected


def test_what_is_fetched_is_said_before_and_shown_meanwhile(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2build.layers.fetching.WORTH_SAYING", 1 << 20)
    told = Counted()
    sample = remote(proxy, "stargz", by_table=False)
    read(sample, told)
    size = sample.manifest.layers[0].size
    assert told.steps[0] == "fetching at most 6.3 MB of 1 layer"
    assert told.moved == sorted(told.moved)
    assert len(told.moved) > 5
    assert {total for _, total in told.moved} == {size}
    assert told.moved[-1] == (size, size)
