"""Locked bases whose tags move or go, and their copies: what is asked for, what is sent, and what images come of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from helpers.bases import base_image
from helpers.cli.checkouts import quickly, quickly_refused
from helpers.images import config_document, image, tar
from helpers.kept_progress import Kept
from helpers.registry.faultproxy import Proxy, Rule, fault_proxy
from helpers.registry.registries import call, docker_registry, noise, run, tag_digest, upload, upload_manifest
from helpers.verification.forgery import gunzipped

import m2build
from m2build import locking
from m2build.cli.root import cli
from m2build.delivery import Publishing
from m2build.errors import BaseChangedError, TransferBudgetError, TransportError, UsageError
from m2build.locking.model import Lock
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image, MemoryBlobs, read_blob
from m2build.oci.manifest import build_manifest
from m2build.oci.media_types import OCI

TP8 = m2build.load_recipe("minimax-m2").select(tp=8)
BASE = base_image()
UNKNOWN_PLATFORM = {"os": "unknown", "architecture": "unknown"}
ACCEPT = {"Accept": OCI.manifest}
GONE = Rule(path="team/sglang/manifests/", status=404)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Our own registry, which mounts."""
    with docker_registry(tmp_path_factory.mktemp("own")) as host:
        yield host


@pytest.fixture(scope="module")
def upstream(stocked: str) -> Iterator[Proxy]:
    """A foreign registry, with the base."""
    with fault_proxy(stocked) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def name(upstream: Proxy) -> str:
    return f"{upstream.host}/team/sglang:rocm"


@pytest.fixture(scope="module")
def lock(name: str) -> Lock:
    return m2build.lock([TP8], name)


@pytest.fixture(scope="module")
def mirrored(lock: Lock, name: str, registry: str) -> Lock:
    """The lock, after its base has been copied."""
    with m2build.Session() as session:
        return lock.with_mirror(session.mirror(name, f"{registry}/mirrors/sglang", lock=lock).name)


@pytest.fixture
def written(lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    locking.write_lock(lock, "m2build.lock")
    return tmp_path / "m2build.lock"


@pytest.fixture(autouse=True)
def fresh(upstream: Proxy) -> Iterator[None]:
    upstream.records.clear()
    yield
    upstream.rules.clear()


def decoded(text: str) -> dict[str, Any]:
    """The JSON at the beginning of what a command prints."""
    document: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]
    return document


def test_a_tag_that_stays_moves_or_goes(name: str, lock: Lock, upstream: Proxy, stocked: str, written: Path) -> None:
    """Only HEAD requests reach manifests and blobs."""
    assert quickly("base", "check").splitlines() == [f"same    {name}", f"locked  {lock.base.digest}"]
    other = image(tar())
    upload(stocked, "team/sglang", other, "rocm")
    try:
        moved = decoded(quickly_refused(14, "base", "check", "--json", "--lock", written))
    finally:
        upload(stocked, "team/sglang", BASE, "rocm")
    assert moved == {
        "image": name, "standing": "moved", "locked": lock.base.digest, "found": str(other.manifest.digest),
        "kept": True, "mirror": None,
    }  # fmt: skip
    upstream.rules.append(Rule(path="manifests/rocm", status=404))
    gone = decoded(quickly_refused(14, "base", "check", "--json"))
    assert (gone["standing"], gone["found"], gone["kept"]) == ("gone", None, True)
    upstream.rules.append(GONE)
    assert "which is gone, too" in quickly_refused(14, "base", "check")
    asked = {record.method for record in upstream.records if "/v2/team/" in record.path}
    assert asked == {"HEAD"}
    assert "the lock of the recipe minimax-m2, not of" in quickly_refused(
        2, "base", "check", "minimax-m2.5", "--lock", written
    )


def test_only_a_tag_in_a_registry_can_move(lock: Lock) -> None:
    trial = lock.model_copy(update={"base": lock.base.model_copy(update={"image": "pypi:sglang==0.5.7"})})
    with m2build.Session() as session, pytest.raises(UsageError, match="is not a tag in a registry"):
        session.check_base(trial)


def test_a_copy_has_the_bases_digest_and_the_lock_names_it(name: str, lock: Lock, registry: str, written: Path) -> None:
    words = ("base", "mirror", name, f"{registry}/copies/sglang", "--lock", written)
    assert quickly(*words) == f"{registry}/copies/sglang@{lock.base.digest}\n"
    assert tag_digest(registry, "copies/sglang", "rocm") == lock.base.digest
    assert b"PASS" in run("crane", "validate", "--remote", f"{registry}/copies/sglang:rocm")
    assert locking.load_lock(written) == lock.with_mirror(f"{registry}/copies/sglang:rocm")
    again = json.loads(quickly(*words, "--json"))
    assert (again["uploaded"], again["bytes"], again["digest"]) == (0, 0, lock.base.digest)
    lines = quickly("base", "check").splitlines()
    assert lines[2] == f"mirror  {registry}/copies/sglang:rocm"


