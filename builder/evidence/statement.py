"""Statements of the in-toto attestation framework: what is said of an image, as bytes that can be signed.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.oci.digest import Digest

STATEMENT = "https://in-toto.io/Statement/v1"
IN_TOTO = "application/vnd.in-toto+json"
"""The media type of statements, signed or not."""
PROVENANCE = "https://slsa.dev/provenance/v1"
PATCHSET = "https://m2build.dev/docs/patchset/v1"
SBOM = "https://cyclonedx.org/bom"

_FILES = {PROVENANCE: "provenance.json", PATCHSET: "patchset.json", SBOM: "sbom.cdx.json"}
"""What the file of each predicate is called."""


class Evident(BaseModel):
    """A part of a predicate: it takes no unknown keys, and its keys are written in camel case, as in-toto's are."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )

    def document(self) -> dict[str, JsonValue]:
        """Its JSON; what is None is left out."""
        found: dict[str, JsonValue] = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return found

    @classmethod
    def schema_of(cls, uri: str) -> str:
        """Its JSON Schema, as text.

        Args:
            uri: what the schema is called.
        """
        dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": uri}
        return json.dumps({**dialect, **cls.model_json_schema(mode="serialization")}, indent=2, sort_keys=True) + "\n"


@dataclass(frozen=True)
class Statement:
    """What is said of images.

    Attributes:
        predicate_type: the URI that says what kind of statement it is.
        subjects: the digests of the images' manifests.
        content: the statement as JSON; the same facts give the same bytes.
    """

    predicate_type: str
    subjects: tuple[Digest, ...]
    content: bytes

    @classmethod
    @typed_arguments
    def of(cls, predicate_type: str, predicate: Mapping[str, JsonValue], subjects: Mapping[str, Digest]) -> Statement:
        """A statement.

        Args:
            predicate_type: the URI of its kind.
            predicate: what it says.
            subjects: the digests of the images' manifests, by what each is called in it.

        Raises:
            UsageError: it has a name that is not Unicode.
        """
        content = compact(
            {
                "_type": STATEMENT,
                "subject": [
                    {"name": name, "digest": {digest.algorithm: digest.hex}} for name, digest in subjects.items()
                ],
                "predicateType": predicate_type,
                "predicate": dict(predicate),
            }
        )
        return cls(predicate_type, tuple(subjects.values()), content)

    @cached_property
    def predicate(self) -> bytes:
        """The predicate alone, as signers such as actions/attest take it."""
        return compact(json.loads(self.content)["predicate"])

    @property
    def file(self) -> str:
        """What its predicate's file is called."""
        return _FILES[self.predicate_type]


def compact(document: Mapping[str, JsonValue]) -> bytes:
    """A document as JSON in one spelling.

    Raises:
        UsageError: a name in it is not Unicode.
    """
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            "there can be no evidence of these patches: the name of a file that they change is not Unicode",
            hint="rename the file in the base, or deliver without --attest",
        ) from error
