"""Signatures of an image and of statements on it, checked by cosign, and the statements compared with the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from m2build.documents.files import document_bytes
from m2build.errors import ContentError
from m2build.evidence.attaching import found_at
from m2build.evidence.bundle import SIGNATURE, bundles_in
from m2build.evidence.keys import load_public_key
from m2build.evidence.making import essence, essences
from m2build.oci.descriptor import JsonObject
from m2build.programs.cosign import Cosign, Identity
from m2build.verification.findings import Finding

if TYPE_CHECKING:
    from m2build.derivation.plan import Plan
    from m2build.oci.digest import Digest
    from m2build.places.place import Place
    from m2build.registry.access import Access

_MOST = 100
"""Bundles; anyone who may push can add some, and each is checked by a process of its own."""


@dataclass(frozen=True)
class Signed:
    """What a signer has signed of an image.

    Attributes:
        signer: the key, as the user names it; or the identity.
        predicates: what the signer states, by the kind of statement; `SIGNATURE` is one.
        refusal: why cosign refused the last bundle that it refused; None if there is none.
    """

    signer: str | Identity
    predicates: Mapping[str, list[JsonObject]] = field(default_factory=dict)
    refusal: str | None = None

    def findings(self) -> Iterator[Finding]:
        """Whether the image itself is signed."""
        if SIGNATURE not in self.predicates:
            why = f"; the last one that is there: {self.refusal}" if self.refusal else ""
            yield Finding("signature-missing", "", f"it has no signature that {self.signer} confirms{why}")

    def differences(self, plan: Plan, image: Digest) -> Iterator[Finding]:
        """The kinds of statements that m2build makes, of which the signer states something else."""
        for kind, expected in essences(plan, image).items():
            stated = [essence(kind, predicate) for predicate in self.predicates.get(kind, ())]
            if stated and expected not in stated:
                yield Finding("attestation-other", kind, f"the signed statement {kind} is not true of it")


def read_signed(
    place: Place, image: Digest, signer: str | Identity, access: Access | None, environment: Mapping[str, str]
) -> Signed:
    """Read what refers to an image in its registry, and let cosign check it.

    Args:
        place: where the image is.
        image: the digest that its name refers to.
        signer: a public key, as cosign names it; or an identity.
        access: how registries are reached.
        environment: the environment variables of cosign.

    Raises:
        UsageError: signatures cannot be where the image is, or there is no such key or trusted root.
        EngineError: cosign is missing, or too old.
        TransportError: the registry fails.
        ContentError: more than 100 bundles refer to the image, or something that refers to it is malformed.
    """
    if isinstance(signer, Identity):
        if signer.trusted_root:
            document_bytes(signer.trusted_root, "trusted root")
    elif "://" not in signer:
        load_public_key(signer)
    cosign = Cosign(environment)
    cosign.check()
    bundles = [bundle for bundle, _ in islice(bundles_in(found_at(place, image, access)), _MOST + 1)]
    if len(bundles) > _MOST:
        raise ContentError(f"more than {_MOST} signatures and statements refer to {place}, too many to be checked")
    found, refusal = dict[str, list[JsonObject]](), None
    for bundle in bundles:
        if because := cosign.refusal(bundle.raw, bundle.kind, image, signer):
            refusal = because
        else:
            found.setdefault(bundle.kind, []).append(bundle.predicate)
    return Signed(signer, found, refusal)
