"""Workflows for CI systems: check for drift, build what is locked, publish, attest, verify. Pure.

Example:
    >>> from m2build import pipelines
    >>> pipeline = pipelines.Pipeline(names=("registry.example/m2",), profiles=("tp8",), releases=("sglang>0.5.7",))
    >>> pipelines.render_pipeline(pipeline, "gitlab").splitlines()[2]
    'stages: [drift, publish, verify]'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build.pipelines.model import Pipeline, pipeline_of
    from m2build.pipelines.render import Platform, render_pipeline

_HOMES = {
    "Pipeline": "m2build.pipelines.model",
    "Platform": "m2build.pipelines.render",
    "pipeline_of": "m2build.pipelines.model",
    "render_pipeline": "m2build.pipelines.render",
}

__all__ = ["Pipeline", "Platform", "pipeline_of", "render_pipeline"]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