def test_an_interrupted_copy_sends_no_finished_layer_again(name: str, lock: Lock, registry: str) -> None:
    blobs = {str(blob.digest) for blob in (*BASE.manifest.layers, BASE.manifest.config)}
    with fault_proxy(registry) as proxy, m2build.Session() as session:
        proxy.rules.append(Rule(method="PUT", path=BASE.manifest.layers[1].digest.hex, status=403, delay=0.5))
        with pytest.raises(TransportError):
            session.mirror(name, f"{proxy.host}/later/sglang")
        assert tag_digest(registry, "later/sglang", "rocm") is None
        done = {blob for blob in blobs if call("HEAD", f"http://{registry}/v2/later/sglang/blobs/{blob}")[0] == 200}
        assert done == blobs - {str(BASE.manifest.layers[1].digest)}
        proxy.rules.clear()
        proxy.records.clear()
        session.mirror(name, f"{proxy.host}/later/sglang")
        sent = {record.path.rpartition("digest=")[2].replace("%3A", ":") for record in proxy.seen("PUT", "/uploads/")}
    assert sent == blobs - done
    assert tag_digest(registry, "later/sglang", "rocm") == lock.base.digest


def test_a_copy_is_refused_beyond_the_budget_or_if_the_lock_is_of_another_base(
    name: str, lock: Lock, registry: str, stocked: str
) -> None:
    with (
        m2build.Session(publishing=Publishing(max_transfer=0)) as session,
        pytest.raises(TransferBudgetError, match="would be copied"),
    ):
        session.mirror(name, f"{registry}/never/sglang")
    upload(stocked, "team/other", image(tar()), "rocm")
    with m2build.Session() as session, pytest.raises(BaseChangedError, match="locked: "):
        session.mirror(name.replace("sglang", "other"), f"{registry}/never/sglang", lock=lock)
    with m2build.Session() as session, pytest.raises(UsageError, match="not a name in a registry"):
        session.mirror("oci:base", f"{registry}/never/sglang")
    with m2build.Session() as session, pytest.raises(TransportError) as caught:
        session.mirror(name.replace(":rocm", ":absent"), f"{registry}/never/sglang")
    assert "--base" not in str(caught.value.hint), "the command has no such option"
    assert tag_digest(registry, "never/sglang", "rocm") is None


class Many(NamedTuple):
    """An index as buildx writes it: images of two platforms, each with its attestation; one of the images is `BASE`."""

    digest: str
    images: tuple[Image, ...]


@pytest.fixture(scope="module")
def many(stocked: str) -> Many:
    """In `team/sglang:many`."""
    arm = image(tar(noise(1 << 16)), architecture="arm64")
    images = (BASE, arm, *(attestation(one) for one in (BASE, arm)))
    kinds = [{"os": "linux", "architecture": name} for name in ("amd64", "arm64")] + 2 * [UNKNOWN_PLATFORM]
    entries = []
    for one, kind in zip(images, kinds, strict=True):
        upload(stocked, "team/sglang", one)
        entries.append(one.manifest.descriptor.to_json() | {"platform": kind})
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI.index, "manifests": entries}, indent=2).encode()
    upload_manifest(stocked, "team/sglang", "many", index, OCI.index)
    return Many(str(Digest.of(index)), images)


def attestation(of: Image) -> Image:
    """A manifest of what buildx attests: its config lists one layer, which is no tar."""
    statement = json.dumps({"subject": str(of.manifest.digest)}).encode()
    config = json.dumps({**config_document([statement]), "architecture": "unknown", "os": "unknown"}).encode()
    layer = Descriptor.of("application/vnd.in-toto+json", statement)
    manifest = build_manifest(OCI, Descriptor.of(OCI.config, config), [layer], {})
    return Image(manifest, ImageConfig(config), MemoryBlobs({layer.digest: statement}))


