"""All rules about a model on its GPUs: shapes, environment, memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from m2build.launch.environment import environment_findings
from m2build.launch.facts import known_shape, smallest_gpu
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
    """The rules that a launch breaks; memory counts for the smallest GPU that the base is made for.

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
        yield from memory_findings(shape, topology, smallest_gpu(surroundings.architecture))
