"""Platforms, `os/architecture[/variant]`: which images serve which wish, and which of them serves it best.

The rules are those of containerd's platforms package: names that mean the same are one, an architecture without a
variant means its base variant, and a machine of one variant runs the images of the lower ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_ARCHITECTURES = {
    "x86_64": "amd64", "x86-64": "amd64", "i386": "386", "aarch64": "arm64", "armhf": "arm/v7", "armel": "arm/v6",
}  # fmt: skip
_BASE_VARIANTS = {"amd64": (1, 0), "arm64": (8, 0), "arm": (7, 0)}
"""What an architecture means that names no variant."""

PLATFORM = "[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?"
"""How a platform is written: a regular expression."""

UNKNOWN = "unknown/unknown"
"""What BuildKit gives entries of an index that are no images, but tell of one."""


def platform_text(document: Mapping[str, object]) -> str:
    """The platform that a config or a descriptor names; empty where it names none.

    >>> platform_text({"os": "linux", "architecture": "arm64", "variant": "v8"})
    'linux/arm64/v8'
    """
    return "/".join(str(document[key]) for key in ("os", "architecture", "variant") if document.get(key))


def preference(found: str, wanted: str) -> tuple[int, ...] | None:
    """How well an image for one platform serves a wish for another: the lowest is best; None if it does not.

    A wish for a variant is served by it, and by lower ones, the highest first. A wish without a variant is served by
    the base variant, else by a lower one, else by whatever there is.

    >>> [preference(found, "linux/amd64") for found in ("linux/amd64", "linux/amd64/v3", "linux/arm64")]
    [(0, 0), (2, 3, 0), None]
    """
    system, architecture, variant = _parts(found)
    wanted_system, wanted_architecture, wanted_variant = _parts(wanted)
    if (system, architecture) != (wanted_system, wanted_architecture):
        return None
    base = _BASE_VARIANTS.get(architecture)
    have, need = _number(variant, base), _number(wanted_variant, base)
    if variant == wanted_variant or (have is not None and have == need):
        return (0, 0)
    if have is not None and need is not None and have < need:
        return (1, *(-number for number in have))
    return (2, *(have or ())) if not wanted_variant else None


def fits(found: str, wanted: str) -> bool:
    """Whether an image whose config says that it is for one platform serves a wish for another.

    Older configs have no variant at all; what an index says of them is all that is known then.
    """
    says_no_variant = found.count("/") == 1
    return preference(found, wanted) is not None or (says_no_variant and _parts(found)[:2] == _parts(wanted)[:2])


def _parts(platform: str) -> tuple[str, str, str]:
    system, _, rest = platform.lower().partition("/")
    architecture, _, variant = rest.partition("/")
    named, _, implied = _ARCHITECTURES.get(architecture, architecture).partition("/")
    return system, named, variant or implied


def _number(variant: str, base: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """A variant that can be compared; `v8.0` is `v8`."""
    if not variant:
        return base
    match = re.fullmatch(r"v?(\d{1,4})(?:\.(\d{1,4}))?", variant)
    if not match:
        return None
    return int(match[1]), int(match[2] or 0)
