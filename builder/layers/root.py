"""Where sources are in an image, as a recipe says it. Recipes need this alone, and nothing that reads layers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Root:
    """A folder of sources that is to be read.

    Attributes:
        path: where it is, relative to the image's root; None if its marker says.
        key: the recipe's key of its path, for messages.
        marker: a file in it, relative to it.
    """

    path: str | None
    key: str
    marker: str | None = None
