"""Which engine builds: the one that is named, the one that the destination asks for, or the first one that answers."""

from __future__ import annotations

from dataclasses import dataclass

from m2build.engines.embedded import Embedded
from m2build.engines.model import Engine
from m2build.errors import EngineError, UsageError
from m2build.places.place import ENGINE_STORES, SOURCES, Place, PlaceKind
from m2build.progress import Progress


@dataclass(frozen=True)
class EngineRequest:
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


def choose_engine(request: EngineRequest, progress: Progress) -> Engine:
    """The engine that builds; a container engine has been probed.

    An explicit destination is the embedded engine's, unless it is an engine's own store. Without one it is the first
    of docker and podman that answers and can pull the base, and the embedded one if neither does.

    Raises:
        UsageError: what was said does not fit together.
        EngineError: the engine that it has to be is missing, or does not answer.
    """
    name = _named(request)
    _check(request, name)
    if name == "embedded":
        return Embedded()
    if name is None:
        return _first(request, progress)
    engine = _called(name, request)
    progress.step(f"building with {engine.probe()}")
    return engine


def _named(request: EngineRequest) -> str | None:
    """The engine that follows from what was said, without looking for any."""
    if request.engine:
        return request.engine
    if request.builder:
        return "docker"
    return ENGINE_STORES.get(request.place.kind, "embedded") if request.place else None


def _check(request: EngineRequest, name: str | None) -> None:
    """See that the engine, the destination and the base fit together."""
    store = ENGINE_STORES.get(request.place.kind) if request.place else None
    home = ENGINE_STORES.get(request.base.kind)
    if request.builder and name != "docker":
        raise UsageError("--builder needs docker", hint="use --engine docker, or leave --engine out")
    if store and name != store:
        raise UsageError(f"only {store} writes to {request.place}", hint=f"use --engine {store}, or leave --engine out")
    if name == "embedded" and request.load:
        raise UsageError("the embedded engine has no store of its own", hint="say where to, as in -o oci:DIR")
    if home and (request.builder or name not in (None, home, "embedded")):
        sees = f"the builder {request.builder}" if request.builder else name
        raise UsageError(
            f"{sees} cannot see {request.base}", hint=f"use --engine {home}, or push the base to a registry"
        )
    if request.base.kind in SOURCES and (request.load or name in ("docker", "podman")):
        raise UsageError(f"no container engine can pull {request.base}", hint="derive without one, as in -o oci:DIR")


def _called(name: str, request: EngineRequest) -> Engine:
    from m2build.engines.docker import Docker
    from m2build.engines.podman import Podman  # an explicit destination needs neither

    if name == "podman":
        return Podman()
    is_kept = request.place is None or request.place.kind is PlaceKind.DOCKER_DAEMON
    return Docker(request.builder, needs_daemon=is_kept or request.builder is None)


def _first(request: EngineRequest, progress: Progress) -> Engine:
    problems: list[str] = []
    for name in _able(request.base):
        engine = _called(name, request)
        try:
            version = engine.probe()
        except EngineError as error:
            problems.append(error.message)
        else:
            _tell_why(problems, progress)
            progress.step(f"building with {version}")
            return engine
    problems = problems or [f"no container engine can pull {request.base}"]
    if request.load:
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
