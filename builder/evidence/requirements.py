"""What a user requires of images before they run: the file of `m2build verify --require`."""

from __future__ import annotations

import json
from os import PathLike
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from m2build.documents.arguments import typed_arguments
from m2build.documents.document import load_document
from m2build.documents.files import document_bytes
from m2build.documents.validation import validate
from m2build.recipes.values import Frozen, Id, Line

_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Digest = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")]
_Variable = Annotated[str, StringConstraints(pattern=r"^[^=\x00-\x1f\x7f]+$", max_length=200)]
_Uri = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9+.-]*:[!-~]+$", max_length=1000)]
_MOST = 1000


class RequiredPatch(Frozen):
    """A patch that has to be in the image; all that is said of it has to hold for one patch."""

    id: Id | None = Field(default=None, description="Its id in its series.")
    codemod: Line | None = Field(default=None, description="The codemod that it applies.")
    diff: _Sha256 | None = Field(
        default=None, description="The SHA-256 of its own diff, as in the lock and in the statement on patches."
    )

    @model_validator(mode="after")
    def _says_something(self) -> RequiredPatch:
        if self.id is None and self.codemod is None and self.diff is None:
            raise ValueError("name the patch by its id, its codemod or its diff")
        return self

    def __str__(self) -> str:
        """Its keys and values, for messages."""
        return ", ".join(f"{key} {value}" for key, value in self.model_dump(exclude_none=True).items())


class Requirements(Frozen):
    """What images have to satisfy, besides being what recipe and base give. What is left out is not required."""

    version: Literal[1] = Field(description="The version of this format.")
    patches: tuple[RequiredPatch, ...] = Field(
        default=(), max_length=_MOST, description="Patches that have to be applied, or to be in the base already."
    )
    bases: tuple[_Digest, ...] = Field(
        default=(),
        max_length=_MOST,
        description="The allowed bases, by the digest of their manifest or index.",
    )
    forbidden_env: tuple[_Variable, ...] = Field(
        default=(), max_length=_MOST, description="Names of variables that the image may not set."
    )
    attestations: tuple[_Uri, ...] = Field(
        default=(),
        max_length=_MOST,
        description="Predicate types; the signer has signed a statement of each.",
    )

    @staticmethod
    def schema_text() -> str:
        """The text of `requirements.schema.json`, for editors.

        Example:
            >>> json.loads(Requirements.schema_text())["title"]
            'Requirements'
        """
        document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Requirements.model_json_schema()}
        return json.dumps(document, indent=2, sort_keys=True) + "\n"


@typed_arguments
def load_requirements(path: str | PathLike[str]) -> Requirements:
    """Read a file of requirements.

    Raises:
        UsageError: it does not exist, or does not hold requirements; the message has file and line.
        StorageError: it cannot be read.
    """
    name = str(path)
    return validate(load_document(document_bytes(name, "requirements"), name=name), Requirements)
