"""`Session`: how m2build reaches registries, engines, caches and its user, for as many images as there are to make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from m2build.documents.arguments import typed_arguments
from m2build.session.attesting import Attesting
from m2build.session.moving import Moving
from m2build.session.surveying import Surveying

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.evidence.requirements import Requirements
    from m2build.inspection.image import Inspection
    from m2build.locking.model import Lock
    from m2build.places.place import Place
    from m2build.programs.cosign import Identity
    from m2build.recipes.model import Recipe, Selection
    from m2build.verification.result import Verification


class Session(Moving, Attesting, Surveying):
    """Derives, delivers, attests, inspects, surveys and moves images.

    A session reads nothing before it is asked to. It keeps what it learns of registries (schemes, tokens, connections),
    so use one for several images; it may be used in a `with` block, which closes its connections.

    >>> import m2build
    >>> recipe = m2build.load_recipe("minimax-m2")
    >>> with m2build.Session() as session:
    ...     base = session.base(recipe, "pypi:sglang==0.5.7")
    ...     plan = session.plan(recipe.select(tp=8), base)
    >>> [change.path for change in plan.changeset.changes][-1]
    'sglang/srt/models/minimax_m2.py'
    """


@typed_arguments
def inspect(place: str | Place) -> Inspection:
    """What an image is, and how it differs from its base: `Session.inspect` in a session of its own.

    Raises:
        M2BuildError: as `Session.inspect`.
    """
    with Session() as session:
        return session.inspect(place)


@typed_arguments
def lock(selections: Sequence[Selection], base: str | Place | Base | None = None) -> Lock:
    """The digests that images rest on: `Session.lock` in a session of its own.

    Raises:
        M2BuildError: as `Session.lock`.
    """
    with Session() as session:
        return session.lock(selections, base)


@typed_arguments
def verify(
    place: str | Place,
    wanted: Recipe | Selection | None = None,
    *,
    base: str | Place | None = None,
    lock: Lock | None = None,
    signer: str | Identity | None = None,
    require: Requirements | None = None,
) -> Verification:
    """Prove an image from recipe and base alone: `Session.verify` in a session of its own.

    Raises:
        M2BuildError: as `Session.verify`.
    """
    with Session() as session:
        return session.verify(place, wanted, base=base, lock=lock, signer=signer, require=require)
