"""Evidence on images: in-toto statements, made from plans, and attached to images as referrers.

Example:
    >>> from m2build import evidence
    >>> evidence.Run(builder="https://ci.example/runners/1").engine
    'embedded'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build.evidence.admission import kyverno_policy, sigstore_policy
    from m2build.evidence.attaching import check_attachable, check_folder, write_statements
    from m2build.evidence.keys import PublicKey, load_public_key
    from m2build.evidence.making import statements
    from m2build.evidence.patchset import Patchset
    from m2build.evidence.provenance import ExternalParameters, Run
    from m2build.evidence.requirements import Requirements, load_requirements
    from m2build.evidence.signers import Signer
    from m2build.evidence.statement import PATCHSET, PROVENANCE, SBOM, Statement
    from m2build.programs.cosign import Identity

_HOMES = {
    "PATCHSET": "m2build.evidence.statement",
    "PROVENANCE": "m2build.evidence.statement",
    "SBOM": "m2build.evidence.statement",
    "ExternalParameters": "m2build.evidence.provenance",
    "Identity": "m2build.programs.cosign",
    "Patchset": "m2build.evidence.patchset",
    "PublicKey": "m2build.evidence.keys",
    "Requirements": "m2build.evidence.requirements",
    "Run": "m2build.evidence.provenance",
    "Signer": "m2build.evidence.signers",
    "Statement": "m2build.evidence.statement",
    "check_attachable": "m2build.evidence.attaching",
    "check_folder": "m2build.evidence.attaching",
    "kyverno_policy": "m2build.evidence.admission",
    "load_public_key": "m2build.evidence.keys",
    "load_requirements": "m2build.evidence.requirements",
    "sigstore_policy": "m2build.evidence.admission",
    "statements": "m2build.evidence.making",
    "write_statements": "m2build.evidence.attaching",
}
"""Where each name is defined."""

__all__ = [
    "PATCHSET", "PROVENANCE", "SBOM", "ExternalParameters", "Identity", "Patchset", "PublicKey", "Requirements",
    "Run", "Signer", "Statement", "check_attachable", "check_folder", "kyverno_policy", "load_public_key",
    "load_requirements", "sigstore_policy", "statements", "write_statements",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
