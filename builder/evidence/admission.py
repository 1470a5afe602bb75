"""Policies for clusters that run only what a signer has signed: for Kyverno, and for sigstore's policy-controller.

Pure. The fields are those of `policies.kyverno.io_imagevalidatingpolicies.yaml` in kyverno/kyverno at 111e07b, and of
`300-clusterimagepolicy.yaml` in sigstore/policy-controller at f925c0c.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import yaml

from m2build.documents.arguments import typed_arguments
from m2build.documents.yaml_text import Dumper
from m2build.errors import UsageError
from m2build.evidence.keys import PublicKey
from m2build.oci.descriptor import JsonObject
from m2build.oci.reference import Reference, parse_reference
from m2build.programs.cosign import Identity

_SIGNER = "signer"
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_LONGEST_WORDS = 46
"""Characters of a policy's name that say what it is about: with the rest, it fits into a label (RFC 1123, 63)."""
_HUB, _HUB_LIBRARY = "docker.io", "library/"
_HUB_INDEX = "index.docker.io"
"""How Go's container registry library, and so policy-controller, calls Docker Hub."""


@typed_arguments
def kyverno_policy(image: str, signer: PublicKey | Identity, attestations: Sequence[str] = ()) -> str:
    """A Kyverno `ImageValidatingPolicy` as YAML.

    Args:
        image: the name of an image; the policy is about its whole repository.
        signer: who has to have signed it.
        attestations: predicate types; the signer has to have signed a statement of each.

    Raises:
        UsageError: the image is not a name in a registry; or there are attestations by a key, which Kyverno accepts
            only with an entry in a transparency log.
    """
    if attestations and isinstance(signer, PublicKey):
        raise UsageError(
            "Kyverno accepts attestations by a key only from a transparency log (kyverno/kyverno#17109)",
            hint="leave out --attestation, and check them with `m2build verify --key`; or sign with cosign:keyless",
        )
    reference = parse_reference(image)
    stated = {f"statement-{number}": kind for number, kind in enumerate(attestations, start=1)}
    checks = {f"verifyImageSignatures(image, [attestors.{_SIGNER}])": "the signer has not signed this image"}
    for name, kind in stated.items():
        check = f'verifyAttestationSignatures(image, attestations["{name}"], [attestors.{_SIGNER}])'
        checks[check] = f"the signer has not signed a statement {kind} on this image"
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}
    spec: JsonObject = {
        "failurePolicy": "Fail",
        "validationActions": ["Deny"],
        "webhookConfiguration": {"timeoutSeconds": 30},
        "matchConstraints": {"resourceRules": [pods]},
        "matchImageReferences": [
            {"glob": f"{name}{rest}"} for name in _spellings(reference) for rest in ("", ":*", "@*")
        ],
        "attestors": [{"name": _SIGNER, "cosign": _kyverno_signer(signer)}],
        "attestations": [{"name": name, "intoto": {"type": kind}} for name, kind in stated.items()],
        "validations": [{"expression": _everywhere(check), "message": text} for check, text in checks.items()],
    }
    return _policy("policies.kyverno.io/v1", "ImageValidatingPolicy", reference, spec)


def _spellings(reference: Reference) -> list[str]:
    """A repository as pods name it: Kyverno compares the text, and Docker Hub's names have several forms."""
    if reference.registry != _HUB:
        return [reference.name]
    short = reference.repository.removeprefix(_HUB_LIBRARY)
    return list(dict.fromkeys([reference.name, f"{_HUB}/{short}", reference.repository, short]))


def _everywhere(check: str) -> str:
    """A check of the policy's images in all kinds of containers, in CEL."""
    return " && ".join(f"images.{kind}.map(image, {check}).all(count, count > 0)" for kind in _CONTAINERS)


def _kyverno_signer(signer: PublicKey | Identity) -> JsonObject:
    if isinstance(signer, PublicKey):  # `--sign cosign:KEY` makes no entry in a log
        return {"key": {"data": signer.pem}, "ctlog": {"insecureIgnoreTlog": True}}
    return {"keyless": {"identities": [_identity(signer)]}}


@typed_arguments
def sigstore_policy(image: str, signer: PublicKey | Identity, attestations: Sequence[str] = ()) -> str:
    """A `ClusterImagePolicy` of sigstore's policy-controller as YAML.

    Args:
        image: the name of an image; the policy is about its whole repository.
        signer: who has to have signed it.
        attestations: predicate types; the signer has to have signed a statement of each.

    Raises:
        UsageError: the image is not a name in a registry; or the signer is a key: policy-controller reads bundles that
            were signed with an identity only.
    """
    if isinstance(signer, PublicKey):
        raise UsageError(
            "policy-controller does not accept sigstore bundles that were signed with a key",
            hint="sign with cosign:keyless, and give --identity and --issuer; or use Kyverno",
        )
    reference = parse_reference(image)
    name = f"{_HUB_INDEX}/{reference.repository}" if reference.registry == _HUB else reference.name
    authority: JsonObject = {
        "name": _SIGNER,
        "signatureFormat": "bundle",
        "keyless": {"url": "https://fulcio.sigstore.dev", "identities": [_identity(signer)]},
    }
    if attestations:
        authority["attestations"] = [
            {"name": f"statement-{number}", "predicateType": kind} for number, kind in enumerate(attestations, start=1)
        ]
    images = [{"glob": f"{name}{rest}"} for rest in (":**", "@**")]
    spec: JsonObject = {"mode": "enforce", "images": images, "authorities": [authority]}
    return _policy("policy.sigstore.dev/v1beta1", "ClusterImagePolicy", reference, spec)


def _identity(signer: Identity) -> JsonObject:
    return {"issuer": signer.issuer, "subject": signer.subject}


def _policy(version: str, kind: str, reference: Reference, spec: JsonObject) -> str:
    document: JsonObject = {"apiVersion": version, "kind": kind, "metadata": {"name": _policy_name(reference.name)}}
    document["spec"] = {key: value for key, value in spec.items() if value}
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=2**31)


def _policy_name(repository: str) -> str:
    """A name for the policy: readable, and another one for each repository.

    >>> _policy_name("registry.example/team/m2"), _policy_name("registry.example/team-m2")
    ('m2build-registry-example-team-m2-4c543ff9', 'm2build-registry-example-team-m2-2719caf7')
    """
    words = re.sub(r"[^a-z0-9]+", "-", repository.lower())[:_LONGEST_WORDS].strip("-")
    return f"m2build-{words}-{hashlib.sha256(repository.encode()).hexdigest()[:8]}"


class _Dumper(Dumper):
    """It writes a text of several lines, such as a key, as lines."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
