"""An image from a lock needs no layer of the base, and is the image that reading the layers gives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from helpers.images import image, tar
from helpers.kept_progress import Kept
from helpers.locking.locks import CHANGED, RECIPE, TP8, made, published_base, selections, with_wheel
from helpers.registry.faultproxy import Proxy, fault_proxy
from helpers.registry.registries import docker_registry, run, tag_digest, upload

import m2build
from m2build.errors import BaseChangedError, LaunchError, PatchError
from m2build.labels import PREIMAGE
from m2build.locking.model import Lock
from m2build.oci.image import Image
from m2build.patches.tree import SourceTree


@pytest.fixture(scope="module")
def base(sglang_tree: SourceTree) -> Image:
    return published_base(sglang_tree)


@pytest.fixture(scope="module")
def host(base: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        upload(host, "team/sglang", base, "rocm")
        yield host


@pytest.fixture(scope="module")
def proxy(host: str) -> Iterator[Proxy]:
    with fault_proxy(host) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def name(proxy: Proxy) -> str:
    return f"{proxy.host}/team/sglang:rocm"


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which a base has been read."""
    return tmp_path_factory.mktemp("warm")


@pytest.fixture(scope="module")
def lock(name: str, warm: Path) -> Lock:
    with m2build.Session(cache=warm) as session:
        return session.lock(selections(), name)


@pytest.fixture
def cold(sglang_wheel: Path, tmp_path: Path) -> Path:
    return with_wheel(tmp_path / "cold", sglang_wheel)


def fetched(proxy: Proxy) -> list[str]:
    """The last parts of the paths of all blobs and manifests that were requested."""
    return [record.path.rpartition("/")[2] for record in proxy.seen("GET", "/(blobs|manifests)/")]


def test_no_layer_of_the_base_is_fetched(lock: Lock, name: str, base: Image, proxy: Proxy, cold: Path) -> None:
    """From an empty cache: the manifest by its digest, the config, and nothing else; the registry mounts the layers."""
    proxy.records.clear()
    with m2build.Session(cache=cold) as session:
        shipment = session.shipment([TP8], name, to=f"docker://{proxy.host}/ours/m2:tp8", lock=lock, locked=True)
        (delivery,) = shipment.deliver()
    assert fetched(proxy) == [str(base.manifest.digest), str(base.manifest.config.digest)]
    assert tag_digest(proxy.host, "ours/m2", "tp8") == str(delivery.digest)
    assert b"PASS" in run("crane", "validate", "--remote", f"{proxy.host}/ours/m2:tp8")


def test_the_image_is_the_one_that_reading_the_layers_gives(
    lock: Lock, name: str, warm: Path, cold: Path, tmp_path: Path
) -> None:
    """Published release, cached result or layers: one digest; and without the lock the label alone is another."""
    unpublished = lock.model_copy(
        update={"sources": {key: one.model_copy(update={"published": None}) for key, one in lock.sources.items()}}
    )
    found: dict[int, Sequence[Image]] = {}
    for cache, given in ((cold, lock), (warm, lock), (tmp_path / "empty", unpublished), (warm, None)):
        with m2build.Session(cache=cache) as session:
            found[len(found)] = made(session.shipment(selections(), name, to="oci:none", lock=given))
    released, cached, read, unlocked = ([one.manifest.raw for one in images] for images in found.values())
    assert released == cached
    plain = [json.loads(image.config.raw) for image in found[3]]
    for document in plain:
        assert document["config"]["Labels"].pop(PREIMAGE) == "verified-in-layers"
    locked = [json.loads(image.config.raw) for image in found[0]]
    for document in locked:
        assert document["config"]["Labels"].pop(PREIMAGE) == "locked"
    assert locked == plain
    assert [image.manifest.layers for image in found[0]] == [image.manifest.layers for image in found[3]]
    assert read == released
    assert unlocked != released


def test_the_locked_base_is_taken_when_its_tag_has_moved(
    lock: Lock, base: Image, name: str, host: str, warm: Path
) -> None:
    upload(host, "team/sglang", image(tar()), "rocm")
    try:
        with m2build.Session(cache=warm) as session:
            (found,) = made(session.shipment([TP8], name, to="oci:none", lock=lock, locked=True))
    finally:
        upload(host, "team/sglang", base, "rocm")
    assert found.manifest.layers[:-1] == base.manifest.layers


