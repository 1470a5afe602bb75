"""Which labels of the base a derived image keeps, key by key, and which labels m2build sets.

The keys are those of the OCI image specification's annotations.md and of its forerunner, label-schema.org. A label that
describes the base *image* (its title, version, address, author) would be a lie about the result and is dropped; one
that describes *contents* which the result still holds is kept; an unknown label is the base's own business and is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")

OCI = "org.opencontainers.image."
OWN = "dev.m2build."
PROFILE = f"{OWN}profile"
SOURCE_ROOT = f"{OWN}source-root"
"""Where the sources are; of several folders, each has a label with a full stop and its name after that."""
BASE_CONFIG = f"{OWN}base.config"
BASE_CHAIN_ID = f"{OWN}base.chain-id"
"""The chain id of the base's layers: with it, an image's config alone shows where its base ends."""

STAND_IN = f"{OWN}base.stand-in"
"""What the sources of a base came from that is not a real image."""

NO_INIT = "none: run it with an init, as docker run --init"
"""What the label of the init says of an image whose server is process 1; of others it names the init."""
PREIMAGE = f"{OWN}preimage"
"""How it is known what the base has where files change."""

DROPPED: Mapping[str, str] = {
    f"{OCI}created": "when the base was built; the result has its own",
    f"{OCI}authors": "who answers for the base; they do not answer for the result",
    f"{OCI}url": "where to find out about the base image",
    f"{OCI}documentation": "how to use the base image; the result starts a server instead",
    f"{OCI}source": "the sources that build the base image",
    f"{OCI}version": "the version of the base (an Ubuntu base leaves its own there)",
    f"{OCI}revision": "the commit that the base was built from",
    f"{OCI}vendor": "who distributes the base",
    f"{OCI}ref.name": "what the base is called in its layout",
    f"{OCI}title": "what the base is called",
    f"{OCI}description": "what the base is",
    f"{OCI}base.name": "the base's own base; ours is the base itself",
    f"{OCI}base.digest": "the base's own base; ours is the base itself",
    "maintainer": "who answers for the base",
    "com.amazon.soci.index-digest": "the SOCI index of the base, which does not know the result's own layer",
    **{
        f"org.label-schema.{key}": "the same in the forerunner's words"
        for key in ("build-date", "name", "description", "usage", "url", "vcs-url", "vcs-ref", "vendor", "version")
    },
}
"""Key -> why the base's value is not true of the result."""

KEPT: Mapping[str, str] = {
    f"{OCI}licenses": "the licences of the contents, all of which the result still holds",
}
"""Keys of the two vocabularies whose base value stays true; what is in neither table is kept as well."""


CLAIMED: Mapping[str, str] = {
    f"{OCI}created": "SOURCE_DATE_EPOCH sets it",
    f"{OCI}title": "it is the model's title and the profile's id",
    f"{OCI}description": "it is the recipe's summary",
    f"{OCI}version": "it is the release found in the base's sources",
    f"{OCI}base.name": "it is where the base was found",
    f"{OCI}base.digest": "it is what the base was pinned to",
}
"""Keys that m2build sets on each image, as label and annotation -> where their values come from. A recipe cannot set
them: what an auditor reads there was found or derived, and never typed."""


def claimed(key: str) -> str | None:
    """Why a recipe cannot set a label or an annotation of this name; None if it can.

    >>> claimed("com.example.team"), claimed("dev.m2build.series")
    (None, 'm2build itself sets it, for auditors to rely on')
    """
    if key.startswith(OWN):
        return "m2build itself sets it, for auditors to rely on"
    return f"m2build itself sets it: {CLAIMED[key]}" if key in CLAIMED else None


def is_withdrawn(key: str) -> bool:
    """Whether the base's label of this name is not true of the result."""
    return key in DROPPED or key.startswith(OWN)


def derived_labels(base: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The labels of the result: the base's that stay true, then ours; sorted by key."""
    kept = {key: value for key, value in base.items() if not is_withdrawn(key)}
    return dict(sorted((kept | dict(own)).items()))


def without_preimage(labels: Mapping[str, Value]) -> dict[str, Value]:
    """Labels without the one that tells how the build knew the base: it says nothing of the image."""
    return {key: value for key, value in labels.items() if key != PREIMAGE}
