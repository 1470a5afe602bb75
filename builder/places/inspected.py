"""What `image inspect` of docker and podman tells of an image."""

from __future__ import annotations

import re
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from m2build.errors import EngineError, UsageError
from m2build.oci.config import ImageConfig
from m2build.oci.digest import Digest
from m2build.oci.manifest import canonical
from m2build.oci.reference import Reference, is_reference, parse_reference

_ID = re.compile(r"(sha256:)?[0-9a-f]{4,64}")
"""An image's id, as engines take it: its beginning is enough where it is no other's."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _RootFs(_Part):
    layers: tuple[str, ...] = Field(alias="Layers")


class _Target(_Part):
    digest: str


class Inspected(_Part):
    """The members that are looked at; each engine leaves some of them out."""

    id: str = Field(alias="Id")
    architecture: str = Field(alias="Architecture")
    os: str = Field(alias="Os")
    variant: str | None = Field(default=None, alias="Variant")
    created: str | None = Field(default=None, alias="Created")
    size: int = Field(default=0, alias="Size")
    runtime: dict[str, JsonValue] | None = Field(default=None, alias="Config")
    rootfs: _RootFs = Field(alias="RootFS")
    tags: tuple[str, ...] | None = Field(default=None, alias="RepoTags")
    digests: tuple[str, ...] | None = Field(default=None, alias="RepoDigests")
    target: _Target | None = Field(default=None, alias="Descriptor")
    own_digest: str | None = Field(default=None, alias="Digest")

    @property
    def image_id(self) -> Digest:
        """What the engine calls the image itself, without any name; podman leaves `sha256:` out."""
        return Digest("sha256", self.id.removeprefix("sha256:"))

    @property
    def config(self) -> ImageConfig:
        """Its config, not to the byte: what the engine does not tell is missing."""
        document: dict[str, JsonValue] = {
            "architecture": self.architecture,
            "os": self.os,
            "variant": self.variant,
            "created": self.created,
            "config": self.runtime or {},
            "rootfs": {"type": "layers", "diff_ids": list(self.rootfs.layers)},
        }
        return ImageConfig(canonical({key: value for key, value in document.items() if value is not None}))

    def name(self, wanted: str) -> str | None:
        """The full name of what the user means: a tag of the image, or for its id, short or in full, any of its tags.

        Raises:
            UsageError: it is neither.
        """
        name = self._tag(parse_reference(wanted)) if is_reference(wanted) else None
        if name is None and _ID.fullmatch(wanted) and self.image_id.hex.startswith(wanted.removeprefix("sha256:")):
            return next((str(parse_reference(tag)) for tag in self.tags or ()), None)
        if name is not None:
            return name
        raise UsageError(
            f"{wanted} is no tag of that image",
            hint=f"name one of its tags: {', '.join(self.tags or ()) or 'it has none'}",
        )

    def _tag(self, wanted: Reference) -> str | None:
        """A tag's full name; docker leaves docker.io and library/ out, podman localhost/."""
        if wanted.digest is not None:
            return str(wanted.without_digest)  # the engine has found it by that
        full = str(wanted if wanted.tag else replace(wanted, tag="latest"))
        local = full.removeprefix("docker.io/").removeprefix("library/")
        tags = [str(parse_reference(tag)) for tag in self.tags or ()]
        for name in (full, f"localhost/{local}"):
            if name in tags:
                return name
        return None

    def digest(self, name: str | None) -> Digest | None:
        """The digest of the manifest or index that the engine knows the image by; None if it keeps it without one."""
        repository = parse_reference(name).name if name else None
        pulled = (text.split("@") for text in self.digests or ())
        known = [digest for repo, digest in pulled if parse_reference(repo).name == repository]
        found = [self.target.digest if self.target else None, self.own_digest, *known]
        return next((Digest.parse(text) for text in found if text), None)


def parse_inspected(text: str) -> Inspected:
    """Read what `image inspect` printed of one image.

    Raises:
        EngineError: it is something else.
    """
    try:
        (found,) = TypeAdapter(tuple[Inspected, ...]).validate_json(text)
    except (ValidationError, ValueError) as error:
        raise EngineError(f"the engine's account of the image cannot be read: {error}") from error
    return found
