"""Findings as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format)."""

from __future__ import annotations

import string
from collections.abc import Sequence

from m2build import __version__
from m2build.oci.descriptor import JsonObject
from m2build.verification.findings import KINDS, Finding

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


_PLAIN = frozenset(f"{string.ascii_letters}{string.digits}-._~/".encode())
"""Bytes that need no escape in the path of a URI (RFC 3986, section 2.3)."""


def sarif_log(findings: Sequence[Finding], place: str, properties: JsonObject) -> JsonObject:
    """The log of one verification. Pure.

    Each kind of finding is a rule. Files of the image are locations relative to its root; what is about its config or
    the whole image has the image's place, as services need a location for each result.

    Args:
        findings: what was found.
        place: where the image is.
        properties: what else to say of the image.
    """
    ids = list(KINDS)
    rules = [{"id": name, "shortDescription": {"text": text}} for name, text in KINDS.items()]
    driver = {"name": "m2build verify", "semanticVersion": __version__, "rules": rules}
    results = [_result(finding, ids.index(finding.id), place) for finding in findings]
    run = {"tool": {"driver": driver}, "results": results, "properties": properties}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, rule: int, place: str) -> JsonObject:
    is_file = finding.path.startswith("/")
    where = _uri(finding.path.lstrip("/") or "." if is_file else place)
    location: JsonObject = {"physicalLocation": {"artifactLocation": {"uri": where}}}
    if finding.path and not is_file:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path}]
    text = finding.message.encode(errors="backslashreplace").decode()
    return {
        "ruleId": finding.id,
        "ruleIndex": rule,
        "level": "error",
        "message": {"text": text},
        "locations": [location],
    }


def _uri(path: str) -> str:
    """A path as a relative URI."""
    data = path.encode(errors="surrogateescape")
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in data)
