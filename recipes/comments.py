"""What the people who wrote a recipe say of its flags: the comments above them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from m2build.documents.placed import Document, Position
from m2build.recipes.load import recipe_bytes, recipe_document, recipe_names

_COMMENT = re.compile(r"\s*#\s?(.*)")


def flag_comments(name: str, profile: str) -> Mapping[str, str]:
    """The comments right above the flags of a profile, by flag, each on one line; also from what the recipe extends.

    >>> flag_comments("minimax-m2", "tp8")["ep-size"].partition(",")[0]
    'Without it each rank gets 1536 / 8 = 192 columns of an expert'

    Args:
        name: a recipe that can be loaded, by its name or its path.
        profile: one of its profiles.

    Raises:
        UsageError: the recipe does not exist any more.
        StorageError: it cannot be read.
    """
    found = dict(recipe_document(name).along(("profiles", profile, "flags")))
    flags = found.get("flags")
    if flags is None or not isinstance(flags.value, dict):
        return {}
    texts: dict[str, list[str]] = {}
    comments = {}
    for flag, value in flags.value.items():
        source = value.position.source
        if source not in texts:
            texts[source] = _lines(name, source)
        if comment := _above(texts[source], flag, value):
            comments[flag] = comment
    return comments


def _lines(name: str, source: str) -> list[str]:
    """The lines of a file that a recipe consists of; a shipped one is called after its name."""
    shipped = source.removesuffix(".yaml")
    is_shipped = source != name and shipped in recipe_names()
    return recipe_bytes(shipped if is_shipped else source).decode().splitlines()


def _above(lines: list[str], flag: str, value: Document) -> str:
    at = _index(lines, flag, value.position)
    words: list[str] = []
    while at and (match := _COMMENT.fullmatch(lines[at - 1])):
        words.insert(0, match[1].strip())
        at -= 1
    return " ".join(words)


def _index(lines: list[str], flag: str, position: Position) -> int:
    """Where a flag's line is; 0, above which nothing stands, if the file has something else there."""
    at = position.line - 1
    return at if 0 < at < len(lines) and lines[at].lstrip(" '\"").startswith(flag) else 0
