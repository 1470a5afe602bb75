"""Which engine builds: the one that is named, the one that the destination asks for, or the first one that answers."""

from __future__ import annotations

from dataclasses import dataclass

from m2build.engines.embedded import Embedded
from m2build.engines.model import Engine
from m2build.errors import EngineError, UsageError
from m2build.places.place import ENGINE_STORES, SOURCES, Place, PlaceKind
from m2build.progress import Progress


@dataclass(frozen=True)
class Wish:
    """What the user has said that bears on the engine.

    Attributes:
        engine: `embedded`, `docker`, `podman`, or None.
        builder: a buildx builder, or None.
        place: the explicit destination, or None.
        load: whether the image is to be left in a container engine's own store.
        base: what is derived from.
    """

    engine: str | None
    builder: str | None
    place: Place | None
    load: bool
    base: Place


def choose_engine(wish: Wish, progress: Progress) -> Engine:
    """The engine that builds; a container engine has been probed.

    An explicit destination is the embedded engine's, unless it is an engine's own store. Without one it is the first
    of docker and podman that answers and can pull the base, and the embedded one if neither does.

    Raises:
        UsageError: what was said does not fit together.
        EngineError: the engine that it has to be is missing, or does not answer.
    """
    name = _named(wish)
    _check(wish, name)
    if name == "embedded":
        return Embedded()
    if name is None:
        return _first(wish, progress)
    engine = _called(name, wish)
    progress.step(f"building with {engine.probe()}")
    return engine


def _named(wish: Wish) -> str | None:
    """The engine that follows from what was said, without looking for any."""
    if wish.engine:
        return wish.engine
    if wish.builder:
        return "docker"
    return ENGINE_STORES.get(wish.place.kind, "embedded") if wish.place else None


def _check(wish: Wish, name: str | None) -> None:
    """See that the engine, the destination and the base fit together."""
    store = ENGINE_STORES.get(wish.place.kind) if wish.place else None
    home = ENGINE_STORES.get(wish.base.kind)
    if wish.builder and name != "docker":
        raise UsageError("--builder names a builder of docker's", hint="use --engine docker, or leave --engine out")
    if store and name != store:
        raise UsageError(f"only {store} writes to {wish.place}", hint=f"use --engine {store}, or leave --engine out")
    if name == "embedded" and wish.load:
        raise UsageError("the embedded engine has no store of its own", hint="say where to, as in -o oci:DIR")
    if home and (wish.builder or name not in (None, home, "embedded")):
        sees = f"the builder {wish.builder}" if wish.builder else name
        raise UsageError(f"{sees} cannot see {wish.base}", hint=f"use --engine {home}, or push the base to a registry")
    if wish.base.kind in SOURCES and (wish.load or name in ("docker", "podman")):
        raise UsageError(f"no container engine can pull {wish.base}", hint="derive without one, as in -o oci:DIR")


def _called(name: str, wish: Wish) -> Engine:
    from m2build.engines.docker import Docker
    from m2build.engines.podman import Podman  # an explicit destination needs neither

    if name == "podman":
        return Podman()
    is_kept = wish.place is None or wish.place.kind is PlaceKind.DOCKER_DAEMON
    return Docker(wish.builder, needs_daemon=is_kept or wish.builder is None)


def _first(wish: Wish, progress: Progress) -> Engine:
    problems: list[str] = []
    for name in _able(wish.base):
        engine = _called(name, wish)
        try:
            version = engine.probe()
        except EngineError as error:
            problems.append(error.message)
        else:
            _tell_why(problems, progress)
            progress.step(f"building with {version}")
            return engine
    problems = problems or [f"no container engine can pull {wish.base}"]
    if wish.load:
        reason = "; ".join(problems)
        raise EngineError(f"there is no container engine to build with: {reason}", hint="say where else to: -o oci:DIR")
    _tell_why(problems, progress)
    return Embedded()


def _tell_why(problems: list[str], progress: Progress) -> None:
    """Say why it is not the engine that was to be expected, a line for each that was passed over."""
    for problem in problems:
        progress.notice(f"{problem}; building without it")


def _able(base: Place) -> tuple[str, ...]:
    """The engines that can start from a base."""
    if base.kind is PlaceKind.REGISTRY:
        return ("docker", "podman")
    return (ENGINE_STORES[base.kind],) if base.kind in ENGINE_STORES else ()
