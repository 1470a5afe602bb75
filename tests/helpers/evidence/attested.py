"""Plans and images to give evidence on."""

from __future__ import annotations

from functools import cache

from helpers.bases import base_image
from helpers.plans import derive
from m2build.base.model import Base
from m2build.derivation.plan import Plan
from m2build.oci.image import Image
from m2build.progress import Silent
from m2build.recipes.load import load_recipe


@cache
def small_plan() -> Plan:
    """The plan of the shipped recipe's image on `base_image()`."""
    return plan_of(base_image())


def plan_of(base: Image, name: str | None = "docker.io/lmsysorg/sglang:v0.5.7") -> Plan:
    """The plan of the shipped recipe's image for eight GPUs, on a small base."""
    return derive(
        load_recipe("minimax-m2").select(tp=8),
        Base.of(base, base.manifest.digest, name),
        environment={},
        progress=Silent(),
    )
