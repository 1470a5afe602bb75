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
    from m2build.evidence.attaching import check_attachable, check_folder, write_statements
    from m2build.evidence.making import statements
    from m2build.evidence.patchset import Patchset
    from m2build.evidence.provenance import ExternalParameters, Run
    from m2build.evidence.statement import PATCHSET, PROVENANCE, SBOM, Statement
    from m2build.oci.artifact import Artifact
    from m2build.registry.referrers import Attached

_HOMES = {
    "PATCHSET": "m2build.evidence.statement",
    "PROVENANCE": "m2build.evidence.statement",
    "SBOM": "m2build.evidence.statement",
    "Artifact": "m2build.oci.artifact",
    "Attached": "m2build.registry.referrers",
    "ExternalParameters": "m2build.evidence.provenance",
    "Patchset": "m2build.evidence.patchset",
    "Run": "m2build.evidence.provenance",
    "Statement": "m2build.evidence.statement",
    "check_attachable": "m2build.evidence.attaching",
    "check_folder": "m2build.evidence.attaching",
    "statements": "m2build.evidence.making",
    "write_statements": "m2build.evidence.attaching",
}
"""Where each name is defined."""

__all__ = [
    "PATCHSET", "PROVENANCE", "SBOM", "Artifact", "Attached", "ExternalParameters", "Patchset", "Run", "Statement",
    "check_attachable", "check_folder", "statements", "write_statements",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
