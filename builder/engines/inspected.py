"""What `image inspect` of docker and podman tells of an image."""

from __future__ import annotations

from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from m2build.errors import EngineError, UsageError
from m2build.oci.config import ImageConfig
from m2build.oci.digest import Digest
from m2build.oci.manifest import canonical
from m2build.oci.reference import Reference, parse_reference


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _RootFs(_Part):
    layers: tuple[str, ...] = Field(alias="Layers")


class _Target(_Part):
    digest: str


class Inspected(_Part):
    """The members that are looked at; each engine leaves some of them out."""

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

    def name(self, wanted: Reference) -> str:
        """The full name of the tag that the user means; docker leaves docker.io and library/ out, podman localhost/.

        Raises:
            UsageError: the image has no such tag.
        """
        full = str(wanted if wanted.tag else replace(wanted, tag="latest"))
        local = full.removeprefix("docker.io/").removeprefix("library/")
        tags = [str(parse_reference(tag)) for tag in self.tags or ()]
        for name in (full, f"localhost/{local}"):
            if name in tags:
                return name
        raise UsageError(
            f"{wanted} is no tag of that image",
            hint=f"name one of its tags: {', '.join(self.tags or ()) or 'it has none'}",
        )

    def digest(self, name: str) -> Digest | None:
        """The digest of the manifest or index that the engine knows the image by; None if it keeps it without one."""
        repository = parse_reference(name).name
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
