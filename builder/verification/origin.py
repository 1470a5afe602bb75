"""What an image claims to be. Its labels are only a hint: everything that follows from them is checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from m2build.errors import UsageError
from m2build.labels import OCI, OWN, PROFILE
from m2build.oci.config import ImageConfig
from m2build.oci.reference import parse_reference
from m2build.oci.times import rfc3339
from m2build.places.place import Place, PlaceKind
from m2build.recipes.load import load_recipe, recipe_names
from m2build.recipes.model import Recipe, Selection
from m2build.verification.findings import Finding

CREATED = f"{OCI}created"
BASE_NAME, BASE_DIGEST = f"{OCI}base.name", f"{OCI}base.digest"
_RECIPE, _MODEL = f"{OWN}recipe", f"{OWN}model"


def claimed_selection(labels: Mapping[str, str], recipe: Recipe | None) -> Selection | Finding:
    """The selection that an image names.

    Args:
        labels: its labels.
        recipe: the recipe to take, or None for the shipped one that they name.
    """
    if recipe is None:
        name = labels.get(_RECIPE, "")
        if name not in recipe_names():
            return _unknown(_RECIPE, name, "no recipe that comes with m2build", "name it with --recipe FILE")
        recipe = load_recipe(name)
    repo = labels.get(_MODEL, "")
    model = next((name for name, model in recipe.models.items() if model.repo == repo), None)
    if model is None:
        return _unknown(_MODEL, repo, f"no model of the recipe {recipe.name}", "name the recipe's file with --recipe")
    profile = labels.get(PROFILE, "")
    try:
        return recipe.select(profile=profile, model=model)
    except UsageError:
        return _unknown(PROFILE, profile, f"no profile of the recipe {recipe.name}", "name the recipe with --recipe")


def _unknown(label: str, value: str, what: str, hint: str) -> Finding:
    found = f"the label {label} is {value!r}, which is {what}" if value else f"the label {label} is missing"
    return Finding("origin-unknown", label, f"{found}; {hint}")


def claimed_base(config: ImageConfig, place: Place) -> Place:
    """Where an image's labels say that its base is, by digest.

    Args:
        config: the image's.
        place: where the image is, for the message.

    Raises:
        UsageError: they name no base in a registry.
    """
    name, digest = config.labels.get(BASE_NAME), config.labels.get(BASE_DIGEST)
    if not name or not digest:
        raise UsageError(f"the labels of {place} do not name its base in a registry", hint="add --base PLACE")
    return Place(PlaceKind.REGISTRY, str(parse_reference(f"{name}@{digest}")))


def at_claimed_time(environment: Mapping[str, str], labels: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with the image's creation time as `SOURCE_DATE_EPOCH`, if it has none.

    An image may have any time, and none follows from recipe and base; but the image's times have to agree.
    """
    if environment.get("SOURCE_DATE_EPOCH"):
        return environment
    claimed = labels.get(CREATED, "")
    try:
        seconds = int(datetime.fromisoformat(claimed).timestamp())
    except (ValueError, OverflowError):
        return environment
    is_time = seconds >= 0 and rfc3339(seconds) == claimed
    return {**environment, "SOURCE_DATE_EPOCH": str(seconds)} if is_time else environment