def test_an_index_is_copied_whole_with_its_attestations(
    name: str, many: Many, upstream: Proxy, registry: str, written: Path
) -> None:
    """crane and skopeo see the same index, and every manifest in it, under the digest of the lock."""
    source = name.replace(":rocm", ":many")
    quickly("lock", "--tp", "8", "--base", source, "--update")
    lock = locking.load_lock(written)
    assert (lock.base.digest, lock.base.manifest) == (many.digest, str(BASE.manifest.digest))
    copy = f"{registry}/whole/sglang"
    assert quickly("base", "mirror", source, copy, "--lock", written) == f"{copy}@{many.digest}\n"
    assert run("crane", "digest", f"{copy}:many").decode().strip() == many.digest
    assert run("crane", "manifest", f"{copy}@{many.digest}") == run("crane", "manifest", source)
    assert b"PASS" in run("crane", "validate", "--fast", "--remote", f"{copy}:many")
    for one in many.images[:2]:  # without --fast, it unpacks what the attestations hold, which is no tar
        assert b"PASS" in run("crane", "validate", "--remote", f"{copy}@{one.manifest.digest}")
    inspected = run("skopeo", "inspect", "--tls-verify=false", "--raw", f"docker://{copy}@{many.digest}")
    assert [entry["digest"] for entry in json.loads(inspected)["manifests"]] == [
        str(one.manifest.digest) for one in many.images
    ]
    for one in many.images:
        assert (
            call("HEAD", f"http://{registry}/v2/whole/sglang/manifests/{one.manifest.digest}", None, ACCEPT)[0] == 200
        )
        for blob in one.manifest.document.blobs:
            assert call("HEAD", f"http://{registry}/v2/whole/sglang/blobs/{blob.digest}")[0] == 200
    again = json.loads(quickly("base", "mirror", source, copy, "--json"))
    assert (again["uploaded"], again["digest"], again["copied"], again["manifests"]) == (0, many.digest, many.digest, 5)
    with m2build.Session() as session:
        before = made(session, source, lock)
        upstream.rules.append(GONE)
        assert made(session, source, locking.load_lock(written)) == before


def test_the_way_back_to_an_index_keeps_its_digest(name: str, many: Many, upstream: Proxy) -> None:
    source, serving = name.replace(":rocm", ":many"), f"{upstream.host}/serving/stable:v1"
    derived = f"{upstream.host}/team/m2:many"
    quickly("image", "--tp", "8", "--base", source, "-t", derived, "--push")
    found = json.loads(quickly("revert", derived, "-t", serving, "--json"))
    assert (found["digest"], found["manifest"]) == (many.digest, str(BASE.manifest.digest))
    assert found["tagged"] == f"{upstream.host}/serving/stable@{many.digest}"
    assert run("crane", "digest", serving).decode().strip() == many.digest


def test_with_a_platform_one_image_is_copied_and_the_copys_digest_is_said(
    name: str, many: Many, registry: str, written: Path
) -> None:
    """The lock knows which manifest the index meant, so that builds read this copy, too."""
    source, copy = name.replace(":rocm", ":many"), f"{registry}/one/sglang"
    quickly("lock", "--tp", "8", "--base", source, "--update")
    words = ["base", "mirror", source, copy, "--platform", "linux/amd64", "--lock", str(written)]
    done = CliRunner().invoke(cli, words)
    assert done.stdout == f"{copy}@{BASE.manifest.digest}\n"
    assert f"the copy is {BASE.manifest.digest}, one image of the index {many.digest}" in done.stderr
    assert tag_digest(registry, "one/sglang", "many") == str(BASE.manifest.digest)
    assert call("HEAD", f"http://{registry}/v2/one/sglang/manifests/{many.images[1].manifest.digest}")[0] == 404
    assert "\nmirror  " in quickly("base", "check")
    assert "has no image for linux/s390x" in quickly_refused(2, *words[:4], "--platform", "linux/s390x")


def test_an_interrupted_copy_of_an_index_goes_on_and_moves_its_tag_last(
    name: str, many: Many, stocked: str, registry: str, tmp_path: Path
) -> None:
    source, arm = name.replace(":rocm", ":many"), many.images[1].manifest
    with fault_proxy(registry) as proxy, m2build.Session() as session:
        proxy.rules.append(Rule(method="PUT", path=f"manifests/{arm.digest}", status=403))
        with pytest.raises(TransportError):
            session.mirror(source, f"{proxy.host}/parts/sglang")
        assert tag_digest(registry, "parts/sglang", "many") is None
        proxy.rules.clear()
        proxy.records.clear()
        session.mirror(source, f"{proxy.host}/parts/sglang")
        assert not proxy.seen("PUT", "/uploads/"), "all blobs are there"
    assert run("crane", "digest", f"{registry}/parts/sglang:many").decode().strip() == many.digest


def test_an_index_is_refused_beyond_the_budget_and_if_a_part_is_missing(
    name: str, many: Many, upstream: Proxy, registry: str, written: Path
) -> None:
    source = name.replace(":rocm", ":many")
    message = quickly_refused(15, "base", "mirror", source, f"{registry}/never/many", "--max-transfer", "1KB")
    assert "blobs would be copied to" in message
    upstream.rules.append(Rule(path=f"manifests/{many.images[3].manifest.digest}", status=404))
    with (
        m2build.Session() as session,
        pytest.raises(TransportError, match="names a manifest that is missing") as caught,
    ):
        session.mirror(source, f"{registry}/never/many")
    assert caught.value.hint == "--platform OS/ARCH takes one image of it"
    assert call("GET", f"http://{registry}/v2/never/many/tags/list")[0] == 404


