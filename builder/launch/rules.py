"""All rules about a model on its GPUs: shapes, environment, memory."""

from __future__ import annotations

from collections.abc import Iterator

from m2build.launch.environment import environment_findings
from m2build.launch.facts import known_shape, smallest_gpu
from m2build.launch.findings import Finding
from m2build.launch.memory import memory_findings
from m2build.launch.shapes import shape_findings
from m2build.launch.topology import Surroundings, Topology


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
