"""Errors about a base that cannot be pulled, with other places of the same image."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which

from m2build.errors import EngineError, M2BuildError, TransportError
from m2build.places.place import ENGINE_STORES, Place, PlaceKind

_PULLING = (
    "load metadata for",
    "failed to resolve",
    "pull access denied",
    "initializing source docker://",
    "unable to copy from source docker://",
    "pinging container registry",
)
"""Parts of BuildKit's and buildah's messages that mean a failed pull, and not a failed step."""


@contextmanager
def pulled(place: Place) -> Iterator[None]:
    """Add to errors about a base in a registry what else the user can do.

    Raises:
        TransportError: m2build cannot pull it.
        EngineError: a container engine cannot pull it; other errors of the engine pass unchanged.
    """
    if place.kind is not PlaceKind.REGISTRY:
        yield
        return
    try:
        yield
    except TransportError as error:
        raise TransportError(
            _message(place, error), hint=_hint(place, error), details=error.details, is_missing=error.is_missing
        ) from error
    except EngineError as error:
        if not any(words in str(error) for words in _PULLING):
            raise
        raise EngineError(_message(place, error), hint=_hint(place, error), details=error.details) from error


def _message(place: Place, error: M2BuildError) -> str:
    return f"the base {place.location} cannot be pulled: {error.message}"


def _hint(place: Place, error: M2BuildError) -> str:
    """The error's own next step, then other places of the same image."""
    known = [f"{local} has it: --base {kind}:{place.location}" for kind, local in _stores_with(place)]
    other = "name another place with --base, such as a mirror: --base MIRROR/NAME:TAG"
    return "; ".join(filter(None, [error.hint, *known, other]))


def _stores_with(place: Place) -> Iterator[tuple[PlaceKind, str]]:
    from m2build.places.engine_store import image_as_it_is  # it needs other programs

    for kind, engine in ENGINE_STORES.items():
        if which(engine) and image_as_it_is(Place(kind, place.location)):
            yield kind, engine
