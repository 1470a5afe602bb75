"""The grammar of a recipe's single values."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from m2build.documents.shown import shown


def normal_path(value: str) -> str:
    """The path, unless a part of it is `.` or `..`.

    Raises:
        ValueError: one is.
    """
    if {".", ".."} & set(value.split("/")):
        kind = "absolute " if value.startswith("/") else ""
        raise ValueError(f"{shown(value)} is not a normalised {kind}path")
    return value


Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$", max_length=80)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$", max_length=1000)]
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00\r\n]+$")]
AbsolutePath = Annotated[
    str, StringConstraints(pattern=r"^(/[^/\x00\r\n]+)+$", max_length=4000), AfterValidator(normal_path)
]
RelativePath = Annotated[
    str, StringConstraints(pattern=r"^[^/\x00\r\n]+(/[^/\x00\r\n]+)*$", max_length=4000), AfterValidator(normal_path)
]
Repository = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]+$", max_length=200)]
UrlPath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/?=&%+:@-]*$", max_length=1000)]


def is_path(reference: str) -> bool:
    """Whether a recipe or a series is named by its path, and not as one that comes with m2build."""
    return bool(re.search(r"/|\.ya?ml$", reference))


class Frozen(BaseModel):
    """A value that takes no keys but its own."""

    # A misplaced value may be a password, and must not show in a traceback.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)
