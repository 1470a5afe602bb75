"""Images as values: a manifest, a config and a way to the layers' bytes. The base and the result are of one type."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeVar

from m2build.errors import ContentError
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.hashing import RunningHash
from m2build.oci.manifest import Manifest
from m2build.oci.strict_json import LARGEST_DOCUMENT

_FETCHES = 3
"""How often a blob is fetched before its source is called damaged."""

Result = TypeVar("Result")


class Blobs(Protocol):
    """Where the bytes behind descriptors are."""

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of the blob's bytes as stored, not yet checked; its `name`, if it has one, is for messages.

        With an `is_fetched` that is true it comes over a network, and is worth another try if it is altered.

        Raises:
            ContentError: the blob is not there.
        """


@dataclass(frozen=True)
class Image:
    """One image.

    Attributes:
        manifest: its manifest.
        config: its config.
        blobs: where its layers' bytes are.
        has_own_digests: whether the layers' digests are the image's own, and not made up from the bytes at hand.
        absent: of a *thin* image, the layers that stay where they are: a layout or an archive of it leaves them out.
    """

    manifest: Manifest
    config: ImageConfig
    blobs: Blobs
    has_own_digests: bool = True
    absent: frozenset[Digest] = frozenset()

    @property
    def everything(self) -> Blobs:
        """Where the bytes of the manifest, the config and the layers are."""
        return MemoryBlobs(
            {self.manifest.digest: self.manifest.raw, Digest.of(self.config.raw): self.config.raw}, self.blobs
        )


@dataclass(frozen=True)
class MemoryBlobs:
    """Blobs at hand, above others that are elsewhere."""

    at_hand: Mapping[Digest, bytes]
    below: Blobs | None = None

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A stream of the blob's bytes."""
        data = self.at_hand.get(descriptor.digest)
        if data is not None:
            return io.BytesIO(data)
        if self.below is None:
            raise ContentError(f"the blob {descriptor.digest} is not there")
        return self.below.open(descriptor)


class VerifiedReader(io.RawIOBase):
    """A stream that is checked once it has been read to its end; what is not drained is not checked.

    Attributes:
        location: where its bytes are, for messages: ` in FILE`, or nothing.
        is_fetched: whether they come over a network, and may come whole if they are fetched again.
        count: how many bytes have been read.
    """

    def __init__(
        self, stream: BinaryIO, digest: Digest | None, size: int | None = None, *, largest: int | None = None
    ) -> None:
        """Wrap a stream of bytes whose digest or size are known, or at least what it may come to."""
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
        """It is."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read on.

        Raises:
            ContentError: there are more bytes than there should be, or this is the end and something does not match.
        """
        data = self._stream.read(size)
        self.count += len(data)
        if data and self._hash:
            self._hash.update(data)
        if self._size is not None and self.count > self._size:
            raise ContentError(f"the blob {self._digest}{self.location} is longer than its {self._size} bytes")
        if self._largest is not None and self.count > self._largest:
            raise ContentError(f"it comes to more than {self._largest / 1e9:.0f} GB, which cannot be right")
        if size < 0 or (size > 0 and not data):
            self._check()
        return data

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # bytes alone cannot be written to
        """Read on, into a buffer, as code in C asks for it."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def drain(self) -> None:
        """Read what is left, so that everything is checked."""
        while self.read(1 << 20):
            pass

    def close(self) -> None:
        """Close the stream below as well."""
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


def open_blob(blobs: Blobs, descriptor: Descriptor) -> VerifiedReader:
    """A checked stream of a blob's bytes as stored.

    Raises:
        ContentError: the blob is not there.
    """
    return VerifiedReader(blobs.open(descriptor), descriptor.digest, descriptor.size)


def fetched_again(job: Callable[[], Result]) -> Result:
    """What a job comes to that reads blobs to their ends; it is done again if one was altered over a network."""
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
        ContentError: it is not there, larger than any such document, truncated or altered.
    """
    if descriptor.size > LARGEST_DOCUMENT:
        raise ContentError(f"the blob {descriptor.digest} is larger than {LARGEST_DOCUMENT} bytes")
    return fetched_again(lambda: _whole(blobs, descriptor))


def _whole(blobs: Blobs, descriptor: Descriptor) -> bytes:
    with open_blob(blobs, descriptor) as reader:
        return reader.read()
