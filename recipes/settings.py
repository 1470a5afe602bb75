"""What a recipe sets in the image's config beside the command: variables, labels, the working directory, the user.

The bounds are those of a Dockerfile, the narrower of the two ways to an image: it cannot write a line break.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_serializer,
)

from m2build.documents.validation import misplaced
from m2build.labels import claimed
from m2build.recipes.credentials import credential
from m2build.recipes.values import Frozen, normal_path

_MOST = 100
"""Variables, labels or annotations of one part of a recipe."""
_SAFE_WAYS = "give it to the container when it starts, with --env-file or as a mounted file"
_CODE = frozenset({
    "BASH_ENV", "GCONV_PATH", "LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD", "PATH", "PYTHONBREAKPOINT", "PYTHONHOME",
    "PYTHONPATH", "PYTHONPLATLIBDIR", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONWARNINGS",
})  # fmt: skip
"""Variables that decide which code runs, whatever the image's files are (ld.so(8), Python's and bash's manuals)."""

_LINE = r"^[^\x00-\x08\x0a-\x1f\x7f-\x9f]*$"
_LONGEST = 4000


def _whole_number_as_text(value: object) -> object:
    return str(value) if type(value) is int else value


def _texts(pattern: str, longest: int) -> JsonValue:
    return [{"type": "string", "pattern": pattern, "maxLength": longest}, {"type": "integer"}]


Text = Annotated[str, StringConstraints(pattern=_LINE, max_length=_LONGEST)]
"""Text on one line; a tab is text."""
Value = Annotated[Text, BeforeValidator(_whole_number_as_text), WithJsonSchema({"anyOf": _texts(_LINE, _LONGEST)})]
"""The value of a variable, which is always a text; a whole number has one spelling as text, a fraction several."""
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
"""A name that every shell knows (POSIX, Base Definitions, 3.216 Name)."""
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$", max_length=200)]
"""Reverse domain names, as Docker and the OCI image specification ask for, and Kubernetes' `example.com/name`."""
Folder = Annotated[
    str, StringConstraints(pattern=r"^(/|(/[^/\x00-\x1f\x7f-\x9f]+)+)$", max_length=4000), AfterValidator(normal_path)
]
_PERSON = r"(0|[1-9][0-9]{0,9}|[A-Za-z_][A-Za-z0-9_.-]{0,31})"
"""A number, or a name as useradd(8) takes it."""
_LARGEST_ID = 2**31 - 1
"""Of a user or a group in Docker (moby/sys, user/user.go, maxID)."""


def _possible_user(value: str) -> str:
    for part in value.split(":"):
        if part.isdigit() and int(part) > _LARGEST_ID:
            raise ValueError(f"{part} is larger than {_LARGEST_ID}, the largest number of a user or a group")
    return value


_USER = rf"^{_PERSON}(:{_PERSON})?$"
User = Annotated[
    str,
    StringConstraints(pattern=_USER, max_length=70),
    AfterValidator(_possible_user),
    BeforeValidator(_whole_number_as_text),
    WithJsonSchema({"anyOf": _texts(_USER, 70)}),
]

Texts = Annotated[dict[Key, Text], Field(max_length=_MOST)]


class Settings(Frozen):
    """What a recipe, a model or a profile sets in the image's config.

    Where several set the same, a profile's value counts before a model's, and that before the recipe's.
    """

    env: Annotated[dict[Variable, Value], Field(max_length=_MOST)] = Field(
        default={}, description="Environment variables of the server. No credentials: an image keeps no secret."
    )
    labels: Texts = Field(default={}, description="Labels of the image's config.")
    annotations: Texts = Field(default={}, description="Annotations of the image's manifest, where it has any.")
    workdir: Folder | None = Field(default=None, description="Where the server starts; the base's folder if not given.")
    user: User | None = Field(
        default=None, description="USER[:GROUP] that the server runs as, by names or numbers; the base's if not given."
    )

    @field_validator("env", "labels", "annotations")
    @classmethod
    def _holds_no_credential(cls, values: dict[str, str]) -> dict[str, str]:
        for name, value in values.items():
            if reason := credential(name, value):
                problem = f"looks like a credential, as {reason}; everyone who can pull the image could read it"
                raise misplaced(f"{problem}: {_SAFE_WAYS}", name)
        return values

    @field_validator("labels", "annotations")
    @classmethod
    def _claims_nothing_of_ours(cls, values: dict[str, str]) -> dict[str, str]:
        for key in values:
            if reason := claimed(key):
                raise misplaced(reason, key)
        return values

    @model_serializer(mode="wrap")
    def _given_ones_last(self, serialize: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        """The other keys of a recipe, a model or a profile first; an optional one that is not set is left out."""
        document: dict[str, JsonValue] = serialize(self)
        own = {name: document.pop(name) for name in Settings.model_fields}
        required = {name for name, key in type(self).model_fields.items() if key.is_required()}
        return {name: value for name, value in (document | own).items() if value or name in required}

    def over(self, below: Settings) -> Settings:
        """These settings where they are given, and else those below.

        >>> Settings(env={"A": "1"}).over(Settings(env={"A": "0", "B": "2"}, user="app")).model_dump()
        {'env': {'A': '1', 'B': '2'}, 'user': 'app'}
        """
        return Settings.model_construct(
            env={**below.env, **self.env},
            labels={**below.labels, **self.labels},
            annotations={**below.annotations, **self.annotations},
            workdir=self.workdir or below.workdir,
            user=self.user or below.user,
        )

    @property
    def changes_code(self) -> tuple[str, ...]:
        """The variables among these that decide which code runs, whatever the image's files are."""
        return tuple(name for name in self.env if name in _CODE)


def with_variables(environment: list[str], variables: Mapping[str, str]) -> list[str]:
    """An image's `Env` with variables set, as a Dockerfile's ENV does it: in place, or at the end.

    >>> with_variables(["PATH=/bin", "A=1"], {"A": "2", "B": ""})
    ['PATH=/bin', 'A=2', 'B=']
    """
    left = {name: f"{name}={value}" for name, value in variables.items()}
    changed = [left.pop(entry.partition("=")[0], entry) for entry in environment]
    return [*changed, *left.values()]
