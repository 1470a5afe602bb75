"""Descriptors (OCI image specification, descriptor.md): a media type, a digest and a size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from m2build.errors import ContentError
from m2build.oci.digest import Digest
from m2build.oci.platforms import platform_text

JsonObject = dict[str, object]


def object_in(document: Mapping[str, object], key: str) -> JsonObject:
    """The object under a key of a document; empty if it is missing or null, which Go reads alike."""
    found = document.get(key)
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Descriptor:
    """The entry for one blob in a manifest or an index.

    Attributes:
        media_type: what the bytes are.
        digest: of the bytes as stored.
        size: of the bytes as stored.
        more: all other members, unchanged.
    """

    media_type: str
    digest: Digest
    size: int
    more: Mapping[str, object] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, media_type: str, data: bytes) -> Descriptor:
        """The descriptor of some bytes."""
        return cls(media_type, Digest.of(data), len(data))

    @classmethod
    def parse(cls, value: object) -> Descriptor:
        """Read a descriptor.

        Raises:
            ContentError: a member is missing or of the wrong type.
        """
        if not isinstance(value, dict):
            raise ContentError(f"{value!r} is not a descriptor")
        media_type, size = value.get("mediaType", ""), value.get("size")
        if not isinstance(media_type, str) or type(size) is not int or size < 0:
            raise ContentError(f"the descriptor of {value.get('digest')} has no media type or no size")
        more = {key: item for key, item in value.items() if key not in ("mediaType", "digest", "size")}
        return cls(media_type, Digest.parse(value.get("digest")), size, more)

    def to_json(self) -> JsonObject:
        """The descriptor as it stands in a manifest."""
        return {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size, **self.more}

    @property
    def annotations(self) -> Mapping[str, object]:
        """Its annotations."""
        return object_in(self.more, "annotations")

    @property
    def platform(self) -> str:
        """`os/architecture[/variant]`; empty if it does not say."""
        return platform_text(object_in(self.more, "platform"))
