"""Trying a series on the bases that tags of a registry name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from m2build.documents.arguments import typed_arguments
from m2build.drift.judging import judged, locked_source, not_judged
from m2build.drift.model import Drift, ReleaseDrift
from m2build.drift.run import in_contexts, of_one
from m2build.errors import ContentError, M2BuildError, PatchError, TransferBudgetError, TransportError, UsageError
from m2build.oci.reference import parse_reference
from m2build.patches.changeset import apply_series
from m2build.patches.loading import load_series
from m2build.places.place import PlaceKind, registry_place
from m2build.progress import amount
from m2build.session import Session

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.locking.model import Lock, LockedSource
    from m2build.oci.digest import Digest
    from m2build.patches.changeset import Changeset
    from m2build.patches.series import Series
    from m2build.recipes.model import Recipe

_Found = dict[str, "Base | M2BuildError"]


@typed_arguments
def try_tags(
    series: Series,
    pattern: str,
    recipe: Recipe,
    *,
    repositories: Sequence[str] = (),
    lock: Lock | None = None,
    session: Session | None = None,
) -> Drift:
    """Try a series on every base whose tag matches a pattern.

    Manifests and configs are fetched first, four at a time, which tells how much of the layers has to be fetched at
    most. More than `session.publishing` allows (256 MiB unless it says otherwise) is refused before anything is. Bases
    are then read one by one, so that layers which several have are fetched once. A base that cannot be tried is among
    the results with its problem.

    Args:
        series: the series.
        pattern: a glob over tags, as `v0.5.*-rocm*-mi30x*`.
        recipe: says where in a base the sources are, for which platform, and what the base is.
        repositories: where the tags are, `[REGISTRY/]NAME`; by default the recipe's base image.
        lock: a lock to compare with.
        session: how registries are reached; None for a session of its own.

    Raises:
        UsageError: no tag matches, a repository is not named as one, the recipe has not exactly one folder of sources
            for the series, or what `try_releases` raises.
        TransferBudgetError: more would be fetched than is allowed; nothing was.
        TransportError: a registry does not deliver.
        StorageError: the cache cannot be written.
    """
    locked = locked_source(series, lock) if lock else None
    name = _folder_of(series, recipe)
    with ExitStack() as stack:
        opened = session or stack.enter_context(Session())
        names = _repositories(recipe, repositories)
        found = _opened(list(_tagged(opened, names, pattern)), recipe, opened)
        bases = {base.manifest_digest: base for base in found.values() if not isinstance(base, M2BuildError)}
        _check_budget(opened, recipe, list(bases.values()))
        tried = {digest: _changeset(series, recipe, name, base, opened) for digest, base in bases.items()}
    results = tuple(_judged(one, base, tried, series, locked) for one, base in found.items())
    known = (locked.release or "unknown") if locked else None
    asked = ", ".join(f"{repository}:{pattern}" for repository in names)
    return Drift(series=series.id, requirement=asked, locked=known, releases=results)


def _folder_of(series: Series, recipe: Recipe) -> str:
    """The name of the folder of sources that a series is for."""
    own = [name for name, one in recipe.series_names.items() if load_series(one).id == series.id]
    names = own or list(recipe.roots)
    if len(names) == 1:
        return names[0]
    raise UsageError(
        f"the recipe {recipe.name} has several folders of sources, and {series.id} is not the series of one of them: "
        f"{', '.join(names)}",
        hint="give a series that the recipe names",
    )


def _repositories(recipe: Recipe, given: Sequence[str]) -> list[str]:
    """The repositories with their registries, each once."""
    if given:
        return list(dict.fromkeys(str(parse_reference(one)) for one in given))
    base = registry_place(recipe.base.image)
    if base.kind is not PlaceKind.REGISTRY:
        raise UsageError(f"the recipe's base {base} is not in a registry", hint="name a repository")
    return [parse_reference(base.location).name]


def _tagged(session: Session, names: Sequence[str], pattern: str) -> Iterator[str]:
    """Every matching name with its tag, by repository, and there from the oldest to the newest."""
    count, matching = 0, 0
    for name in names:
        session.progress.step(f"listing the tags of {name}")
        tags = session.tags(name)
        chosen = sorted((tag for tag in tags if fnmatchcase(tag, pattern)), key=_by_numbers)
        count, matching = count + len(tags), matching + len(chosen)
        yield from (f"{name}:{tag}" for tag in chosen)
    if not matching:
        raise UsageError(
            f"none of the {count} tags of {', '.join(names)} matches {pattern!r}", hint="as in 'v0.5.*-rocm*-mi30x*'"
        )


def _by_numbers(tag: str) -> list[str | int]:
    """A key that sorts 0.5.10 behind 0.5.9; every second part is a number."""
    return [int(part) if position % 2 else part for position, part in enumerate(re.split("([0-9]+)", tag))]


def _opened(names: Sequence[str], recipe: Recipe, session: Session) -> _Found:
    """The base of each name, or why it has none."""

    def open_one(name: str) -> Base | M2BuildError:
        try:
            return session.base(recipe, f"docker://{name}")
        except (UsageError, ContentError, TransportError) as error:
            return of_one(error)

    return dict(zip(names, in_contexts(open_one, names), strict=True))


def _check_budget(session: Session, recipe: Recipe, bases: Sequence[Base]) -> None:
    unread, limit = session.unread_bytes(recipe, bases), session.publishing.limit
    read, whose = ("1 base", "its") if len(bases) == 1 else (f"{len(bases)} bases", "their")
    if unread > limit:
        raise TransferBudgetError(
            f"reading {read} fetches up to {amount(unread)} of {whose} layers, and {amount(int(limit))} are allowed; "
            "nothing was read",
            hint=f"ask for fewer tags, or allow it: --max-transfer {-(-unread // 10**9)}GB",
        )
    session.progress.step(f"reading {read}: {amount(unread)} of {whose} layers at most")


def _changeset(series: Series, recipe: Recipe, name: str, base: Base, session: Session) -> Changeset | M2BuildError:
    session.progress.step(f"trying {series.id} on {base.name}")
    try:
        return apply_series(series, session.recipe_sources(recipe, base)[name])
    except (PatchError, ContentError, TransportError) as error:
        return of_one(error)


def _judged(
    name: str,
    base: Base | M2BuildError,
    tried: Mapping[Digest | None, Changeset | M2BuildError],
    series: Series,
    locked: LockedSource | None,
) -> ReleaseDrift:
    if isinstance(base, M2BuildError):
        return not_judged(name, series, base, locked)
    digest, found = str(base.digest), tried[base.manifest_digest]
    if isinstance(found, M2BuildError):
        return not_judged(name, series, found, locked, digest=digest)
    return judged(name, found, locked, digest=digest)
