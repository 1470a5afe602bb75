"""A large upload that breaks off goes on where the registry says, and is never sent anew if it can go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pytest
from helpers.images import image, tar
from helpers.registry.faultproxy import FOREVER, Proxy, Rule, fault_proxy
from helpers.registry.field_registry import FieldRegistry, Habits, field_registry
from helpers.registry.registries import access, noise, reference
from helpers.support import sampled

from m2build.errors import ContentError, TransportError
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import Image, MemoryBlobs, open_blob
from m2build.progress import Silent
from m2build.registry.push import push_image
from m2build.registry.rewinding import Rewinding

MIB = 1 << 20
LARGE = image(tar(noise(18 * MIB)), how="plain")
LAYER = LARGE.manifest.layers[0]
with open_blob(LARGE.blobs, LAYER) as _reader:
    CONTENT = _reader.read()


@pytest.fixture
def registry() -> Iterator[FieldRegistry]:
    with field_registry(Habits(resumes=True)) as registry:
        yield registry


@pytest.fixture
def proxy(registry: FieldRegistry) -> Iterator[Proxy]:
    with fault_proxy(registry.host) as proxy:
        yield proxy


def push(proxy: Proxy, sample: Image = LARGE) -> None:
    push_image(sample, reference(proxy.host, "app:v1"), access(), Silent())


def patches(proxy: Proxy) -> list[tuple[str | None, int]]:
    return [(record.headers.get("Content-Range"), record.sent) for record in proxy.seen("PATCH")]


def whole(registry: FieldRegistry) -> bool:
    return registry.blobs[str(LAYER.digest)] == CONTENT


def test_only_the_rest_is_sent_after_a_cut(registry: FieldRegistry, proxy: Proxy) -> None:
    proxy.rules = [Rule("PATCH", times=1, cut_request=10 * MIB, settles=True)]
    push(proxy)
    size = LAYER.size
    assert patches(proxy) == [(None, size), (f"{10 * MIB}-{size - 1}", size - 10 * MIB)]
    assert whole(registry)


def test_more_cuts_than_tries_do_no_harm_if_each_time_something_arrives(registry: FieldRegistry, proxy: Proxy) -> None:
    proxy.rules = [Rule("PATCH", times=4, cut_request=4 * MIB, settles=True)]
    push(proxy)
    assert [sent for _, sent in patches(proxy)] == [LAYER.size - number * 4 * MIB for number in range(5)]
    assert whole(registry)


def test_cuts_without_anything_arriving_end(proxy: Proxy) -> None:
    proxy.rules = [Rule("PATCH", times=FOREVER, cut_request=0, settles=True)]
    with pytest.raises(TransportError, match="does not answer"):
        push(proxy)
    assert len(patches(proxy)) == 3


@pytest.mark.parametrize("status", [401, 416, 503, 504])
def test_a_refused_confirmation_of_bytes_that_arrived(status: int, registry: FieldRegistry, proxy: Proxy) -> None:
    """The registry has them all: nothing of the layer is sent again."""
    proxy.rules = [Rule("PATCH", times=1, lose=True)] if status == 504 else []
    proxy.rules += [Rule("PUT", "uploads/.*digest=" + str(LAYER.digest).replace(":", "%3A"), times=1, status=status)]
    push(proxy)
    assert [sent for _, sent in patches(proxy)] == [LAYER.size]
    assert whole(registry)


@pytest.mark.parametrize(
    "said",
    sampled([
        Rule(status=404), Rule(status=204), Rule(status=204, headers={"Range": "0-0"}),
        Rule(status=204, headers={"Range": f"0-{1 << 40}"}), Rule(status=204, headers={"Range": "0-9"}),
        Rule(drop=True),
    ], every=3),
    ids=["lost session", "no range", "nothing", "too much", "too little", "no answer"],
)  # fmt: skip
def test_where_the_registry_does_not_say_it_starts_over(said: Rule, registry: FieldRegistry, proxy: Proxy) -> None:
    """`too little`: those bytes are not at hand any more."""
    said.method, said.path = "GET", "uploads/"
    proxy.rules = [Rule("PATCH", times=1, cut_request=16 * MIB, settles=True), said]
    push(proxy)
    assert patches(proxy) == [(None, LAYER.size)] * 2
    assert whole(registry)


def test_a_registry_that_disagrees_about_the_offset(registry: FieldRegistry, proxy: Proxy) -> None:
    """It has answered with an old figure: the next answer, to 416, counts."""
    old = Rule("GET", "uploads/", times=1, status=204, headers={"Range": f"0-{12 * MIB - 1}"})
    proxy.rules = [Rule("PATCH", times=1, cut_request=13 * MIB, settles=True), old]
    push(proxy)
    assert [sent for _, sent in patches(proxy)] == [LAYER.size, LAYER.size - 12 * MIB, LAYER.size - 13 * MIB]
    assert whole(registry)


def test_altered_bytes_are_never_completed_by_a_resumed_upload(registry: FieldRegistry, proxy: Proxy) -> None:
    proxy.rules = [Rule("PATCH", times=1, cut_request=10 * MIB, settles=True)]
    altered = CONTENT[: 15 * MIB] + bytes(1) + CONTENT[15 * MIB + 1 :]
    with pytest.raises(ContentError, match="altered"):
        push(proxy, Image(LARGE.manifest, LARGE.config, MemoryBlobs({LAYER.digest: altered})))
    assert str(LAYER.digest) not in registry.blobs
    assert registry.manifests == {}


class Counted(MemoryBlobs):
    """Blobs that count how often they are opened."""

    opened = 0

    def open(self, descriptor: Descriptor) -> BinaryIO:
        Counted.opened += 1
        return super().open(descriptor)


@pytest.mark.parametrize(("read", "to"), [(18, 12), (18, 18), (10, 10), (6, 0), (18, 0), (3, 1)])
def test_the_last_bytes_can_be_read_again(read: int, to: int) -> None:
    Counted.opened = 0
    with Rewinding(Counted({LAYER.digest: CONTENT}), LAYER) as body:
        pieces = body.pieces()
        while body.position < read * MIB:
            next(pieces)
        offset = min(to * MIB, body.position)
        assert body.seek(offset)
        assert b"".join(body.pieces()) == CONTENT[offset:]
    assert Counted.opened == (2 if (read, to) == (18, 0) else 1)


def test_earlier_bytes_are_gone() -> None:
    with Rewinding(MemoryBlobs({LAYER.digest: CONTENT}), LAYER) as body:
        pieces = body.pieces()
        while body.position < 16 * MIB:
            next(pieces)
        assert not body.seek(7 * MIB)
        assert not body.seek(17 * MIB)
        assert body.seek(16 * MIB)
