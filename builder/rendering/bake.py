"""A folder for `docker buildx bake`: a Dockerfile for each plan, the files that they copy, and `docker-bake.json`.

In bake's JSON every string is an HCL template, in which `${` and `%{` start an expression unless their first character
is doubled (https://github.com/hashicorp/hcl/blob/main/json/spec.md, hclsyntax/spec.md).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from m2build.derivation.plan import Plan
from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.oci.reference import parse_reference
from m2build.recipes.model import Selection
from m2build.rendering.context import render
from m2build.rendering.folder import BAKE_FILE, Context

PREFIX = "M2BUILD_PREFIX"
"""The bake variable at the beginning of all tags. Bake reads it from the environment, where `PREFIX` is often set."""

CACHE = "M2BUILD_CACHE"
"""The bake variable with the repository for registry caches, or empty. Each target writes its own tag, as they run in
parallel, and reads all tags: every Dockerfile has the same steps."""

_MATRIX = "images"
_LEVELS = "manifest,manifest-descriptor"
"""Where annotations go. Until 0.31, BuildKit writes Docker's media types, whose manifests have no annotations, unless a
descriptor is annotated as well (https://github.com/moby/buildkit/blob/v0.25.2/exporter/containerimage/writer.go); with
OCI's types in `output`, `docker buildx bake --load` would export twice, and fail."""

_NO_ATTESTATIONS = ("type=provenance,disabled=true", "type=sbom,disabled=true")
"""By default buildx adds provenance. The tag then names an index around the image, with an entry for the platform
unknown/unknown and another digest at every build (https://github.com/docker/buildx/issues/3047). Without, the tag names
the manifest, as with the embedded engine. `docker buildx bake --provenance=mode=max --sbom=true` overrides this."""


@typed_arguments
def render_bake(plans: Sequence[Plan], *, prefix: str, cache: str | None = None) -> Context:
    """The whole folder: path -> bytes, sorted. Pure: the same plans, the same bytes.

    The labels are those of the Dockerfile. Bake adds what a Dockerfile cannot express: the tag, the annotations, the
    platform and, with `SOURCE_DATE_EPOCH`, the time.

    Args:
        plans: what to build; all from one derivation.
        prefix: the beginning of the tags, as in `PREFIX/MODEL:PROFILE`; the default of the variable `M2BUILD_PREFIX`.
        cache: the repository of registry caches, without a tag, or None; the default of `M2BUILD_CACHE`.

    Raises:
        UsageError: two plans have one target, they do not have the same changeset, platform and time, a tag is not a
            valid reference, or bake cannot express a value that a Dockerfile can; and what `render` raises.
        PatchError: the base has something that a Dockerfile cannot keep or cannot remove.
    """
    targets = _targets(plans)
    for target in targets if cache else ():
        parse_reference(f"{cache}:{target}")
    contexts = {target: dict(render(plan)) for target, plan in targets.items()}
    dockerfiles = {f"{target}.Dockerfile": context.pop("Dockerfile") for target, context in contexts.items()}
    shared, *others = contexts.values()
    if any(other != shared for other in others) or len({_constants(plan) for plan in plans}) != 1:
        raise UsageError("the plans differ in changeset, platform or time", hint="derive them together")
    document = _document(targets, prefix=prefix, cache=cache or "")
    bake = {BAKE_FILE: f"{json.dumps(document, indent=2)}\n".encode()}
    return Context(shared | dockerfiles | bake)


def _targets(plans: Sequence[Plan]) -> dict[str, Plan]:
    targets = {_target(plan.selection): plan for plan in plans}
    if not targets or len(targets) < len(plans):
        raise UsageError(
            f"{len(plans)} plans have {len(targets)} different targets of bake: {', '.join(targets)}",
            hint="a target is called MODEL-PROFILE, with dashes for full stops; bake some of the models separately",
        )
    return targets


def _target(selection: Selection) -> str:
    """The image's target name, in which bake allows no full stops (targetNamePattern in buildx, bake/bake.go)."""
    return f"{selection.model_id}-{selection.profile_id}".replace(".", "-")


def _constants(plan: Plan) -> tuple[str, int]:
    return plan.base.config.platform, plan.created


def _document(targets: Mapping[str, Plan], *, prefix: str, cache: str) -> dict[str, JsonValue]:
    platform, created = _constants(next(iter(targets.values())))
    return {
        "variable": {PREFIX: {"default": prefix}, CACHE: {"default": cache}},
        "group": {"default": {"targets": [_MATRIX]}},
        "target": {
            _MATRIX: {
                "name": "${image.target}",
                "matrix": {"image": [_image(target, plan, prefix) for target, plan in targets.items()]},
                "dockerfile": "${image.target}.Dockerfile",
                "tags": [f"${{{PREFIX}}}/${{image.name}}"],
                "labels": "${image.labels}",
                "annotations": "${image.annotations}",
                "args": {"SOURCE_DATE_EPOCH": str(created)},
                "platforms": [platform],
                "cache-from": [_cache(target) for target in targets],
                "cache-to": [_cache("${image.target}")],
                "attest": [*_NO_ATTESTATIONS],
            }
        },
    }


def _cache(tag: str) -> str:
    """A registry cache, or an empty string if the variable is empty; bake ignores empty strings."""
    return f'${{{CACHE} == "" ? "" : "type=registry,ref=${{{CACHE}}}:{tag}"}}'


def _image(target: str, plan: Plan, prefix: str) -> JsonValue:
    """What differs between targets."""
    name = f"{plan.selection.model_id}:{plan.selection.profile_id}"
    parse_reference(f"{prefix}/{name}")
    return {
        "target": target,
        "name": name,
        "labels": {literal(key): literal(value) for key, value in sorted(plan.labels.items())},
        "annotations": [literal(f"{_LEVELS}:{key}={value}") for key, value in sorted(plan.annotations.items())],
    }


def literal(text: str) -> str:
    """A template that expands to exactly this text.

    Raises:
        UsageError: there is none. HCL normalises text to Unicode's normal form C and drops a byte order mark at the
            beginning (cty.StringVal in go-cty, scanTokens in hclsyntax), and after a carriage return nothing can be
            doubled.
    """
    if not unicodedata.is_normalized("NFC", text) or text.startswith("\ufeff") or "\r" in text:
        raise UsageError(
            f"docker buildx bake cannot express {text[:120]!r}: it composes letters and their accents, drops a byte "
            "order mark, and misreads what follows a carriage return",
            hint="write it in Unicode's normal form C in the recipe, or build without bake",
        )
    return text.replace("${", "$${").replace("%{", "%%{")
