"""All that is said of the image of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.delivery.destination import default_reference
from m2build.documents.arguments import typed_arguments
from m2build.evidence.patchset import patchset_of
from m2build.evidence.provenance import Run, provenance_of
from m2build.evidence.statement import PATCHSET, PROVENANCE, SBOM, Statement
from m2build.oci.descriptor import JsonObject, object_in
from m2build.oci.strict_json import known, parse_object

if TYPE_CHECKING:
    from m2build.derivation.plan import Plan
    from m2build.oci.digest import Digest


@typed_arguments
def statements(plan: Plan, digest: Digest, run: Run | None = None) -> tuple[Statement, ...]:
    """The statements on the image of a plan: its provenance, its patches, its bill of materials.

    Pure, but for the versions of codemods, which are those that are installed. The same plan gives the same bytes,
    wherever the image is delivered.

    Args:
        plan: what decided the image.
        digest: the digest of the image's manifest.
        run: what is said of the run that made it.

    Raises:
        UsageError: a file that is changed has a name that is not Unicode.
    """
    from m2build.evidence.sbom import sbom_of  # its library takes its time to be imported

    run = run or Run()
    subjects = {default_reference(plan.selection): digest}
    return (
        Statement.of(PROVENANCE, provenance_of(plan, run), subjects),
        Statement.of(PATCHSET, patchset_of(plan).document(), subjects),
        Statement.of(SBOM, sbom_of(plan, digest, run.time), subjects),
    )


def essences(plan: Plan, digest: Digest) -> dict[str, JsonObject]:
    """What follows from a plan in the statements on its image, by their kind.

    Raises:
        UsageError: as `statements`.
    """
    return {
        one.predicate_type: essence(one.predicate_type, parse_object(one.predicate, "statement", known()))
        for one in statements(plan, digest)
    }


def essence(kind: str, predicate: JsonObject) -> JsonObject:
    """What follows from recipe and base: not when the build ran, and of provenance, not who ran it by which engine."""
    if kind == PROVENANCE:
        return {"buildDefinition": _without(object_in(predicate, "buildDefinition"), "internalParameters")}
    if kind == SBOM and "metadata" in predicate:
        return {**predicate, "metadata": _without(object_in(predicate, "metadata"), "timestamp")}
    return predicate


def _without(document: JsonObject, key: str) -> JsonObject:
    return {name: value for name, value in document.items() if name != key}
