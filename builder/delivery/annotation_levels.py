"""Annotations as buildx spells them, `[LEVEL[,LEVEL…]:]KEY=VALUE`: which of them an image's own manifest gets."""

from __future__ import annotations

import re

from m2build.documents.arguments import typed_arguments
from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError

_PREFIX = re.compile(r"([a-z-]+(?:\[[^\]]*\])?(?:,[a-z-]+(?:\[[^\]]*\])?)*):(.*)", re.DOTALL)
"""What buildx reads as levels (util/buildflags/export.go); keys that begin so need a level before them there, too."""
_ELSEWHERE = {
    "index": "an image has no index of its own",
    "manifest-descriptor": "it belongs to the index that lists the image",
    "index-descriptor": "an image has no index of its own",
}
"""Levels of buildx that a single manifest does not have -> why."""
LEVELS = ("manifest", *_ELSEWHERE)
"""All levels of buildx."""


@typed_arguments
def split_levels(key: str) -> tuple[list[str], str]:
    """The levels before a key, and the key.

    >>> split_levels("manifest,index:com.example.team"), split_levels("com.example.team")
    ((['manifest', 'index'], 'com.example.team'), ([], 'com.example.team'))
    """
    found = _PREFIX.fullmatch(key)
    return (found[1].split(","), found[2]) if found else ([], key)


@typed_arguments
def check_level(key: str, level: str) -> None:
    """Check that a level is that of the image's manifest.

    Raises:
        UsageError: it is another one, or none of buildx's.
    """
    if level == "manifest":
        return
    kind, bracket, _ = level.partition("[")
    reason = "an image has one platform, which --platform chooses" if bracket else _ELSEWHERE.get(kind)
    if reason is None:
        raise UsageError(
            f"--annotation {key!r}: there is no level {did_you_mean(kind, LEVELS)}",
            hint="as in --annotation manifest:KEY=VALUE",
        )
    raise UsageError(
        f"--annotation {key!r}: the level {level} cannot be annotated here: {reason}",
        hint="leave the level out: the annotation goes to the image's manifest",
    )
