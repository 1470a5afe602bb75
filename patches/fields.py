"""What the models of series have in common: a base class, and the kinds of text in them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
Id = Annotated[str, StringConstraints(pattern=ID, max_length=80)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$", max_length=1000)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")]
Dotted = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*$", max_length=400)]


class Frozen(BaseModel):
    """A model that takes no unknown keys, converts no values and does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
