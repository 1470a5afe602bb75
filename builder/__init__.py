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
`m2build.evidence`, `m2build.importing`, `m2build.patches`, `m2build.patches.codemods`, `m2build.pipelines`,
`m2build.report` and `m2build.testing`, and the errors of `m2build.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build import errors, patches, testing
    from m2build.base.model import Base
    from m2build.delivery.delivered import Delivery
    from m2build.delivery.forecast import Forecast
    from m2build.delivery.shipment import Shipment
    from m2build.derivation.plan import Plan
    from m2build.errors import M2BuildError
    from m2build.inspection.image import Inspection
    from m2build.launch.check import check_launch, server_flags
    from m2build.launch.sizes import size
    from m2build.locking.files import load_lock, write_lock
    from m2build.locking.model import Lock
    from m2build.machine.doctor import doctor
    from m2build.machine.model import Diagnosis
    from m2build.mounts.render import render_mounts
    from m2build.places.place import Place, parse_place
    from m2build.progress import Progress
    from m2build.recipes.load import load_recipe, recipe_names
    from m2build.recipes.model import Recipe, Selection
    from m2build.recipes.schema import recipe_schema
    from m2build.rendering.bake import render_bake
    from m2build.rendering.context import render
    from m2build.rendering.folder import Context
    from m2build.running.command import run_command
    from m2build.running.compose import render_compose
    from m2build.running.kubernetes import render_kubernetes
    from m2build.running.model import Container
    from m2build.session import Session, inspect, lock, verify
    from m2build.verification.result import Verification

__version__ = "0.1.0"

_HOMES = {
    "Base": "m2build.base.model",
    "Container": "m2build.running.model",
    "Context": "m2build.rendering.folder",
    "Delivery": "m2build.delivery.delivered",
    "Diagnosis": "m2build.machine.model",
    "Forecast": "m2build.delivery.forecast",
    "Inspection": "m2build.inspection.image",
    "Lock": "m2build.locking.model",
    "M2BuildError": "m2build.errors",
    "Place": "m2build.places.place",
    "Plan": "m2build.derivation.plan",
    "Progress": "m2build.progress",
    "Recipe": "m2build.recipes.model",
    "Selection": "m2build.recipes.model",
    "Session": "m2build.session",
    "Shipment": "m2build.delivery.shipment",
    "Verification": "m2build.verification.result",
    "check_launch": "m2build.launch.check",
    "doctor": "m2build.machine.doctor",
    "errors": "m2build.errors",
    "inspect": "m2build.session",
    "load_lock": "m2build.locking.files",
    "load_recipe": "m2build.recipes.load",
    "lock": "m2build.session",
    "parse_place": "m2build.places.place",
    "patches": "m2build.patches",
    "recipe_names": "m2build.recipes.load",
    "recipe_schema": "m2build.recipes.schema",
    "render": "m2build.rendering.context",
    "render_bake": "m2build.rendering.bake",
    "render_compose": "m2build.running.compose",
    "render_kubernetes": "m2build.running.kubernetes",
    "render_mounts": "m2build.mounts.render",
    "run_command": "m2build.running.command",
    "server_flags": "m2build.launch.check",
    "size": "m2build.launch.sizes",
    "testing": "m2build.testing",
    "verify": "m2build.session",
    "write_lock": "m2build.locking.files",
}
"""Where each name is defined; a module is its own home."""

__all__ = [
    "Base",
    "Container",
    "Context",
    "Delivery",
    "Diagnosis",
    "Forecast",
    "Inspection",
    "Lock",
    "M2BuildError",
    "Place",
    "Plan",
    "Progress",
    "Recipe",
    "Selection",
    "Session",
    "Shipment",
    "Verification",
    "__version__",
    "check_launch",
    "doctor",
    "errors",
    "inspect",
    "load_lock",
    "load_recipe",
    "lock",
    "parse_place",
    "patches",
    "recipe_names",
    "recipe_schema",
    "render",
    "render_bake",
    "render_compose",
    "render_kubernetes",
    "render_mounts",
    "run_command",
    "server_flags",
    "size",
    "testing",
    "verify",
    "write_lock",
]


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
