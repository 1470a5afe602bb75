"""Several layers of a registry are read at a time, over connections that break, and with bounded memory."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from helpers.bases import ROOT, sources
from helpers.images import file, image, tar
from helpers.registry.faultproxy import Proxy, Rule, fault_proxy
from helpers.registry.registries import access, docker_registry, noise, reference, upload

from m2build.errors import ContentError
from m2build.layers.filesystem import Filesystem, read_filesystem
from m2build.layers.held import held
from m2build.layers.members import Wanted
from m2build.oci.image import Image, Reading
from m2build.progress import Silent
from m2build.registry.pull import read_remote

LAYERS = 8
BASE = image(
    tar(*sources()),
    *(tar(noise(100_000, seed), file(f"{ROOT}/{seed}.py", b"%d" % seed)) for seed in range(1, LAYERS)),
    how="plain",
    history=[{"created_by": "COPY sglang /sgl-workspace/sglang"}, *[{"created_by": "RUN true"}] * (LAYERS - 1)],
)
DIGESTS = [layer.digest.hex for layer in BASE.manifest.layers]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        upload(host, "app", BASE, "v1")
        yield host


@pytest.fixture
def proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setattr("m2build.layers.reader._LARGE", 0)
    monkeypatch.setattr("m2build.layers.reader.in_flight", lambda: 4)
    with fault_proxy(host) as proxy:
        yield proxy


def remote(proxy: Proxy) -> Image:
    found = read_remote(reference(proxy.host, "app:v1"), "linux/amd64", access()).image
    return replace(found, reading=Reading(bound=math.inf))


def read(proxy: Proxy) -> Filesystem:
    with held(remote(proxy)) as once:
        return read_filesystem(once, Wanted(frozenset({ROOT})), Silent())


def asked(proxy: Proxy) -> list[int]:
    """The layers in the order of their requests, counted from the lowest."""
    names = [record.path.rpartition(":")[2] for record in proxy.seen("GET", "blobs/")]
    return [DIGESTS.index(name) for name in names if name in DIGESTS]


class Together:
    """The first answers go on once so many of them wait; the most that ever were under way are counted.

    Later ones go on at once: when a layer gets the seat of one that was read depends on which was read first.
    """

    def __init__(self, count: int) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(count, timeout=30)
        self._met = threading.Event()

    def __call__(self, body: bytes) -> bytes:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        if not self._met.is_set():
            self._barrier.wait()
            self._met.set()
        with self._lock:
            self._now -= 1
        return body


def test_four_layers_are_fetched_at_a_time(proxy: Proxy) -> None:
    """Each of the first four answers waits for the three others, which would never come one by one."""
    together = Together(4)
    proxy.rules = [Rule("GET", "|".join(DIGESTS), change=together)]
    assert dict(read(proxy)) == dict(read_filesystem(BASE, Wanted(frozenset({ROOT})), Silent()))
    assert together.most == 4
    assert sorted(asked(proxy)) == list(range(LAYERS))


def test_the_layer_that_the_history_points_at_is_among_the_first(proxy: Proxy) -> None:
    read(proxy)
    assert 0 in asked(proxy)[:4]
    assert set(asked(proxy)[:4]) == {0, LAYERS - 1, LAYERS - 2, LAYERS - 3}


@pytest.mark.parametrize("seed", range(3))
def test_cuts_in_several_layers_at_once_change_nothing(seed: int, proxy: Proxy) -> None:
    chance = random.Random(seed)  # noqa: S311 - hides nothing
    proxy.rules = [
        Rule("GET", layer.digest.hex, times=1, cut_response=chance.randrange(layer.size))
        for layer in BASE.manifest.layers
    ]
    assert dict(read(proxy)) == dict(read_filesystem(BASE, Wanted(frozenset({ROOT})), Silent()))
    assert sorted(asked(proxy)) == sorted([*range(LAYERS)] * 2)


def test_nothing_is_begun_while_what_waits_is_too_much(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lowest layer was read first and waits for its turn; the others come one by one from then on."""
    monkeypatch.setattr("m2build.layers.reader._MOST_WAITING", -1)
    read(proxy)
    assert asked(proxy) == list(range(LAYERS))[::-1]


def test_layers_that_are_read_ahead_end_with_the_reading(proxy: Proxy) -> None:
    """A failure ends it, and no thread goes on to fetch what is not needed any more."""
    held_back = threading.Event()

    def wait(body: bytes) -> bytes:
        held_back.wait(30)
        return body

    proxy.rules = [
        Rule("GET", DIGESTS[-1], change=lambda body: body[:-1] + b"?"),
        Rule("GET", "|".join(DIGESTS), change=wait),
    ]
    with pytest.raises(ContentError, match=DIGESTS[-1]):
        read(proxy)
    held_back.set()
    for thread in threading.enumerate():
        if thread.name.startswith("reading "):
            thread.join(30)
    assert len(asked(proxy)) == 3 + 3, "three tries of the altered one, and three layers beside it"
