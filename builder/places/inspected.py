"""The output of docker's and podman's `image inspect`."""

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
"""An image's id, in full or its beginning."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _RootFs(_Part):
    layers: tuple[str, ...] = Field(alias="Layers")


class _Target(_Part):
    digest: str


class Inspected(_Part):
    """The members that m2build reads; each engine leaves some of them out."""

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
        """The image's id; podman prints it without `sha256:`."""
        return Digest("sha256", self.id.removeprefix("sha256:"))

    @property
    def config(self) -> ImageConfig:
        """Its config, not to the byte: members that the engine does not print are missing."""
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
        """The full name of the image that the user wants by a tag, or any of its tags if wanted by its id.

        Raises:
            UsageError: it is neither a tag nor the id of the image.
        """
        name = self._tag(parse_reference(wanted)) if is_reference(wanted) else None
        if name is None and _ID.fullmatch(wanted) and self.image_id.hex.startswith(wanted.removeprefix("sha256:")):
            return next((str(parse_reference(tag)) for tag in self.tags or ()), None)
        if name is not None:
            return name
        raise UsageError(
            f"{wanted} is not a tag of that image",
            hint=f"name one of its tags: {', '.join(self.tags or ()) or 'it has none'}",
        )

    def _tag(self, wanted: Reference) -> str | None:
        """A tag's full name; docker leaves docker.io and library/ out, podman localhost/."""
        if wanted.digest is not None:
            return str(wanted.without_digest)  # the engine found the image by it
        full = str(wanted if wanted.tag else replace(wanted, tag="latest"))
        local = full.removeprefix("docker.io/").removeprefix("library/")
        tags = [str(parse_reference(tag)) for tag in self.tags or ()]
        for name in (full, f"localhost/{local}"):
            if name in tags:
                return name
        return None

    def digest(self, name: str | None) -> Digest | None:
        """The digest of the manifest or index that the image was pulled by; None if the engine has none."""
        repository = parse_reference(name).name if name else None
        pulled = (text.split("@") for text in self.digests or ())
        known = [digest for repo, digest in pulled if parse_reference(repo).name == repository]
        found = [self.target.digest if self.target else None, self.own_digest, *known]
        return next((Digest.parse(text) for text in found if text), None)


def parse_inspected(text: str) -> Inspected:
    """Read what `image inspect` printed of one image.

    Raises:
        EngineError: it cannot be read.
    """
    try:
        (found,) = TypeAdapter(tuple[Inspected, ...]).validate_json(text)
    except (ValidationError, ValueError) as error:
        raise EngineError(f"the output of `image inspect` cannot be read: {error}") from error
    return found
