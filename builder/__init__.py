"""m2build: derive an image from a huge base by exactly the patches that a person has reviewed.

Every name below is loaded when it is first used (PEP 562), so that `import m2build` costs next to nothing.

    import m2build

    recipe = m2build.load_recipe("minimax-m2")
    with m2build.Session() as session:
        base = session.base(recipe)
        plan = session.plan(recipe.select(tp=8), base)
        delivery = session.deliver(plan, "localhost:5000/minimax-m2:tp8")
    print(delivery.reference)

What is public is what `__all__` names here, in `m2build.bench`, `m2build.delivery`, `m2build.drift`,
`m2build.evidence`, `m2build.importing`, `m2build.locking`, `m2build.machine`, `m2build.mounts`, `m2build.patches`,
`m2build.patches.codemods`, `m2build.pipelines`, `m2build.rendering`, `m2build.report`, `m2build.running` and
`m2build.testing`, and the errors of `m2build.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build import errors, patches, testing
    from m2build.base.model import Base
    from m2build.delivery.delivered import Delivery
    from m2build.derivation.plan import Plan
    from m2build.errors import M2BuildError
    from m2build.inspection.image import Inspection
    from m2build.launch.check import check_launch, server_flags
    from m2build.launch.sizes import size
    from m2build.locking.model import Lock
    from m2build.machine.checks import doctor
    from m2build.places.place import Place
    from m2build.progress import Progress
    from m2build.recipes.load import load_recipe, recipe_names
    from m2build.recipes.model import Recipe, Selection
    from m2build.rendering.context import render
    from m2build.running.command import run_command
    from m2build.session import Session, inspect, lock, verify
    from m2build.verification.result import Verification

__version__ = "0.1.0"

_HOMES = {
    "Base": "m2build.base.model",
    "Delivery": "m2build.delivery.delivered",
    "Inspection": "m2build.inspection.image",
    "Lock": "m2build.locking.model",
    "M2BuildError": "m2build.errors",
    "Place": "m2build.places.place",
    "Plan": "m2build.derivation.plan",
    "Progress": "m2build.progress",
    "Recipe": "m2build.recipes.model",
    "Selection": "m2build.recipes.model",
    "Session": "m2build.session",
    "Verification": "m2build.verification.result",
    "check_launch": "m2build.launch.check",
    "doctor": "m2build.machine.checks",
    "errors": "m2build.errors",
    "inspect": "m2build.session",
    "load_recipe": "m2build.recipes.load",
    "lock": "m2build.session",
    "patches": "m2build.patches",
    "recipe_names": "m2build.recipes.load",
    "render": "m2build.rendering.context",
    "run_command": "m2build.running.command",
    "server_flags": "m2build.launch.check",
    "size": "m2build.launch.sizes",
    "testing": "m2build.testing",
    "verify": "m2build.session",
}
"""Where each name is defined; a module is its own home."""

__all__ = [
    "Base",
    "Delivery",
    "Inspection",
    "Lock",
    "M2BuildError",
    "Place",
    "Plan",
    "Progress",
    "Recipe",
    "Selection",
    "Session",
    "Verification",
    "__version__",
    "check_launch",
    "doctor",
    "errors",
    "inspect",
    "load_recipe",
    "lock",
    "patches",
    "recipe_names",
    "render",
    "run_command",
    "server_flags",
    "size",
    "testing",
    "verify",
]


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
