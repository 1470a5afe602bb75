"""The installed distribution that a module comes from."""

from __future__ import annotations

GROUP = "m2build.codemods"
"""The entry-point group of codemods."""
LIBCST = "libcst:"
"""What stands before the dotted name of a codemod that was written for libcst."""


def distribution_of(module: str) -> str:
    """What to call the origin of a dotted module in messages: its distribution, else the module itself."""
    from importlib.metadata import entry_points, packages_distributions

    package = top(module)
    registered = [entry.dist.name for entry in entry_points(group=GROUP) if entry.dist and top(entry.module) == package]
    names = sorted({*registered, *packages_distributions().get(package, [])})
    return " or ".join(names) or f"the module {package}"


def top(module: str) -> str:
    """The top-level package, or module, of a dotted one."""
    return module.partition(".")[0]
