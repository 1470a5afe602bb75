"""Workflows as text, from a template for each platform."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from enum import StrEnum
from functools import partial
from importlib.resources import files

from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.pipelines.commands import drift_command, image_command, verify_command
from m2build.pipelines.model import IMAGE, KEYLESS, Pipeline, secret_of
from m2build.pipelines.pins import pinned


class Platform(StrEnum):
    """The CI system that runs the workflow."""

    GITHUB = "github"
    GITLAB = "gitlab"
    TEKTON = "tekton"


@typed_arguments
def render_pipeline(pipeline: Pipeline, platform: str) -> str:
    """The workflow of a pipeline, as YAML. Pure.

    Args:
        pipeline: what it builds, as `pipeline_of` gives it.
        platform: `github`, `gitlab` or `tekton`.

    Raises:
        UsageError: there is no such platform, no profile is named, or jobs would lack the cosign to sign with.
    """
    from jinja2 import Environment, StrictUndefined

    if platform not in list(Platform):
        raise UsageError(f"there is no platform {platform!r}", hint=f"choose one of {', '.join(Platform)}")
    if not pipeline.profiles:
        raise UsageError("no profile is named", hint="name some, or take those of a lock with `pipeline_of`")
    if (pipeline.signer or pipeline.key) and pipeline.image == IMAGE and platform != Platform.GITHUB:
        raise UsageError(
            f"{IMAGE} has no cosign to sign and verify with", hint="name an image that has it, with --image"
        )
    # Markers that neither YAML, shells nor the platforms' expressions have.
    environment = Environment(  # noqa: S701 - YAML is no HTML; values are quoted by the filters below
        undefined=StrictUndefined,
        variable_start_string="@{",
        variable_end_string="}@",
        line_statement_prefix="%%",
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "quoted": partial(json.dumps, ensure_ascii=False),  # escapes of JSON are not all YAML's
        "block": _block,
        "rstrip": str.rstrip,
        "secret": secret_of,
        "auth_key": _auth_key,
    }
    template = environment.from_string(files(__package__).joinpath(f"{platform}.yaml").read_text(encoding="utf-8"))
    return template.render(
        pipeline=pipeline,
        uses=pinned,
        image_command=image_command(pipeline),
        verify_command=verify_command(pipeline),
        drift_commands=[drift_command(pipeline, release) for release in pipeline.releases],
        is_keyless=pipeline.signer == KEYLESS,
    )


def _block(lines: Iterable[str], indent: int) -> str:
    """Lines at a depth of a YAML block; the first is where the template has it."""
    return textwrap.indent("\n".join(lines), " " * indent).lstrip()


def _auth_key(host: str) -> str:
    """What a registry is called in Docker's config.json."""
    return "https://index.docker.io/v1/" if host == "docker.io" else host
