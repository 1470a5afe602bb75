"""What a page says of an image: read from the image and its base, with the patches applied again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from m2build.derivation.times import creation_time
from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.launch.check import read_server
from m2build.launch.flags.server import ServerFlags
from m2build.places.place import Place
from m2build.recipes.comments import flag_comments
from m2build.recipes.load import load_recipe
from m2build.report.attached import Attachment, attachments
from m2build.report.layers import LayerAccount, layer_account
from m2build.verification.findings import Finding
from m2build.verification.origin import at_claimed_time, claimed_selection

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.derivation.plan import Plan
    from m2build.inspection.image import Inspection
    from m2build.recipes.model import Recipe, Selection
    from m2build.session import Session
    from m2build.verification.result import Verification


@dataclass(frozen=True)
class ImageFacts:
    """What is known of an image.

    Attributes:
        place: where it is.
        inspection: what it is, and how it differs from its base.
        layers: every byte of the layers above its base.
        plan: what recipe and base give; None for an image that m2build did not derive.
        verification: whether the image is what they give; None if that was not asked for.
        flags: what the base's own sources say of its server's flags; None if they cannot be read.
        comments: what the recipe says of its flags.
        attachments: what refers to the image in its place; None for a place that keeps no such things, such as a
            store of docker's, and for an image that m2build did not derive.
    """

    place: Place
    inspection: Inspection
    layers: tuple[LayerAccount, ...] = ()
    plan: Plan | None = None
    verification: Verification | None = None
    flags: ServerFlags | None = None
    comments: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] | None = None


@typed_arguments
def image_facts(
    session: Session,
    place: str | Place,
    recipe: str | None = None,
    *,
    base: str | Place | None = None,
    verify: bool = True,
) -> ImageFacts:
    """Read an image, and make its plan again from recipe and base.

    Args:
        session: how registries, engines and caches are reached.
        place: where the image is.
        recipe: what it was derived from, by name or path; None for the shipped recipe that it names.
        base: where the base is; None for where the recipe says.
        verify: whether to prove it as well, which reads its whole base anew.

    Raises:
        UsageError: there is no such image, or its recipe is not known, or it has a stand-in as its base and `base` is
            missing.
        M2BuildError: as `Session.inspect`, `Session.plan`, `Session.verify` and `Session.referrers`.
    """
    place = place if isinstance(place, Place) else Place.parse(place)
    inspection = session.inspect(place)
    if inspection.content is None:
        return ImageFacts(place, inspection)
    wanted = load_recipe(recipe) if recipe is not None else None
    selection = _selection(place, inspection, wanted)
    if base is None and (stand_in := inspection.origin["standIn"]):
        named = stand_in if ":" in stand_in else f"{stand_in}:PATH"
        raise UsageError(f"{place} was derived from the stand-in {stand_in}", hint=f"name it, as in --base {named}")
    image, height = inspection.found.image, inspection.base_layers
    opened = session.base(selection.recipe, base)
    plan = session.plan(selection, opened)
    stored = list(zip(inspection.manifest.layers, inspection.config.diff_ids, strict=True))[height:]
    return ImageFacts(
        place,
        inspection,
        tuple(layer_account(image, layer, diff_id, plan) for layer, diff_id in stored),
        plan,
        session.verify(place, wanted, base=base) if verify else None,
        _flags(session, opened, plan),
        flag_comments(recipe or selection.recipe.name, selection.profile_id),
        attachments(session, place, _at_its_time(plan, session, inspection), inspection.manifest.digest),
    )


def _at_its_time(plan: Plan, session: Session, inspection: Inspection) -> Plan:
    """The plan with the image's own time, as `verify` takes it: statements hold that time, and it may be any."""
    environment = at_claimed_time(session.environment, inspection.config.labels)
    return replace(plan, created=creation_time(plan.base, environment))


def _selection(place: Place, inspection: Inspection, recipe: Recipe | None) -> Selection:
    found = claimed_selection(inspection.config.labels, recipe)
    if isinstance(found, Finding):
        raise UsageError(f"{place}: {found.message}")
    return found


def _flags(session: Session, base: Base, plan: Plan) -> ServerFlags | None:
    trees = [session.sources(base, source_root=f"/{source.root}") for source in plan.sources]
    found = read_server(trees)
    return found if isinstance(found, ServerFlags) else None
