"""Sigstore bundles, version 0.3: a signed statement in one file, as cosign puts it beside an image.

https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto and, for the annotations,
https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from m2build.errors import ContentError
from m2build.evidence.statement import IN_TOTO
from m2build.oci.artifact import SIGNED_PREDICATE_TYPE, Artifact
from m2build.oci.descriptor import Descriptor, JsonObject, object_in
from m2build.oci.image import read_blob
from m2build.oci.strict_json import TEXT, known, parse_object

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
"""The predicate type of cosign's signatures of images; the predicate is empty."""
_CONTENT = "dev.sigstore.bundle.content"
_SHAPE = known(mediaType=TEXT, dsseEnvelope=known(payload=TEXT, payloadType=TEXT))
_STATEMENT = known(_type=TEXT, predicateType=TEXT, predicate=known())


@dataclass(frozen=True)
class Bundle:
    """A bundle, as it was read; whose signature it has, cosign knows.

    Attributes:
        raw: its bytes.
        payload: the bytes of the statement in it.
        kind: the statement's predicate type.
        predicate: what it says.
    """

    raw: bytes
    payload: bytes
    kind: str
    predicate: JsonObject

    @classmethod
    def parse(cls, raw: bytes) -> Bundle:
        """Read a bundle.

        Raises:
            ContentError: it is not a bundle of version 0.3 with a statement.
        """
        document = parse_object(raw, "bundle", _SHAPE)
        envelope = object_in(document, "dsseEnvelope")
        if document.get("mediaType") != BUNDLE or envelope.get("payloadType") != IN_TOTO:
            raise ContentError("it is not a sigstore bundle, version 0.3, with a statement")
        try:
            payload = b64decode(str(envelope.get("payload")), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ContentError(f"the bundle's payload is not base64: {error}") from error
        statement = parse_object(payload, "statement", _STATEMENT)
        return cls(raw, payload, str(statement.get("predicateType")), object_in(statement, "predicate"))

    def beside(self, image: Descriptor) -> Artifact:
        """The artifact that carries it beside an image."""
        annotations = {_CONTENT: "dsse-envelope", SIGNED_PREDICATE_TYPE: self.kind}
        return Artifact.of(BUNDLE, self.raw, image, annotations=annotations)


def bundles_in(artifacts: Iterable[Artifact]) -> Iterator[tuple[Bundle, Artifact]]:
    """The bundles in artifacts; what cannot be read is left out: it is not evidence.

    Raises:
        TransportError: a registry does not deliver one.
    """
    for artifact in artifacts:
        for layer in artifact.manifest.layers:
            if layer.media_type == BUNDLE:
                with suppress(ContentError):
                    yield Bundle.parse(read_blob(artifact.blobs, layer)), artifact
