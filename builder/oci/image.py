"""Images as values: a manifest, a config, and where to read the layers. Bases and results have the same type."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, TypeVar

from m2build.errors import ContentError
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.hashing import RunningHash
from m2build.oci.manifest import Document, Manifest
from m2build.oci.strict_json import LARGEST_DOCUMENT

_FETCHES = 3
"""How often a blob is fetched before it is reported as damaged."""

Result = TypeVar("Result")


class Blobs(Protocol):
    """Where the bytes behind descriptors are."""

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of the blob's bytes as stored, unchecked; its `name`, if any, is for messages.

        If its `is_fetched` is true it comes over a network, and is fetched again if it is altered. If its
        `is_kept` is true it is also written to a file on the way, and will not be fetched again. If it has a method
        `vouch`, that is called once all its bytes have been read and are what they should be. If it has a method
        `part`, that is a stream of the bytes from one offset up to another, or None if only all can be had.

        Raises:
            ContentError: the blob is not there.
        """


class Content(Protocol):
    """What can be published: an image, or several with what lies beside them."""

    @property
    def documents(self) -> Sequence[Document]:
        """The manifests; each before the index that names it, and at the end the one that gets the tag."""

    @property
    def everything(self) -> Blobs:
        """Where the bytes of what they name are."""


@dataclass(frozen=True)
class Reading:
    """How the layers of an image are read.

    Attributes:
        by_table: whether a layer's own table of contents is believed, if its manifest has the table's digest. If not,
            every layer is read to its end.
        bound: the most bytes to fetch over a network; None where the layers are not fetched.
    """

    by_table: bool = False
    bound: float | None = None


@dataclass(frozen=True)
class Image:
    """One image.

    Attributes:
        manifest: its manifest.
        config: its config.
        blobs: where its layers' bytes are.
        has_own_digests: whether the image names its layers' digests; false if they were computed when it was read.
        absent: the layers that a layout or an archive of a *thin* image leaves out.
        reading: how its layers are read.
    """

    manifest: Manifest
    config: ImageConfig
    blobs: Blobs = field(repr=False, compare=False)
    has_own_digests: bool = True
    absent: frozenset[Digest] = frozenset()
    reading: Reading = Reading()

    @property
    def documents(self) -> tuple[Document]:
        """The manifest alone."""
        return (self.manifest.document,)

    @property
    def everything(self) -> Blobs:
        """Where the bytes of the manifest, the config and the layers are."""
        return MemoryBlobs(
            {self.manifest.digest: self.manifest.raw, Digest.of(self.config.raw): self.config.raw}, self.blobs
        )


@dataclass(frozen=True)
class MemoryBlobs:
    """Blobs in memory, and others elsewhere."""

    at_hand: Mapping[Digest, bytes]
    below: Blobs | None = None

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of the blob's bytes."""
        data = self.at_hand.get(descriptor.digest)
        if data is not None:
            return io.BytesIO(data)
        if self.below is None:
            raise ContentError(f"the blob {descriptor.digest} is missing")
        return self.below.open(descriptor)


class VerifiedReader(io.RawIOBase):
    """A stream that is checked when it has been read to its end, and only then.

    Attributes:
        location: where its bytes are, for messages: ` in FILE`, or nothing.
        is_fetched: whether they come over a network, so that it may help to fetch them again.
        count: how many bytes have been read.
    """

    def __init__(
        self, stream: BinaryIO, digest: Digest | None, size: int | None = None, *, largest: int | None = None
    ) -> None:
        """Wrap a stream whose digest or size is known, or the most bytes that it may have."""
        self._stream = stream
        self._digest = digest
        self._size = size
        self._largest = largest
        self._hash = RunningHash(digest.algorithm) if digest else None
        name = getattr(stream, "name", None)
        self.location = f" in {name}" if name else ""
        self.is_fetched = bool(getattr(stream, "is_fetched", False))
        self.count = 0

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read the next bytes.

        Raises:
            ContentError: there are too many bytes, or at the end the size or the digest is wrong.
        """
        data = self._stream.read(size)
        self.count += len(data)
        if data and self._hash:
            self._hash.update(data)
        if self._size is not None and self.count > self._size:
            raise ContentError(f"the blob {self._digest}{self.location} is longer than its {self._size} bytes")
        if self._largest is not None and self.count > self._largest:
            raise ContentError(
                f"it decompresses to more than {self._largest / 1e9:.0f} GB: refused as a decompression bomb"
            )
        if size < 0 or (size > 0 and not data):
            self._check()
        return data

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # bytes alone cannot be written to
        """Read the next bytes into a buffer, as code in C needs it."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def drain(self) -> None:
        """Read to the end, so that all bytes are checked."""
        while self.read(1 << 20):
            pass

    def close(self) -> None:
        """Close this and the wrapped stream."""
        if self._hash:
            self._hash.close()
        self._stream.close()
        super().close()

    def _check(self) -> None:
        if self._size is not None and self.count < self._size:
            raise ContentError(
                f"the blob {self._digest}{self.location} is truncated: it has {self.count} of {self._size} bytes",
                may_pass=self.is_fetched,
            )
        found = self._hash.hexdigest() if self._hash else None
        if self._digest and found != self._digest.hex:
            raise ContentError(
                f"the blob {self._digest}{self.location} is altered: its digest is {found}", may_pass=self.is_fetched
            )
        if self._digest and hasattr(self._stream, "vouch"):
            self._stream.vouch()


def open_blob(blobs: Blobs, descriptor: Descriptor) -> VerifiedReader:
    """A checked stream of a blob's bytes as stored.

    Raises:
        ContentError: the blob is not there.
    """
    return VerifiedReader(blobs.open(descriptor), descriptor.digest, descriptor.size)


def fetched_again(job: Callable[[], Result]) -> Result:
    """Run a job that reads blobs to their ends; run it again if a fetched blob was altered."""
    for _ in range(_FETCHES - 1):
        try:
            return job()
        except ContentError as error:
            if not error.may_pass:
                raise
    return job()


def read_blob(blobs: Blobs, descriptor: Descriptor) -> bytes:
    """A manifest or a config, checked.

    Raises:
        ContentError: it is missing, too large, truncated or altered.
    """
    if descriptor.size > LARGEST_DOCUMENT:
        raise ContentError(
            f"the blob {descriptor.digest} is larger than {LARGEST_DOCUMENT} bytes, the limit for manifests and configs"
        )
    return fetched_again(lambda: _whole(blobs, descriptor))


def _whole(blobs: Blobs, descriptor: Descriptor) -> bytes:
    with open_blob(blobs, descriptor) as reader:
        return reader.read()
