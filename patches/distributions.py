"""Which installed distribution is it that a module comes from?"""

from __future__ import annotations

GROUP = "m2build.codemods"
"""The entry-point group of codemods."""


def distribution_of(module: str) -> str:
    """What to call the origin of a dotted module in messages: its distribution, else the module itself."""
    from importlib.metadata import entry_points, packages_distributions

    top = _top(module)
    registered = [entry.dist.name for entry in entry_points(group=GROUP) if entry.dist and _top(entry.module) == top]
    names = sorted({*registered, *packages_distributions().get(top, [])})
    return " or ".join(names) or f"the module {top}"


def _top(module: str) -> str:
    return module.partition(".")[0]
