"""Evidence in a registry of others that lists referrers by itself: found by oras, cosign and m2build."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.cli.checkouts import quickly, store
from helpers.evidence.signing import PASSWORD, Keys, cosign
from helpers.registry.registries import call, listing_registry, run

import m2build
from m2build import evidence
from m2build.evidence.bundle import SIGNATURE


def test_evidence_is_attached_without_a_tag_and_found_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, base = Keys.made(tmp_path), f"oci:{tmp_path}/base:base"
    monkeypatch.setenv("COSIGN_PASSWORD", PASSWORD)
    store(base)
    with listing_registry(tmp_path) as host:
        name = f"{host}/team/m2:tp8"
        quickly("image", "--tp", "8", "--base", base, "-t", name, "--push", "--attest")
        signed = quickly("push", f"docker://{name}", name, "--sign", f"cosign:{keys.private}").strip()
        shown = quickly("verify", name, "--base", base, "--key", keys.public)
        assert f"signed   {SIGNATURE}" in shown.splitlines()
        assert cosign(
            *("verify", "--insecure-ignore-tlog=true", "--key", str(keys.public), signed),
            environment=keys.environment,
        ).returncode == 0  # fmt: skip
        # This registry has the config's media type where artifactType should be, and no annotations.
        listed = json.loads(run("oras", "discover", "--plain-http", "--format", "json", name))["referrers"]
        with m2build.Session() as session:
            found = list(session.referrers(name))
        assert {entry["digest"] for entry in listed} == {str(artifact.manifest.digest) for artifact in found}
        assert sorted(artifact.predicate_type or artifact.artifact_type for artifact in found) == sorted(
            [SIGNATURE, evidence.PROVENANCE, evidence.PATCHSET, evidence.SBOM, "application/vnd.cyclonedx+json"]
        )
        assert json.loads(call("GET", f"http://{host}/v2/team/m2/tags/list")[2])["tags"] == ["tp8"]
