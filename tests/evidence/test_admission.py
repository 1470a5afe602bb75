"""Policies for clusters: valid by the projects' definitions, about the right images, refused where they cannot work."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

import jsonschema
import pytest
import yaml
from helpers.cli.checkouts import quickly
from helpers.evidence.admission import KYVERNO, SIGSTORE

from m2build import evidence
from m2build.errors import UsageError

PEM = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEe+RUXQU+0M6wbmOhvLn4UDRkSPYO
4VoyCm385f+Tx+9RWqJI8wisyRsR4lf0kWdcQrbI+2BVjmfbu3g0mJYhjw==
-----END PUBLIC KEY-----
"""
KEY = evidence.PublicKey(PEM)
WORKFLOW = evidence.Identity("https://github.com/o/r/.github/workflows/x.yml@refs/heads/main", "https://token.example")
KINDS = (evidence.PROVENANCE, evidence.PATCHSET)


def read(text: str) -> Any:
    return yaml.safe_load(text)


@pytest.mark.parametrize("image", ["registry.example:5000/team/minimax_m2:tp8", "lmsysorg/m2", "a" * 200])
@pytest.mark.parametrize(("signer", "kinds"), [(KEY, ()), (WORKFLOW, ()), (WORKFLOW, KINDS)])
def test_kyvernos_is_valid(image: str, signer: evidence.PublicKey | evidence.Identity, kinds: tuple[str, ...]) -> None:
    policy = read(evidence.kyverno_policy(image, signer, kinds))
    jsonschema.validate(policy, KYVERNO)
    checks = [check["expression"] for check in policy["spec"]["validations"]]
    assert len(checks) == 1 + len(kinds)
    assert [check.count("image, verify") for check in checks] == [3] * len(checks), "in all kinds of containers"
    assert [one["intoto"]["type"] for one in policy["spec"].get("attestations", ())] == [*kinds]
    assert all(f'attestations["{one["name"]}"]' in " ".join(checks) for one in policy["spec"].get("attestations", ()))


def test_kyvernos_holds_the_key_and_needs_no_log_for_it() -> None:
    cosign = read(evidence.kyverno_policy("registry.example/m2", KEY))["spec"]["attestors"][0]["cosign"]
    assert cosign == {"key": {"data": PEM}, "ctlog": {"insecureIgnoreTlog": True}}


@pytest.mark.parametrize("kinds", [(), KINDS])
def test_policy_controllers_is_valid(kinds: tuple[str, ...]) -> None:
    policy = read(evidence.sigstore_policy("registry.example/m2", WORKFLOW, kinds))
    jsonschema.validate(policy, SIGSTORE)
    (authority,) = policy["spec"]["authorities"]
    assert authority["signatureFormat"] == "bundle"
    assert authority["keyless"]["identities"] == [{"issuer": WORKFLOW.issuer, "subject": WORKFLOW.subject}]
    assert [one["predicateType"] for one in authority.get("attestations", ())] == [*kinds]


ASKED = "registry.example/team/m2"
OURS = [ASKED, f"{ASKED}:tp8", f"{ASKED}@sha256:{'0' * 64}", f"{ASKED}:tp8@sha256:{'0' * 64}"]
OTHERS = [
    "registry.example/team/m2.5:tp8",
    "registry.example/team/m2/more:a",
    "evil.example/registry.example/team/m2:a",
]


def test_the_policies_are_about_the_whole_repository_and_no_other() -> None:
    """Kyverno compares a pod's text; policy-controller the full name, with `:latest` where it has no tag or digest."""
    kyverno = [one["glob"] for one in read(evidence.kyverno_policy(f"{ASKED}:x", KEY))["spec"]["matchImageReferences"]]
    sigstore = [one["glob"] for one in read(evidence.sigstore_policy(f"{ASKED}:x", WORKFLOW))["spec"]["images"]]
    for name in OURS:
        assert any(fnmatchcase(name, glob) for glob in kyverno), name
        full = name if name != ASKED else f"{name}:latest"
        assert any(fnmatchcase(full, glob.replace("**", "*")) for glob in sigstore), name
    for name in OTHERS:
        assert not any(fnmatchcase(name, glob) for glob in kyverno), name
        assert not any(fnmatchcase(name, glob.replace("**", "*")) for glob in sigstore), name


def test_docker_hubs_names_are_known_in_all_their_spellings() -> None:
    globs = [one["glob"] for one in read(evidence.kyverno_policy("busybox", KEY))["spec"]["matchImageReferences"]]
    for name in (
        "busybox",
        "busybox:1",
        "library/busybox:1",
        "docker.io/busybox",
        "docker.io/library/busybox@sha256:0",
    ):
        assert any(fnmatchcase(name, glob) for glob in globs), name
    (first, _) = read(evidence.sigstore_policy("lmsysorg/m2", WORKFLOW))["spec"]["images"]
    assert first["glob"].startswith("index.docker.io/lmsysorg/m2:")


def test_two_repositories_have_two_policies() -> None:
    names = ["r.example/a/b", "r.example/a-b", "r.example/a_b", f"r.example/{'a' * 100}/b", f"r.example/{'a' * 100}/c"]
    found = {read(evidence.kyverno_policy(name, KEY))["metadata"]["name"] for name in names}
    assert len(found) == len(names)


@pytest.mark.parametrize("character", ["\u00e9", "'", ": ", "#", "\n- x: y"])
def test_what_a_user_says_stays_one_value(character: str) -> None:
    odd = evidence.Identity(f"a{character}b", "https://i.example")
    for policy in (evidence.kyverno_policy("a/b", odd), evidence.sigstore_policy("a/b", odd)):
        assert f"a{character}b" in str(read(policy)) or repr(f"a{character}b")[1:-1] in str(read(policy))
        assert re.findall("^kind: ", policy, re.MULTILINE) == ["kind: "]


def test_what_a_controller_would_never_accept_is_refused() -> None:
    with pytest.raises(
        UsageError, match="policy-controller does not accept sigstore bundles that were signed with a key"
    ):
        evidence.sigstore_policy("a/b", KEY)
    with pytest.raises(UsageError, match="kyverno#17109"):
        evidence.kyverno_policy("a/b", KEY, KINDS)
    with pytest.raises(UsageError, match="is not an image reference"):
        evidence.kyverno_policy("A B", KEY)
    with pytest.raises(UsageError, match="the issuer 'github' is not a URL"):
        evidence.Identity("me", "github")
    with pytest.raises(UsageError, match="is not a public key in PEM"):
        evidence.PublicKey("ssh-ed25519 AAAA")


def test_by_command(tmp_path: Any) -> None:
    (tmp_path / "cosign.pub").write_text(PEM)
    shown = quickly("policy", "kyverno", "a/b", "--key", tmp_path / "cosign.pub")
    assert shown == evidence.kyverno_policy("a/b", KEY)
    words = ("--identity", WORKFLOW.subject, "--issuer", WORKFLOW.issuer, "--attestation", KINDS[0])
    assert quickly("policy", "sigstore", "a/b", *words) == evidence.sigstore_policy("a/b", WORKFLOW, KINDS[:1])
    for wrong in ((), ("--identity", "a"), ("--key", str(tmp_path / "cosign.pub"), "--issuer", "b")):
        with pytest.raises(UsageError, match="about one signer"):
            quickly("policy", "kyverno", "a/b", *wrong)
