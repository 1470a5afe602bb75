"""Everything that a name in a registry means: one manifest, or an index with all its manifests."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from m2build.errors import ContentError, TransportError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Blobs
from m2build.oci.manifest import Document
from m2build.registry.client import Client
from m2build.registry.manifests import fetch_named
from m2build.registry.parallel import PARALLEL, in_parallel
from m2build.registry.pull import RegistryBlobs

_MOST = 500
"""Manifests in an index and in the indexes that it names; official images have some ten platforms."""


@dataclass(frozen=True)
class Whole:
    """What a name in a registry means.

    Attributes:
        documents: the manifests; each before the index that names it, and at the end what the name itself means.
        everything: where the bytes of configs and layers are; they are fetched when they are read.
    """

    documents: tuple[Document, ...]
    everything: Blobs


def read_whole(client: Client, name: str) -> Whole:
    """What a tag or a digest names, with everything in it, attestations included.

    Raises:
        TransportError: the registry does not have a part of it, or fails.
        ContentError: a manifest is altered or malformed, or there are too many.
    """
    found: dict[Digest, Document] = {}
    level = [fetch_named(client, name)]
    while level:
        for document in level:
            found.pop(document.digest, None)  # it comes before the deeper index that names it, too
            found[document.digest] = document
        entries = {entry.digest: entry for document in level for entry in document.entries}
        if len(found) + len(entries) > _MOST:
            raise ContentError(f"{client.name}: the index names more than {_MOST} manifests")
        level = _fetched(client, list(entries.values()))
    return Whole(tuple(reversed(found.values())), RegistryBlobs(client))


def _fetched(client: Client, entries: Sequence[Descriptor]) -> list[Document]:
    jobs = [partial(fetch_named, client, str(entry.digest), entry.media_type) for entry in entries]
    try:
        return in_parallel(lambda job: job(), jobs, threads=PARALLEL, stop=threading.Event())
    except TransportError as error:
        if not error.is_missing:
            raise
        raise TransportError(
            f"the index names a manifest that is missing: {error.message}",
            hint="--platform OS/ARCH takes one image of it",
            is_missing=True,
        ) from error
