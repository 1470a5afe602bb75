"""What is attached to an image, and what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.errors import ContentError
from m2build.evidence.attaching import KEEPING
from m2build.evidence.bundle import bundles_in
from m2build.evidence.making import essence, essences
from m2build.evidence.unsigned import statements_in
from m2build.oci.strict_json import known, parse_object

if TYPE_CHECKING:
    from m2build.derivation.plan import Plan
    from m2build.oci.artifact import Artifact
    from m2build.oci.descriptor import JsonObject
    from m2build.oci.digest import Digest
    from m2build.places.place import Place
    from m2build.session import Session

_MOST_SHOWN = 100_000
"""Characters of a predicate; a page with more of them is slow to read on a phone."""


@dataclass(frozen=True)
class Attachment:
    """Something that refers to an image: a signature, an attestation, a bill of materials.

    Attributes:
        digest: of its manifest.
        kind: the type of the artifact.
        predicate: what it attests, as a predicate type; empty for others.
        says: what it states, as indented JSON, or how long that is; empty for what is not a statement.
        agrees: whether that is what recipe and base give; None for statements of other tools.
    """

    digest: str
    kind: str
    predicate: str = ""
    says: str = ""
    agrees: bool | None = None


def attachments(session: Session, place: Place, plan: Plan, image: Digest) -> tuple[Attachment, ...] | None:
    """What refers to an image, sorted: registries list it in no particular order.

    Args:
        session: how registries are reached.
        place: where the image is.
        plan: what recipe and base give.
        image: the digest of the image's manifest.

    Returns:
        None for a place that keeps nothing beside an image.

    Raises:
        M2BuildError: as `Session.referrers`.
    """
    if place.kind not in KEEPING:
        return None
    expected = essences(plan, image)
    found = (_attachment(one, expected) for one in session.referrers(place))
    return tuple(sorted(found, key=lambda one: (one.predicate, one.kind, one.digest)))


def _attachment(artifact: Artifact, expected: dict[str, JsonObject]) -> Attachment:
    plain = Attachment(str(artifact.manifest.digest), artifact.artifact_type, artifact.predicate_type)
    for kind, predicate in _stated(artifact):
        text = json.dumps(predicate, indent=2, ensure_ascii=False)
        says = text if len(text) <= _MOST_SHOWN else f"{len(text):,} characters, more than this page shows"
        agrees = essence(kind, predicate) == expected[kind] if kind in expected else None
        return Attachment(plain.digest, plain.kind, kind, says, agrees)
    return plain


def _stated(artifact: Artifact) -> Iterator[tuple[str, JsonObject]]:
    """The kind and the predicate of each statement in an artifact, signed or not; what cannot be read says nothing."""
    for bundle, _ in bundles_in([artifact]):
        yield bundle.kind, bundle.predicate
    with suppress(ContentError):
        for statement in statements_in([artifact]):
            yield statement.predicate_type, parse_object(statement.predicate, "statement", known())
