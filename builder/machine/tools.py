"""Checks of container engines and of the credentials for the base's registry."""

from __future__ import annotations

from m2build.errors import EngineError, M2BuildError
from m2build.machine.model import Diagnosis, Machine, State
from m2build.oci.reference import parse_reference
from m2build.recipes.model import Selection


def engine(_machine: Machine, _selection: Selection) -> Diagnosis:
    """Whether Docker or podman is installed, answers and is new enough."""
    from m2build.engines.docker import Docker
    from m2build.engines.podman import Podman

    found, problems = [], []
    for container_engine in (Docker(None, needs_daemon=True), Podman()):
        try:
            found.append(container_engine.probe())
        except EngineError as error:
            problems.append(error)
    if found:
        return Diagnosis("engine", State.OK, "; ".join(found))
    hints = [f"{problem.hint}" for problem in problems if problem.hint]
    message = "; ".join(problem.message for problem in problems)
    fix = f"{hints[0]}; to derive an image, `--engine embedded` needs none" if hints else ""
    return Diagnosis("engine", State.PROBLEM, message, fix)


def credentials(machine: Machine, selection: Selection) -> Diagnosis:
    """Whether there are credentials for the base's registry. They are not tried: nothing goes over the network."""
    from m2build.registry.credentials import find_credentials

    base = parse_reference(selection.recipe.base.image)
    login = f"`docker login {base.registry}` or `podman login {base.registry}`"
    try:
        found = find_credentials(base.registry, base.repository, machine.environment)
    except M2BuildError as error:
        return Diagnosis("credentials", State.PROBLEM, error.message, error.hint or login)
    if found is None:
        message = f"none for {base.registry}: {base.repository} is read anonymously"
        return Diagnosis("credentials", State.OK, message, f"{login}, if the registry asks for it or limits you")
    return Diagnosis("credentials", State.OK, f"there are credentials for {base.registry}; they were not tried")
