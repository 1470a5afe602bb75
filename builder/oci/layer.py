"""A layer's tar, decompressed and checked before and after."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from isal.igzip import BadGzipFile, IGzipFile
from isal.igzip_lib import IsalError

from m2build.errors import ContentError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest
from m2build.oci.image import Image, VerifiedReader, open_blob

_ALWAYS = 4 << 30
_RATIO = 100
_LARGE = 32 << 20
"""Bytes from which a layer is held to one digest and not to two."""
_PIECE = 1 << 17


@contextmanager
def open_layer(image: Image, layer: Descriptor, diff_id: Digest | None) -> Iterator[BinaryIO]:
    """The uncompressed bytes of a layer: gzip, zstd or plain, by its first bytes.

    Its media type is ignored, as docker, podman, crane and skopeo ignore it: some tools write a wrong one.

    When the block ends without an error, the layer has been read to its end, its stored bytes match its digest, and
    its uncompressed bytes match the diff_id, if one is given.

    Raises:
        ContentError: it is missing, truncated, altered or cannot be decompressed; the message names the layer.
    """
    with (
        open_blob(image.blobs, layer) as stored,
        _blaming_the_network(layer, stored),
        VerifiedReader(decompressed(io.BufferedReader(stored, _PIECE)), diff_id, largest=most_bytes(layer)) as reader,
    ):
        yield cast("BinaryIO", reader)
        reader.drain()
        stored.drain()


def most_bytes(layer: Descriptor) -> int:
    """The most uncompressed bytes of a layer; more is a decompression bomb. Real layers grow some ten times."""
    return _ALWAYS + _RATIO * layer.size


def claim_of(image: Image, layer: Descriptor, diff_id: Digest) -> Digest | None:
    """The diff_id to check a layer against; None for a large layer of known digest.

    The digest covers every byte already. The diff_id covers the same bytes again, and engines check it when they unpack
    the image; hashing a base of 75 GB twice would take a minute.
    """
    if layer.digest == diff_id or (image.has_own_digests and layer.size >= _LARGE):
        return None
    return diff_id


MAGIC = 10
"""How many of a layer's first bytes tell its compression."""
_FOREIGN = re.compile(rb"(?P<bzip2>BZh[1-9]1AY&SY)|(?P<xz>\xfd7zXZ\0)")


def compression_of(start: bytes) -> str:
    """A layer's compression by its first bytes (RFC 1952, RFC 8878): `gzip`, `zstd`, or empty for none.

    Raises:
        ContentError: it is one that images may not have; `docker load` and `podman load` undo it.
    """
    if foreign := _FOREIGN.match(start):
        raise ContentError(
            f"it is compressed with {foreign.lastgroup}, which the layers of images may not be",
            hint="`docker load` undoes that: load the archive, and name the image after docker-daemon:",
        )
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    is_skippable = start[1:4] == b"\x2a\x4d\x18" and start[0] >> 4 == 5
    return "zstd" if is_skippable or start.startswith(b"\x28\xb5\x2f\xfd") else ""


def decompressed(stream: io.BufferedReader) -> BinaryIO:
    """The uncompressed bytes of a stream: gzip, zstd or plain, by its first bytes."""
    compression = compression_of(stream.peek(MAGIC)[:MAGIC])
    if compression == "gzip":
        # Layers are gigabytes; ISA-L inflates them in less than half of zlib's time, and checks as much.
        return cast("BinaryIO", IGzipFile(fileobj=stream, mode="rb"))  # type: ignore[no-untyped-call]  # it has no types
    if compression == "zstd":
        import zstandard

        return cast("BinaryIO", zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True))
    return stream


@contextmanager
def _blaming_the_network(layer: Descriptor, stored: VerifiedReader) -> Iterator[None]:
    """If decompression fails, report stored bytes that were altered over a network instead of a damaged layer."""
    try:
        with named(layer, stored.location):
            yield
    except ContentError:
        if stored.is_fetched:
            stored.drain()
        raise


@contextmanager
def named(layer: Descriptor, location: str) -> Iterator[None]:
    """Name the layer in errors about its content.

    Args:
        layer: the layer.
        location: ` in FILE`, or nothing.
    """
    called = f"the layer {layer.digest}{location}"
    try:
        yield
    except (IsalError, BadGzipFile, EOFError) as error:  # type: ignore[misc]  # the stub says it is an instance
        raise ContentError(f"{called} cannot be decompressed: {error}") from error
    except ContentError as error:
        if str(layer.digest) in str(error):
            raise
        raise ContentError(f"{called}: {error}", hint=error.hint, may_pass=error.may_pass) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "zstandard":
            raise
        raise ContentError(f"{called} cannot be decompressed: {error}") from error
