"""Configurations that are known to break on some base or GPU: the rules of `facts.yaml`."""

from __future__ import annotations

from collections.abc import Iterator

from m2build.launch.facts import Rule, facts
from m2build.launch.findings import Finding
from m2build.launch.topology import Surroundings, Topology, is_in


def environment_findings(repo: str, topology: Topology, surroundings: Surroundings) -> Iterator[Finding]:
    """The rules that hold for a launch; none is certain to stop the server, so all are warnings.

    Args:
        repo: the model's repository on Hugging Face.
        topology: how it is divided, and which switches are given.
        surroundings: what the server runs on. A rule that needs what is not known does not hold.
    """
    for rule in facts().rules:
        if _holds(rule, repo, topology, surroundings):
            yield Finding(rule.id, rule.message, rule.hint, rule.source, is_fatal=False)


def _holds(rule: Rule, repo: str, topology: Topology, surroundings: Surroundings) -> bool:
    return (
        rule.tp <= topology.tp < (rule.below_tp or topology.tp + 1)
        and (not rule.models or repo in rule.models)
        and (not rule.architectures or surroundings.architecture in rule.architectures)
        and (rule.releases is None or is_in(surroundings.release, rule.releases))
        and (rule.rocm is None or is_in(surroundings.rocm, rule.rocm))
        and all(surroundings.variables.get(name) == value for name, value in rule.variables.items())
        and not any(topology.sets(flag) for flag in rule.without)
    )
