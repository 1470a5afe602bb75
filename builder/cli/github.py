"""The results of a step of a GitHub job, in the files that the runner names in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

import m2build
from m2build.errors import UsageError
from m2build.places.place import PlaceKind

if TYPE_CHECKING:
    from m2build.delivery import Shipment

ARTIFACTS = "GITHUB_ARTIFACTS"

artifacts_option = click.option(
    "--github-artifacts",
    is_flag=True,
    help="In a GitHub job, declare the published images in $GITHUB_ARTIFACTS, for later steps to attest.",
)


def check_artifacts(shipment: Shipment) -> None:
    """Check, before any image is made, that images can be declared.

    Raises:
        UsageError: this is not a GitHub job, its runner is too old, or an image goes into no registry.
    """
    if not _is_job() or not os.environ.get(ARTIFACTS):
        raise UsageError(
            f"--github-artifacts needs ${ARTIFACTS}, which runners of GitHub set", hint="leave it out elsewhere"
        )
    for job in shipment.jobs:
        if job.to.place.kind is not PlaceKind.REGISTRY:
            raise UsageError(
                f"--github-artifacts declares what is in a registry, and {job.to.place} is not", hint="add --push"
            )


def tell_github(delivered: Sequence[m2build.Delivery], account: Mapping[str, object], *, artifacts: bool) -> None:
    """Append the results to the runner's files; outside of a GitHub job, do nothing.

    Args:
        delivered: the images.
        account: the content of `--metadata-file`.
        artifacts: whether to declare the images as artifacts.

    Raises:
        UsageError: an image that is to be declared is not in a registry.
        StorageError: a file cannot be written.
    """
    if not _is_job():
        return
    from m2build.delivery import github_outputs, github_subjects, github_summary

    if os.environ.get("GITHUB_OUTPUT"):
        _append("GITHUB_OUTPUT", github_outputs(delivered, account))
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        _append("GITHUB_STEP_SUMMARY", github_summary(delivered))
    if artifacts:
        _append(ARTIFACTS, github_subjects(delivered))


def _is_job() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _append(variable: str, text: str) -> None:
    from m2build.local.failures import storage

    path = Path(os.environ[variable])
    with storage(path, "written"), path.open("a", encoding="utf-8") as out:
        out.write(text)
