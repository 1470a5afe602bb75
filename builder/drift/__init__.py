"""Which releases need which patch: a series tried on published releases, and compared with a lock.

Example:
    >>> from m2build import drift
    >>> from m2build.patches import load_series
    >>> drift.try_releases(load_series("minimax-m2-rocm"), "vllm>=0.9")
    Traceback (most recent call last):
    m2build.errors.UsageError: no series patches vllm; there is minimax-m2-rocm for sglang
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build.drift.markdown import drift_markdown
    from m2build.drift.model import Deviation, Drift, Need, PatchDrift, ReleaseDrift
    from m2build.drift.run import series_for, try_releases
    from m2build.drift.tags import try_tags

_HOMES = {
    "Deviation": "m2build.drift.model",
    "Drift": "m2build.drift.model",
    "Need": "m2build.drift.model",
    "PatchDrift": "m2build.drift.model",
    "ReleaseDrift": "m2build.drift.model",
    "drift_markdown": "m2build.drift.markdown",
    "series_for": "m2build.drift.run",
    "try_releases": "m2build.drift.run",
    "try_tags": "m2build.drift.tags",
}

__all__ = [
    "Deviation",
    "Drift",
    "Need",
    "PatchDrift",
    "ReleaseDrift",
    "drift_markdown",
    "series_for",
    "try_releases",
    "try_tags",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
