"""The commands of a workflow, as lines of a shell script."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from m2build.pipelines.model import Pipeline

_INDENT = "  "


def image_command(pipeline: Pipeline) -> list[str]:
    """The lines that build, publish and attest; the images' names go into `images.txt`."""
    signer = [["--sign", pipeline.signer]] if pipeline.signer else []
    limit = [["--max-transfer", pipeline.max_transfer]] if pipeline.max_transfer else []
    policy = [["--tag-policy", pipeline.tag_policy]] if pipeline.tag_policy != "move" else []
    groups = [
        *_recipe(pipeline),
        *(["--model", model] for model in pipeline.models),
        *(["--profile", profile] for profile in pipeline.profiles),
        *_base(pipeline),
        ["--lock", pipeline.lock, "--locked"],
        *(["-t", name] for name in pipeline.names),
        ["--push", *(word for group in (*policy, *limit) for word in group)],
        ["--attest", *(word for group in signer for word in group)],
        ["--metadata-file", "metadata.json"],
    ]
    return _lines("m2build image", groups, "> images.txt")


def verify_command(pipeline: Pipeline) -> list[str]:
    """The lines that prove the image whose name is in the shell's variable `image`."""
    key = [["--key", pipeline.key]] if pipeline.key else []
    groups = [*_recipe(pipeline), *_base(pipeline), ["--lock", pipeline.lock], *key]
    return _lines('m2build verify "$image"', groups)


def drift_command(pipeline: Pipeline, release: str) -> list[str]:
    """The lines that try the series on newer releases of one distribution, and add to `drift.md`."""
    groups = [["--recipe", pipeline.recipe, "--lock", pipeline.lock], ["--release", release, "--markdown"]]
    return _lines("m2build drift", groups, ">> drift.md || found=$?")


def _recipe(pipeline: Pipeline) -> list[list[str]]:
    return [["--recipe", pipeline.recipe], *(["--set", override] for override in pipeline.overrides)]


def _base(pipeline: Pipeline) -> list[list[str]]:
    return [["--base", pipeline.base]] if pipeline.base else []


def _lines(start: str, groups: Iterable[Sequence[str]], end: str = "") -> list[str]:
    """A command with a group of words on each line; `start` and `end` are shell as they are."""
    lines = [start, *(_INDENT + shlex.join(group) for group in groups)]
    has_dollar = any(mark in line for line in lines[1:] for mark in "$`")
    return [
        *(["# shellcheck disable=SC2016 # what is in quotes is meant as it is"] if has_dollar else []),
        *(f"{line} \\" for line in lines[:-1]),
        f"{lines[-1]} {end}".rstrip(),
    ]