def test_another_base_is_refused_or_read(lock: Lock, sglang_tree: SourceTree, host: str, tmp_path: Path) -> None:
    changed = sglang_tree.replaced(
        {CHANGED[1]: m2build.patches.SourceFile.of(sglang_tree[CHANGED[1]].content + b"#\n")}
    )
    upload(host, "team/other", published_base(changed), "rocm")
    heard = Kept()
    with m2build.Session(cache=tmp_path, progress=heard) as session:
        with pytest.raises(BaseChangedError, match=r"base\.manifest is sha256:"):
            session.shipment([TP8], f"{host}/team/other:rocm", to="oci:none", lock=lock, locked=True).foresee()
        (found,) = made(session.shipment([TP8], f"{host}/team/other:rocm", to="oci:none", lock=lock))
    assert found.config.labels[PREIMAGE] == "verified-in-layers"
    assert ["base.manifest is" in sentence for sentence in heard.notices].count(True) == 1


def test_another_patch_is_refused(lock: Lock, name: str, warm: Path) -> None:
    series = m2build.patches.load_series("sglang-stock")
    with m2build.Session(cache=warm) as session, pytest.raises(PatchError, match=r"sources\.sources\.series is"):
        session.shipment([TP8], name, to="oci:none", lock=lock, locked=True, series=series).foresee()


def test_other_flags_are_refused_or_reported(lock: Lock, name: str, warm: Path) -> None:
    other = m2build.load_recipe("minimax-m2", ["profiles.tp8.flags.port=9"]).select(tp=8)
    heard = Kept()
    with m2build.Session(cache=warm, progress=heard) as session:
        with pytest.raises(PatchError, match=r"images\.minimax-m2\.1:tp8\.plan is sha256:"):
            session.shipment([other], name, to="oci:none", lock=lock, locked=True).foresee()
        (found,) = made(session.shipment([other], name, to="oci:none", lock=lock))
    assert found.config.labels[PREIMAGE] == "locked"
    assert ["the lock does not describe this image" in one for one in heard.notices].count(True) == 1


def test_an_image_that_the_lock_lacks_is_refused(lock: Lock, name: str, warm: Path) -> None:
    one = lock.model_copy(update={"images": {key: lock.images[key] for key in list(lock.images)[:1]}})
    with m2build.Session(cache=warm) as session, pytest.raises(PatchError, match=r"images\.minimax-m2\.1:tp8 is there"):
        session.shipment([TP8], name, to="oci:none", lock=one, locked=True).foresee()


def test_a_lock_that_says_what_is_not_in_the_layers_is_found_where_they_are_read(
    lock: Lock, name: str, tmp_path: Path
) -> None:
    footing = {**lock.footing, "opt": lock.footing["opt"].model_copy(update={"uid": 0})}
    sources = {key: one.model_copy(update={"published": None}) for key, one in lock.sources.items()}
    lying = lock.model_copy(update={"footing": footing, "sources": sources})
    heard = Kept()
    with m2build.Session(cache=tmp_path, progress=heard) as session:
        with pytest.raises(PatchError, match=r"footing\.opt\.uid is 3; locked: 0"):
            session.shipment([TP8], name, to="oci:none", lock=lying, locked=True).foresee()
        (found,) = made(session.shipment([TP8], name, to="oci:none", lock=lying))
    assert found.config.labels[PREIMAGE] == "verified-in-layers"


def test_a_release_that_lacks_the_files_is_not_used(
    lock: Lock, name: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The lock alone decides which bytes are taken, and they are in the layers."""
    changed = {path: f"# {path}\n" for path in CHANGED}
    monkeypatch.setattr("m2build.locking.plans.open_files", lambda _: SourceTree.of(changed, release="0.5.7"))
    proxy.records.clear()
    with m2build.Session(cache=tmp_path) as session:
        (found,) = made(session.shipment([RECIPE.select(tp=8)], name, to="oci:none", lock=lock, locked=True))
    assert found.config.labels[PREIMAGE] == "locked"
    assert len(fetched(proxy)) == 5, "manifest, config and three layers"


def test_an_image_from_a_lock_is_proven_from_its_recipe_and_base_alone(
    lock: Lock, name: str, warm: Path, tmp_path: Path
) -> None:
    with m2build.Session(cache=warm) as session:
        list(session.shipment([TP8], name, to=f"oci:{tmp_path / 'out'}", lock=lock).deliver())
        proof = session.verify(f"oci:{tmp_path / 'out'}:tp8", TP8, base=name)
    assert [str(finding) for finding in proof.findings] == []


def test_flags_that_are_not_the_locked_ones_are_checked_against_the_release(lock: Lock, name: str, cold: Path) -> None:
    other = m2build.load_recipe("minimax-m2", ["profiles.tp8.flags.no-such-flag=1"]).select(tp=8)
    with m2build.Session(cache=cold) as session, pytest.raises(LaunchError, match="no-such-flag"):
        session.shipment([other], name, to="oci:none", lock=lock).foresee()
