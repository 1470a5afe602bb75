"""Which engine builds: the named one, the one of the destination, or the first one that answers."""

from __future__ import annotations

from dataclasses import dataclass

from m2build.engines.embedded import Embedded
from m2build.engines.model import Engine
from m2build.errors import EngineError, UsageError
from m2build.places.place import ENGINE_STORES, SOURCES, Place, PlaceKind
from m2build.progress import Progress


@dataclass(frozen=True)
class EngineRequest:
    """The user's options that decide the engine.

    Attributes:
        engine: `embedded`, `docker`, `podman`, or None.
        builder: a buildx builder, or None.
        place: the explicit destination, or None.
        load: whether the image stays in a container engine's own store.
        base: where the base is.
    """

    engine: str | None
    builder: str | None
    place: Place | None
    load: bool
    base: Place


def choose_engine(request: EngineRequest, progress: Progress) -> Engine:
    """The engine that builds; a container engine has been probed.

    For an explicit destination it is the embedded engine, unless that is a container engine's own store. Without one it
    is the first of docker and podman that answers and can pull the base, else the embedded one.

    Raises:
        UsageError: the options contradict each other.
        EngineError: the required engine is missing, or does not answer.
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
    """The engine that the options imply, without probing any."""
    if request.engine:
        return request.engine
    if request.builder:
        return "docker"
    return ENGINE_STORES.get(request.place.kind, "embedded") if request.place else None


def _check(request: EngineRequest, name: str | None) -> None:
    """Check that the engine, the destination and the base fit together."""
    store = ENGINE_STORES.get(request.place.kind) if request.place else None
    home = ENGINE_STORES.get(request.base.kind)
    if request.builder and name != "docker":
        raise UsageError("--builder needs docker", hint="use --engine docker, or leave --engine out")
    if store and name != store:
        raise UsageError(f"only {store} writes to {request.place}", hint=f"use --engine {store}, or leave --engine out")
    if name == "embedded" and request.load:
        raise UsageError("the embedded engine has no store of its own", hint="name a destination, as in -o oci:DIR")
    if home and (request.builder or name not in (None, home, "embedded")):
        sees = f"the builder {request.builder}" if request.builder else name
        raise UsageError(
            f"{sees} cannot see {request.base}", hint=f"use --engine {home}, or push the base to a registry"
        )
    if request.base.kind in SOURCES and (request.load or name in ("docker", "podman")):
        raise UsageError(
            f"no container engine can pull {request.base}",
            hint="write a layout or an archive instead, as in -o oci:DIR",
        )


def _called(name: str, request: EngineRequest) -> Engine:
    from m2build.engines.docker import Docker
    from m2build.engines.podman import Podman  # an explicit destination needs neither

    if name == "podman":
        return Podman()
    is_kept = request.place is None or request.place.kind is PlaceKind.DOCKER_DAEMON
    return Docker(request.builder, needs_daemon=is_kept or request.builder is None)


def _first(request: EngineRequest, progress: Progress) -> Engine:
    problems: list[str] = []
    for name in _candidates(request.base):
        engine = _called(name, request)
        try:
            version = engine.probe()
        except EngineError as error:
            problems.append(error.message)
        else:
            _report_passed_over(problems, progress)
            progress.step(f"building with {version}")
            return engine
    problems = problems or [f"no container engine can pull {request.base}"]
    if request.load:
        reason = "; ".join(problems)
        raise EngineError(
            f"there is no container engine to build with: {reason}", hint="name another destination: -o oci:DIR"
        )
    _report_passed_over(problems, progress)
    return Embedded()


def _report_passed_over(problems: list[str], progress: Progress) -> None:
    """Report why engines were passed over, one line for each."""
    for problem in problems:
        progress.notice(f"{problem}; building without it")


def _candidates(base: Place) -> tuple[str, ...]:
    """The engines that can start from a base."""
    if base.kind is PlaceKind.REGISTRY:
        return ("docker", "podman")
    return (ENGINE_STORES[base.kind],) if base.kind in ENGINE_STORES else ()
