"""The files that a plan changes, laid over the stock image when it is run, without a derived image.

Example:
    >>> from m2build import mounts
    >>> [str(form) for form in mounts.Form]
    ['volumes', 'compose', 'configmap', 'image-volume']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build.mounts.render import Form, render_mounts

_HOMES = {
    "Form": "m2build.mounts.render",
    "render_mounts": "m2build.mounts.render",
}
"""Where each name is defined."""

__all__ = ["Form", "render_mounts"]


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
