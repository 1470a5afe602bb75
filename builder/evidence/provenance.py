"""SLSA provenance: what an image was built from, and by what. Pure.

https://slsa.dev/spec/v1.1/provenance; docs/provenance.md describes the build type.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from packageurl import PackageURL
from pydantic import Field, JsonValue

from m2build import __version__
from m2build.base.model import Base
from m2build.derivation.plan import Plan
from m2build.evidence.codemods import CodemodOrigin, codemod_origin
from m2build.evidence.statement import Evident, compact
from m2build.oci.digest import Digest
from m2build.oci.reference import parse_reference
from m2build.oci.times import rfc3339
from m2build.patches.vendored import is_vendoring

BUILD_TYPE = "https://m2build.dev/docs/provenance/v1"
LOCAL_BUILDER = f"{BUILD_TYPE}#local"
"""The builder that is named unless another one is: a machine of which nothing more is said."""


@dataclass(frozen=True)
class Run:
    """What provenance says of the run itself.

    Attributes:
        engine: what made the image: `embedded`, `docker` or `podman`.
        builder: the URI of the platform on which m2build ran.
        time: when it ended, in seconds since the epoch; None leaves it out, so that another run says the same.
    """

    engine: str = "embedded"
    builder: str = LOCAL_BUILDER
    time: int | None = None


class BaseParameters(Evident):
    """The base that was asked for."""

    name: str | None = Field(default=None, description="Its name in a registry.")
    stand_in: str | None = Field(default=None, description="What it is made of if it is not a real image.")
    platform: str


class SourceParameters(Evident):
    """A folder of sources, and the series that was asked for."""

    name: str = Field(description="What the recipe calls it; empty if it is the only one.")
    root: str = Field(description="From the image's root.")
    series: str


class ExternalParameters(Evident):
    """What was asked for; together with the resolved dependencies it decides the image."""

    recipe: str
    profile: str
    model: str
    base: BaseParameters
    sources: tuple[SourceParameters, ...]
    entrypoint: tuple[str, ...]
    port: int
    health: dict[str, JsonValue]
    settings: dict[str, JsonValue] = Field(description="Variables, labels and the like that the image gets.")
    created: str = Field(description="The only time in the image: SOURCE_DATE_EPOCH, or the base's own.")

    @staticmethod
    def schema_text() -> str:
        """The JSON Schema of `externalParameters`.

        >>> import json
        >>> json.loads(ExternalParameters.schema_text())["$id"]
        'https://m2build.dev/docs/provenance/v1'
        """
        return ExternalParameters.schema_of(BUILD_TYPE)


def provenance_of(plan: Plan, run: Run) -> dict[str, JsonValue]:
    """The predicate for the image of a plan."""
    details: dict[str, JsonValue] = {"builder": {"id": run.builder, "version": {"m2build": __version__}}}
    if run.time is not None:
        details["metadata"] = {"finishedOn": rfc3339(run.time)}
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": _asked(plan).document(),
            "internalParameters": {"engine": run.engine, "plan": str(plan.digest)},
            "resolvedDependencies": [*_dependencies(plan)],
        },
        "runDetails": details,
    }


def _asked(plan: Plan) -> ExternalParameters:
    selection, base = plan.selection, plan.base
    return ExternalParameters(
        recipe=selection.recipe.name,
        profile=selection.profile_id,
        model=selection.model.repo,
        base=BaseParameters(name=base.name, stand_in=base.stand_in, platform=base.config.platform),
        sources=tuple(
            SourceParameters(name=source.name, root=source.root, series=source.changeset.series.id)
            for source in plan.sources
        ),
        entrypoint=selection.entrypoint,
        port=selection.port,
        health=selection.recipe.health.model_dump(mode="json"),
        settings=selection.settings.model_dump(mode="json"),
        created=plan.created_text,
    )


def _dependencies(plan: Plan) -> Iterator[dict[str, JsonValue]]:
    if plan.base.digest:
        yield _base(plan.base, plan.base.digest)
    origins: dict[str, CodemodOrigin] = {}
    for source in plan.sources:
        series = source.changeset.series
        yield _file(f"series/{series.id}", hashlib.sha256(compact(series.model_dump(mode="json"))).hexdigest())
        for patch in series.patches:
            if is_vendoring(patch.parameters):
                yield _file(f"series/{series.id}/{patch.parameters['file']}", str(patch.parameters["sha256"]))
            origin = codemod_origin(patch)
            if origin.distribution:
                origins.setdefault(origin.distribution, origin)
    for name, origin in sorted(origins.items()):
        yield {"name": name, "uri": PackageURL("pypi", name=name, version=origin.version).to_string()}


def _file(name: str, sha256: str) -> dict[str, JsonValue]:
    return {"name": name, "digest": {"sha256": sha256}}


def _base(base: Base, digest: Digest) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {"name": "base", "digest": {digest.algorithm: digest.hex}}
    if base.name:
        found["uri"] = image_purl(base.name, digest, base.config.platform).to_string()
    if base.manifest_digest and base.manifest_digest != digest:
        found["annotations"] = {"manifest": str(base.manifest_digest)}
    return found


def image_purl(name: str, digest: Digest, platform: str) -> PackageURL:
    """An image in a registry as a package URL.

    https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md

    >>> image_purl("docker.io/lmsysorg/sglang:v0.5.7", Digest("sha256", "ab"), "linux/amd64").to_string()
    'pkg:oci/sglang@sha256:ab?arch=amd64&repository_url=docker.io/lmsysorg/sglang&tag=v0.5.7'
    """
    reference = parse_reference(name)
    found = {"arch": platform.split("/")[1], "repository_url": reference.name, "tag": reference.tag or ""}
    qualifiers = {key: value for key, value in found.items() if value}
    return PackageURL("oci", name=reference.repository.rpartition("/")[2], version=str(digest), qualifiers=qualifiers)
