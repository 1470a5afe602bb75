"""A user's requirements, compared with an image and with the plan that was made again for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from m2build.evidence.requirements import RequiredPatch, Requirements
from m2build.patches.changeset import Outcome, PatchResult
from m2build.patches.diff import git_diff
from m2build.verification.findings import Finding

if TYPE_CHECKING:
    from m2build.derivation.plan import Plan
    from m2build.oci.image import Image
    from m2build.verification.signatures import Signed

_PRESENT = (Outcome.APPLIED, Outcome.ALREADY_APPLIED)


def required_findings(require: Requirements, image: Image, plan: Plan, signed: Signed | None) -> Iterator[Finding]:
    """The rules that an image breaks; the path of each finding is the rule's, as in `patches[0]`.

    Args:
        require: the rules.
        image: the image.
        plan: what recipe and base give.
        signed: what the signer has signed; None if none is named.
    """
    results = [result for source in plan.sources for result in source.changeset.results]
    for number, patch in enumerate(require.patches):
        if not any(_is_meant(patch, result) for result in results):
            yield Finding("policy-patch", f"patches[{number}]", f"the image has no patch with {patch}")
    base = plan.base
    if require.bases and base.claimed:
        yield Finding("policy-base", "bases", f"{base.place} does not prove which digest the base has in a registry")
    elif require.bases and not {str(base.digest), str(base.manifest_digest)} & set(require.bases):
        yield Finding("policy-base", "bases", f"the base {base.digest or base.manifest_digest} is not among them")
    names = {variable.partition("=")[0] for variable in image.config.variables}
    for number, name in enumerate(require.forbidden_env):
        if name in names:
            yield Finding("policy-env", f"forbidden_env[{number}]", f"the image sets the variable {name}")
    for number, kind in enumerate(require.attestations):
        if signed is None or kind not in signed.predicates:
            yield Finding("policy-attestation", f"attestations[{number}]", f"no statement {kind} is signed")


def _is_meant(patch: RequiredPatch, result: PatchResult) -> bool:
    """Whether a patch is the required one, and in the image."""
    return (
        result.outcome in _PRESENT
        and patch.id in (None, result.patch.id)
        and patch.codemod in (None, result.patch.codemod)
        and (patch.diff is None or patch.diff == hashlib.sha256(git_diff(result.changes)).hexdigest())
    )
