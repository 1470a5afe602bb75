"""All rules about a model on its GPUs: shapes, environment, memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from m2build.launch.environment import environment_findings
from m2build.launch.facts import Gpu, Shape, gpus_of, known_shape
from m2build.launch.findings import Finding
from m2build.launch.memory import memory_findings
from m2build.launch.shapes import shape_findings
from m2build.launch.topology import Surroundings, Topology
from m2build.recipes.model import Selection


def selection_findings(
    selection: Selection,
    values: Mapping[str, object] | None = None,
    release: str | None = None,
    base_variables: Mapping[str, str] | None = None,
) -> Iterator[Finding]:
    """The rules that a recipe's selection breaks.

    >>> from m2build.recipes.load import load_recipe
    >>> pure = load_recipe("minimax-m2", ["profiles.tp8.flags.ep-size=1"]).select(tp=8)
    >>> [finding.rule for finding in selection_findings(pure) if finding.is_fatal]
    ['expert-block']

    Args:
        selection: the recipe, its profile and its model.
        values: the flags' values as the server parses them, by name; the profile's own by default.
        release: SGLang's release, if its sources are known; else the base's tag says it.
        base_variables: the environment of the base's config, if it is known.
    """
    topology = Topology.of(selection.profile.flags if values is None else values, selection.profile.gpus)
    variables = [base_variables or {}, selection.settings.env]
    surroundings = Surroundings.of(selection.recipe.base.image, variables, release)
    yield from model_findings(selection.model.repo, topology, surroundings)


def model_findings(repo: str, topology: Topology, surroundings: Surroundings) -> Iterator[Finding]:
    """The rules that a launch breaks.

    Args:
        repo: the model's repository on Hugging Face.
        topology: how the flags divide it: `Topology.of(flags, gpus)`.
        surroundings: what the server runs on: `Surroundings.of(image, variables)`.
    """
    yield from environment_findings(repo, topology, surroundings)
    shape = known_shape(repo)
    if shape is None:
        message = f"the dimensions of {repo} are not known, so that shapes and memory were not checked"
        hint = "`m2build size --config config.json` computes the memory from the model's own configuration"
        yield Finding("unknown-model", message, hint, "builder/launch/facts.yaml", is_fatal=False)
        return
    broken = list(shape_findings(shape, topology, surroundings))
    yield from broken
    if not any(finding.is_fatal for finding in broken):  # or the sizes would mean nothing
        yield from _memory(shape, topology, gpus_of(surroundings.architecture))


def _memory(shape: Shape, topology: Topology, gpus: Sequence[Gpu]) -> Iterator[Finding]:
    """What does not fit the smallest GPU of the base's; it is fatal if it does not fit the largest either."""
    smallest, largest = gpus[0], gpus[-1]
    fits_no_gpu = any(finding.is_fatal for finding in memory_findings(shape, topology, largest))
    for finding in memory_findings(shape, topology, smallest):
        if finding.is_fatal and not fits_no_gpu:
            yield replace(finding, message=f"{finding.message}; {largest.name} has room", is_fatal=False)
        else:
            yield finding
