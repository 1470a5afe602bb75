"""The Dockerfile and its build context: the plan as text, for container engines.

Example:
    >>> import m2build
    >>> from m2build import rendering
    >>> recipe = m2build.load_recipe("minimax-m2")
    >>> with m2build.Session() as session:
    ...     base = session.base(recipe, sources="pypi:sglang==0.5.7", pinned=False)
    ...     plans = session.plan_all([recipe.select(tp=4), recipe.select(tp=8)], base)
    >>> rendering.render(plans[0]).dockerfile.splitlines()[0]
    '# Written by m2build 0.1.0 from the recipe minimax-m2: MiniMax-M2.1, tp4.'
    >>> "docker-bake.json" in rendering.render_bake(plans, prefix="registry.example/team")
    True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build.rendering.bake import render_bake
    from m2build.rendering.context import render
    from m2build.rendering.folder import Context

_HOMES = {
    "Context": "m2build.rendering.folder",
    "render": "m2build.rendering.context",
    "render_bake": "m2build.rendering.bake",
}
"""Where each name is defined."""

__all__ = ["Context", "render", "render_bake"]


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
