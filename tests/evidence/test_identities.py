"""`m2build verify --identity`, judged by cosign: a sigstore of our own signs, and cosign leaves out no check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.cli.checkouts import derived, quickly, quickly_refused
from helpers.evidence.signing import OFFLINE
from helpers.evidence.sigstore import Sigstore

import m2build
from m2build import evidence
from m2build.errors import UsageError
from m2build.evidence.bundle import SIGNATURE, Bundle
from m2build.evidence.statement import Statement
from m2build.oci.artifact import Artifact
from m2build.oci.descriptor import Descriptor

JOB = "https://ci.example/team/images/workflow@main"
ISSUER = "https://token.ci.example"
SIGSTORE = Sigstore()


class Job:
    """Signs as the job of a CI system does."""

    def check(self) -> None:
        pass

    def sign(
        self, name: str, image: Descriptor, statements: Sequence[Statement], _there: Iterable[Artifact] = ()
    ) -> tuple[Artifact, ...]:
        wanted = [Statement.of(SIGNATURE, {}, {name: image.digest}), statements[0]]
        bundles = (SIGSTORE.bundle(statement.content, JOB, ISSUER) for statement in wanted)
        return tuple(Bundle.parse(bundle).beside(image) for bundle in bundles)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that verifies a signed image, without the signer: its trusted root comes last."""
    folder = derived(tmp_path_factory.mktemp("identities"))
    place, base = f"oci:{folder}/out:tp8", f"oci:{folder}/base:base"
    with m2build.Session() as session:
        plan = session.plan(m2build.load_recipe("minimax-m2").select(tp=8), session.base(base))
        session.sign(session.deliver(plan, place), Job())
    return ["verify", place, "--base", base, "--trusted-root", str(SIGSTORE.trusted_root(folder))]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)


def test_what_an_identity_has_signed_is_verified(words: list[str]) -> None:
    shown = quickly(*words, "--identity", JOB, "--issuer", ISSUER).splitlines()
    kinds = (SIGNATURE, evidence.PROVENANCE)
    assert [line for line in shown if line.startswith("signed")] == [f"signed   {kind}" for kind in kinds]


@pytest.mark.parametrize(
    ("identity", "issuer", "why"),
    [
        ("https://ci.example/team/other", ISSUER, f'expected SAN value "https://ci.example/team/other", got "{JOB}"'),
        (JOB, "https://other.example", f'expected issuer value "https://other.example", got "{ISSUER}"'),
    ],
)
def test_another_identity_or_issuer_is_a_finding(identity: str, issuer: str, why: str, words: list[str]) -> None:
    said = quickly_refused(5, *words, "--identity", identity, "--issuer", issuer)
    assert f"it has no signature that {identity}, by {issuer}, confirms" in said
    assert why in said


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ("authority", "failed to verify leaf certificate"),
        ("timestamps", "failed to verify signed certificate timestamp"),
        ("rekor", "failed to verify log inclusion"),
    ],
)
def test_each_service_of_another_sigstore_is_not_trusted(
    service: str, why: str, words: list[str], tmp_path: Path
) -> None:
    other = replace(SIGSTORE, **{service: getattr(Sigstore(), service)}).trusted_root(tmp_path)
    assert why in quickly_refused(5, *words[:-1], other, "--identity", JOB, "--issuer", ISSUER)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (["--identity", JOB], "an identity is known by its issuer"),
        (["--issuer", ISSUER], "an identity is known by its issuer"),
        ([], "an identity is known by its issuer"),
        (["--identity", JOB, "--issuer", "ci"], "the issuer 'ci' is not a URL"),
        (["--identity", JOB, "--issuer", ISSUER, "--key", "cosign.pub"], "a key and an identity exclude each other"),
    ],
)
def test_half_an_identity_is_refused(more: list[str], problem: str, words: list[str]) -> None:
    with pytest.raises(UsageError, match=f"^{problem}"):
        quickly(*words, *more)


def test_a_trusted_root_that_does_not_exist_is_named(words: list[str]) -> None:
    with pytest.raises(UsageError, match=r"none\.json"):
        quickly(*words[:-1], "none.json", "--identity", JOB, "--issuer", ISSUER)
