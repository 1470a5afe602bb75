"""Tampered images: each is caught, and the finding names what was done."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard
from helpers.cli.checkouts import quickly, store
from helpers.support import sampled
from helpers.verification.forgery import Forgery
from helpers.verification.tampering import TAMPERINGS

import m2build
from m2build.places.place import Place
from m2build.places.transports import read_image
from m2build.verification.findings import KINDS, Finding


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Forgery]:
    """A folder with a base in `base`, and what was derived from it."""
    folder = tmp_path_factory.mktemp("honest")
    store(f"oci:{folder}/base:base", config={"Env": ["PATH=/bin", "A=1"], "Labels": {"a": "b"}})
    quickly("image", "--tp", "8", "--base", f"oci:{folder}/base:base", "-o", f"oci:{folder}/out:tp8")
    return folder, Forgery.of(read_image(Place.parse(f"oci:{folder}/out:tp8"), "linux/amd64").image, 3)


def found_in(honest: Path, forged: Forgery, folder: Path) -> tuple[Finding, ...]:
    forged.write(folder / "forged")
    return m2build.verify(f"oci:{folder}/forged", base=f"oci:{honest}/base:base").findings


def test_what_is_taken_apart_and_put_together_again_passes(honest: tuple[Path, Forgery], tmp_path: Path) -> None:
    """So that each case below is caught for what it does."""
    assert found_in(honest[0], honest[1].copied(), tmp_path) == ()


def test_a_base_that_was_compressed_otherwise_passes(honest: tuple[Path, Forgery], tmp_path: Path) -> None:
    """As registries and engines do."""
    other = honest[1].copied()
    other.kept_as = {0: gzip.compress(other.below[0]), 1: zstandard.compress(other.below[1])}
    assert found_in(honest[0], other, tmp_path) == ()


@pytest.mark.parametrize("case", sampled(TAMPERINGS, every=4))
def test_each_tampering_is_caught_and_named(case: str, honest: tuple[Path, Forgery], tmp_path: Path) -> None:
    forged, expected = honest[1].copied(), TAMPERINGS[case]
    expected.edit(forged)
    found = found_in(honest[0], forged, tmp_path)
    assert (expected.id, expected.path) in {(finding.id, finding.path) for finding in found}, found
    assert {finding.id for finding in found} <= KINDS.keys()


def test_every_kind_of_finding_has_a_case() -> None:
    """But for patches that never end, locks, signatures and rules: these have tests of their own."""
    others = ("lock-", "signature-", "attestation-", "policy-")
    elsewhere = {"patch-unsettled", *(kind for kind in KINDS if kind.startswith(others))}
    assert {case.id for case in TAMPERINGS.values()} == KINDS.keys() - elsewhere
