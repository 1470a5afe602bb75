"""What an image is, what it was derived from, and how it differs from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

from m2build.base.thin import completed
from m2build.inspection.content import Content, base_height, read_content
from m2build.inspection.runtime import runtime_of
from m2build.labels import BASE_CHAIN_ID, OCI, OWN, claimed
from m2build.oci.found import FoundImage, located
from m2build.places.place import Place
from m2build.places.transports import read_image
from m2build.progress import Progress
from m2build.recipes.settings import Settings

if TYPE_CHECKING:
    from m2build.oci.config import ImageConfig
    from m2build.oci.manifest import Manifest
    from m2build.registry.access import Access

_ORIGIN: Mapping[str, str] = {
    **{key: f"{OWN}{key}" for key in ("recipe", "profile", "model")},
    "baseName": f"{OCI}base.name",
    "baseDigest": f"{OCI}base.digest",
    "standIn": f"{OWN}base.stand-in",
}
"""The members of an image's origin, and the labels that hold them."""


@dataclass(frozen=True)
class Inspection:
    """What was found at a place.

    Attributes:
        found: the image, its digest and its name.
        base_layers: how many of its layers are its base's; 0 if m2build knows no base.
        content: how it differs from its base; None for an image that m2build did not derive.
    """

    found: FoundImage
    base_layers: int
    content: Content | None

    @property
    def digest(self) -> str:
        """The digest of what the image's name refers to: its manifest, or the index with it."""
        return str(self.found.digest)

    @property
    def manifest(self) -> Manifest:
        """The image's manifest."""
        return self.found.image.manifest

    @property
    def config(self) -> ImageConfig:
        """The image's config."""
        return self.found.image.config

    @cached_property
    def origin(self) -> Mapping[str, str | None]:
        """Where the image comes from, by its labels: recipe, profile, model, baseName, ..."""
        return {name: self.config.labels.get(label) for name, label in _ORIGIN.items()}

    @cached_property
    def entrypoint(self) -> tuple[str, ...]:
        """The words of its entrypoint."""
        words = runtime_of(self.config).get("Entrypoint")
        return tuple(str(word) for word in words) if isinstance(words, list) else ()

    @cached_property
    def settings(self) -> Settings:
        """What its config and its manifest set, under the keys of a recipe, what it has from its base included.

        Labels and annotations that m2build sets itself are left out; the origin tells them.
        """
        config = self.config
        variables = (variable.partition("=") for variable in config.variables)
        return Settings.model_construct(
            env={name: value for name, _, value in variables},
            labels=_free(config.labels),
            annotations=_free(self.manifest.annotations),
            workdir=f"/{config.working_dir}",
            user=config.user,
        )

    def document(self) -> dict[str, object]:
        """Everything above as JSON, as `m2build inspect --json` prints it."""
        config, content = self.config, self.content
        return {
            "name": self.found.name,
            "digest": self.digest,
            "manifest": str(self.manifest.digest),
            "config": str(self.manifest.config.digest),
            "platform": config.platform,
            "created": config.created,
            "origin": {**self.origin, "baseLayers": self.base_layers} if content else None,
            "layers": [layer.to_json() for layer in self.manifest.layers],
            "content": {"digest": str(content.digest), **content.document()} if content else None,
            "entrypoint": list(self.entrypoint),
            "settings": self.settings.model_dump(mode="json"),
        }

    @staticmethod
    def schema_text() -> str:
        """The text of the document's JSON Schema.

        Example:
            >>> '"content"' in Inspection.schema_text()
            True
        """
        return files(__package__).joinpath("inspection.schema.json").read_text(encoding="utf-8")


def _free(values: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in sorted(values.items()) if not claimed(key)}


def inspect_image(place: Place, platform: str, access: Access | None, progress: Progress) -> Inspection:
    """Read the image at a place, and compare it with its base.

    Raises:
        UsageError: the place does not exist, or does not have the image.
        ContentError: something is missing, truncated, altered or malformed.
        TransportError: a registry fails.
        EngineError: a container engine fails.
        StorageError: a file cannot be read.
    """
    found = read_image(place, platform, access, progress=progress)
    if BASE_CHAIN_ID not in found.image.config.labels:
        progress.notice(
            f"{place} was not derived by m2build, or its labels do not name its base; there is nothing to compare"
        )
        return Inspection(found, 0, None)
    with located(str(place)):
        height = base_height(found.image.config)
        whole = completed(found.image, None, platform, access)
        return Inspection(found, height, read_content(whole, height, progress))