def made(session: m2build.Session, name: str, lock: Lock) -> str:
    """The digest of the image that a lock gives."""
    (found,) = session.shipment([TP8], name, to="oci:none", lock=lock, locked=True).foresee()
    assert found.image
    return str(found.image.manifest.digest)


def test_the_image_does_not_depend_on_where_the_base_was_read(  # noqa: PLR0917 - fixtures
    name: str, mirrored: Lock, lock: Lock, upstream: Proxy, registry: str, tmp_path: Path
) -> None:
    """With empty caches; and what is in the mirror's registry is mounted, not sent."""
    with m2build.Session(cache=tmp_path / "one") as session:
        before = made(session, name, lock)
    upstream.rules.append(GONE)
    heard = Kept()
    with m2build.Session(cache=tmp_path / "two", progress=heard) as session:
        to = f"docker://{registry}/ours/m2:tp8"
        (delivery,) = session.shipment([TP8], name, to=to, lock=mirrored, locked=True).deliver()
    assert str(delivery.digest) == before
    assert delivery.built.transfer
    assert delivery.built.transfer.mounted == len(BASE.manifest.layers)
    assert f"the base is read from its mirror, {mirrored.base.mirror}" in "\n".join(heard.notices)
    assert b"PASS" in run("crane", "validate", "--remote", f"{registry}/ours/m2:tp8")
    with m2build.Session() as session:
        assert session.verify(f"{registry}/ours/m2:tp8", TP8, base=name, lock=mirrored).passes


def test_a_lock_is_compared_and_written_from_the_mirror_and_keeps_it(
    name: str, mirrored: Lock, upstream: Proxy, written: Path
) -> None:
    locking.write_lock(mirrored, written, update=True)
    upstream.rules.append(GONE)
    quickly("lock", "--tp", "8", "--base", name, "--locked")
    quickly("lock", "--tp", "8", "--base", name, "--update")
    assert locking.load_lock(written) == mirrored
    written.write_text("<<<<<<< a merge with conflicts\n")
    upstream.rules.clear()
    quickly("lock", "--tp", "8", "--base", name, "--update")
    assert locking.load_lock(written).base.mirror is None


def test_a_new_base_has_no_mirror_yet(name: str, mirrored: Lock, stocked: str, written: Path) -> None:
    locking.write_lock(mirrored, written, update=True)
    newer = image(*layers(BASE), tar())
    upload(stocked, "team/sglang", newer, "rocm")
    try:
        done = CliRunner().invoke(cli, ["lock", "--tp", "8", "--base", name, "--update"])
    finally:
        upload(stocked, "team/sglang", BASE, "rocm")
    assert f"{mirrored.base.mirror} is a copy of the former base" in done.stderr
    assert locking.load_lock(written).base.mirror is None


def layers(base: Image) -> list[bytes]:
    return [gunzipped(read_blob(base.blobs, layer)) for layer in base.manifest.layers]


def test_a_dockerfile_starts_from_the_mirror(name: str, mirrored: Lock, upstream: Proxy, written: Path) -> None:
    locking.write_lock(mirrored, written, update=True)
    words = ("render", "--tp", "8", "--base", name, "--lock", written, "-o")
    quickly(*words, "before")
    upstream.rules.append(GONE)
    quickly(*words, "after")
    before, after = (Path(folder, "Dockerfile").read_text() for folder in ("before", "after"))
    assert before.count(name) > 0
    assert f"FROM {mirrored.base.mirror}@{mirrored.base.manifest}" in after
    labels = [[line for line in text.splitlines() if "dev.m2build.plan.digest" in line] for text in (before, after)]
    assert labels[0] == labels[1] != []
    assert "--lock names the base by digest" in quickly_refused(2, *words, "never", "--unpinned")


OTHER: dict[str, Callable[[Lock], tuple[Rule, Lock]]] = {
    "a registry that refuses": lambda lock: (Rule(path="team/sglang/manifests/", status=403), lock),
    "no mirror": lambda lock: (GONE, lock.model_copy(update={"base": lock.base.model_copy(update={"mirror": None})})),
    "a mirror that lacks it": lambda lock: (GONE, lock.with_mirror(str(lock.base.mirror).replace("mirrors", "no"))),
}


@pytest.mark.parametrize("case", OTHER)
def test_nothing_else_is_read_from_a_mirror(case: str, name: str, mirrored: Lock, upstream: Proxy) -> None:
    rule, lock = OTHER[case](mirrored)
    upstream.rules.append(rule)
    with m2build.Session() as session, pytest.raises(TransportError, match=r"team/sglang.* cannot be pulled"):
        made(session, name, lock)
