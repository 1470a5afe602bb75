"""A folder for `docker buildx bake`: a Dockerfile for each plan, what they all copy, and `docker-bake.json`.

In bake's JSON every text is a template of HCL, in which `${` and `%{` begin something unless their first character is
doubled (https://github.com/hashicorp/hcl/blob/main/json/spec.md, hclsyntax/spec.md).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from m2build.derivation.plan import Plan
from m2build.errors import UsageError
from m2build.oci.reference import parse_reference
from m2build.recipes.model import Selection
from m2build.rendering.context import render
from m2build.rendering.folder import BAKE_FILE, Context

PREFIX = "M2BUILD_PREFIX"
"""The bake variable with which all tags begin. Bake takes it from the environment, where `PREFIX` is often set."""

CACHE = "M2BUILD_CACHE"
"""The bake variable that names a repository for registry caches, or is empty. Each target writes a tag of its own, as
they are written at the same time, and reads all: the steps are the same in every Dockerfile."""

_MATRIX = "images"
_LEVELS = "manifest,manifest-descriptor"
"""Where annotations go. Until 0.31 BuildKit writes Docker's media types, whose manifests have none, unless a descriptor
is annotated as well (https://github.com/moby/buildkit/blob/v0.25.2/exporter/containerimage/writer.go); to ask for OCI's
by `output` would let `docker buildx bake --load` export twice, and fail."""

_NO_ATTESTATIONS = ("type=provenance,disabled=true", "type=sbom,disabled=true")
"""buildx adds provenance unless told otherwise, and with it the tag names an index that wraps the image, with an entry
for the platform unknown/unknown and another digest at every build (https://github.com/docker/buildx/issues/3047). The
tag of such an image names its manifest, as that of the embedded engine does; who wants them says
`docker buildx bake --provenance=mode=max --sbom=true`, which is stronger."""


def render_bake(plans: Sequence[Plan], *, prefix: str, cache: str | None = None) -> Context:
    """The whole folder: path -> bytes, sorted. Pure: the same plans, the same bytes.

    Bake says of an image what its Dockerfile says: the labels are the very same. It adds what a Dockerfile cannot say:
    the tag, the annotations, the platform and, by `SOURCE_DATE_EPOCH`, the time.

    Args:
        plans: what to build; all from one derivation.
        prefix: what the tags begin with, as in `PREFIX/MODEL:PROFILE`; the default of the variable `M2BUILD_PREFIX`.
        cache: the repository of registry caches, without a tag, or None; the default of `M2BUILD_CACHE`.

    Raises:
        UsageError: two plans come to one target, they differ in what they share, a tag is no reference, or a value can
            be said in a Dockerfile and not in bake; and what `render` raises.
        PatchError: the base has something that a Dockerfile cannot keep or cannot take back.
    """
    targets = _targets(plans)
    for target in targets if cache else ():
        parse_reference(f"{cache}:{target}")
    contexts = {target: dict(render(plan)) for target, plan in targets.items()}
    dockerfiles = {f"{target}.Dockerfile": context.pop("Dockerfile") for target, context in contexts.items()}
    shared, *others = contexts.values()
    if any(other != shared for other in others) or len({_constants(plan) for plan in plans}) != 1:
        raise UsageError("the plans have not one changeset, platform and time to share", hint="derive them together")
    document = _document(targets, prefix=prefix, cache=cache or "")
    bake = {BAKE_FILE: f"{json.dumps(document, indent=2)}\n".encode()}
    return Context(shared | dockerfiles | bake)


def _targets(plans: Sequence[Plan]) -> dict[str, Plan]:
    targets = {_target(plan.selection): plan for plan in plans}
    if not targets or len(targets) < len(plans):
        raise UsageError(
            f"{len(plans)} plans come to {len(targets)} targets of bake: {', '.join(targets)}",
            hint="a target is called MODEL-PROFILE, with dashes for full stops; bake some of the models by themselves",
        )
    return targets


def _target(selection: Selection) -> str:
    """What bake calls the image: no full stops there (targetNamePattern in buildx, bake/bake.go)."""
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
    """A registry cache, or nothing where the variable is empty; bake leaves out what is empty."""
    return f'${{{CACHE} == "" ? "" : "type=registry,ref=${{{CACHE}}}:{tag}"}}'


def _image(target: str, plan: Plan, prefix: str) -> JsonValue:
    """What is different from target to target."""
    name = f"{plan.selection.model_id}:{plan.selection.profile_id}"
    parse_reference(f"{prefix}/{name}")
    return {
        "target": target,
        "name": name,
        "labels": {exactly(key): exactly(value) for key, value in sorted(plan.labels.items())},
        "annotations": [exactly(f"{_LEVELS}:{key}={value}") for key, value in sorted(plan.annotations.items())],
    }


def exactly(text: str) -> str:
    """A template that comes to the text and to nothing else.

    Raises:
        UsageError: there is none: all text of HCL is in Unicode's normal form C and without a byte order mark at its
            beginning (cty.StringVal in go-cty, scanTokens in hclsyntax), and behind a carriage return nothing can be
            doubled.
    """
    if not unicodedata.is_normalized("NFC", text) or text.startswith("\ufeff") or "\r" in text:
        raise UsageError(
            f"docker buildx bake cannot say {text[:120]!r}: it composes letters and their accents, drops a byte order "
            "mark, and misreads what follows a carriage return",
            hint="write it in Unicode's normal form C in the recipe, or build without bake",
        )
    return text.replace("${", "$${").replace("%{", "%%{")
