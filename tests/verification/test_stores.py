"""Images whose labels name the base's manifest, proven against a place that does not keep it: an archive of Docker's.

`docker save` without containerd's store, and podman, give such archives: tests/engines/real/test_engine_stores.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.bases import base_image
from helpers.cli.checkouts import quickly, quickly_refused
from helpers.images import image, tar
from helpers.kept_progress import Kept
from helpers.registry.registries import run, upload
from helpers.support import sampled
from helpers.verification.forgery import gunzipped

import m2build
from m2build.evidence import Requirements
from m2build.oci.image import read_blob
from m2build.oci.media_types import DOCKER

BASE = base_image()
DIGEST = str(BASE.manifest.digest)
OTHER = f"sha256:{64 * '0'}"


class Stored(NamedTuple):
    base: str
    derived: str
    archive: str


@pytest.fixture(scope="module")
def stored(stocked: str, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """A base in a registry, what was derived from it there, and an archive of the base, by skopeo."""
    base = f"{stocked}/team/sglang:rocm"
    quickly("image", "--tp", "8", "--base", base, "-t", f"{stocked}/team/m2:tp8", "--push")
    return Stored(base, f"{stocked}/team/m2:tp8", archived(base, tmp_path_factory.mktemp("archive") / "base.tar"))


def archived(name: str, file: Path, called: str | None = None) -> str:
    """An image of a registry in an archive of Docker's."""
    place = f"docker-archive:{file}"
    run("skopeo", "copy", "--src-tls-verify=false", f"docker://{name}", f"{place}:{called or name}")
    return place


def test_the_layers_and_the_config_are_proven_and_the_manifest_is_said_not_to_be(stored: Stored) -> None:
    said = quickly("verify", stored.derived, "--base", stored.archive)
    assert f"base     {stored.base}; layers: 3\n" in said
    assert f"\nunproven that the base's manifest is {DIGEST}: {stored.archive} does not keep that" in said
    assert "its layers and its config are proven" in said
    assert said.splitlines()[-1].startswith("proven ")
    found = m2build.verify(stored.derived, base=stored.archive)
    assert (found.findings, found.document()["unproven"]) == ((), list(found.unproven))
    assert found.sarif()["runs"][0]["properties"]["unproven"] == list(found.unproven)  # type: ignore[index]
    assert m2build.verify(stored.derived, base=stored.base).unproven == ()


def test_the_way_back_leads_to_a_base_whose_config_is_the_named_one(stored: Stored) -> None:
    """That config decides the layers, all but their compression: the image's own are read and compared with it."""
    kept = Kept()
    with m2build.Session(progress=kept) as session:
        reverted = session.revert(stored.derived, base=stored.archive)
    assert (reverted.layers, reverted.above) == (3, 1)
    assert reverted.reference == f"{stored.archive}@{reverted.digest}"
    assert sum(step.startswith("checking layer") for step in kept.steps) == 3


def test_a_lock_has_to_name_what_the_image_names(stored: Stored) -> None:
    with m2build.Session() as session:
        lock = session.lock([m2build.load_recipe("minimax-m2").select(tp=8)], stored.base)
    assert m2build.verify(stored.derived, base=stored.archive, lock=lock).passes
    other = lock.model_copy(update={"base": lock.base.model_copy(update={"manifest": OTHER})})
    found = m2build.verify(stored.derived, base=stored.archive, lock=other)
    assert [(finding.id, finding.path) for finding in found.findings] == [("lock-base", "base.manifest")]


def test_what_only_the_image_says_satisfies_no_rule(stored: Stored) -> None:
    require = Requirements.model_validate({"version": 1, "bases": (DIGEST,)})
    assert m2build.verify(stored.derived, base=stored.base, require=require).passes
    (finding,) = m2build.verify(stored.derived, base=stored.archive, require=require).findings
    assert finding.id == "policy-base"
    assert "does not prove which digest the base has" in finding.message


LAYERS = [gunzipped(read_blob(BASE.blobs, layer)) for layer in BASE.manifest.layers]
OTHERS = {
    "another layer": (image(*(tar() for _ in LAYERS)), "base-layers"),
    "another history": (image(*LAYERS, history=[{"created_by": "other"} for _ in LAYERS]), "base-history"),
    "another environment": (image(*LAYERS, config={"Env": ["LD_PRELOAD=/x.so"]}), "config-env"),
}


@pytest.mark.parametrize("case", sampled(OTHERS, 3))
def test_another_base_in_the_archive_is_found(case: str, stored: Stored, stocked: str, tmp_path: Path) -> None:
    other, kind = OTHERS[case]
    upload(stocked, "team/others", other, "v1")
    archive = archived(f"{stocked}/team/others:v1", tmp_path / "other.tar", stored.base)
    assert f"\n{kind}  " in quickly_refused(5, "verify", stored.derived, "--base", archive)
    said = quickly_refused(5, "revert", stored.derived, "--base", archive)
    assert f"is not {archive} with layers on top" in said
    assert f"the image says {DIGEST}" in said


def test_a_copy_in_the_other_vocabulary_passes_but_for_what_that_lacks(stocked: str, tmp_path: Path) -> None:
    """OCI's has no health check, and tools write config and manifest anew: without annotations and empty members."""
    base, copy = f"{stocked}/docker/base:v1", f"oci:{tmp_path}/copy:tp8"
    odd = {"Env": ["PATH=/bin"], "User": "", "WorkingDir": "", "Labels": None}
    upload(stocked, "docker/base", image(*LAYERS, types=DOCKER, config=odd), "v1")
    quickly("image", "--tp", "8", "--base", base, "-t", f"{stocked}/docker/m2:tp8", "--push")
    run("skopeo", "copy", "--src-tls-verify=false", "--format=oci", f"docker://{stocked}/docker/m2:tp8", copy)
    assert [finding.id for finding in m2build.verify(copy, base=base).findings] == ["config-health"]
