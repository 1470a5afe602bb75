"""Platforms, `os/architecture[/variant]`: which images fit a requested one, and which fits best.

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
"""The variant of an architecture that names none."""

PLATFORM = "[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?"
"""How a platform is written: a regular expression."""

UNKNOWN = "unknown/unknown"
"""The platform of index entries that are not images, such as BuildKit's attestations."""


def platform_text(document: Mapping[str, object]) -> str:
    """The platform that a config or a descriptor names; empty where it names none.

    >>> platform_text({"os": "linux", "architecture": "arm64", "variant": "v8"})
    'linux/arm64/v8'
    """
    return "/".join(str(document[key]) for key in ("os", "architecture", "variant") if document.get(key))


def preference(found: str, wanted: str) -> tuple[int, ...] | None:
    """How well an image for one platform fits the wanted one: the lowest is best; None if it does not fit.

    A wanted variant is matched by itself, then by lower ones, the highest first. Without a wanted variant the base
    variant matches, then a lower one, then any other.

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
    """Whether an image whose config names one platform can be used for the wanted one.

    Older configs have no variant; then only the index that lists the image knows it.
    """
    says_no_variant = found.count("/") == 1
    return preference(found, wanted) is not None or (says_no_variant and _parts(found)[:2] == _parts(wanted)[:2])


def _parts(platform: str) -> tuple[str, str, str]:
    system, _, rest = platform.lower().partition("/")
    architecture, _, variant = rest.partition("/")
    named, _, implied = _ARCHITECTURES.get(architecture, architecture).partition("/")
    return system, named, variant or implied


def _number(variant: str, base: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """A variant as numbers that can be compared; `v8.0` is `v8`."""
    if not variant:
        return base
    match = re.fullmatch(r"v?(\d{1,4})(?:\.(\d{1,4}))?", variant)
    if not match:
        return None
    return int(match[1]), int(match[2] or 0)
