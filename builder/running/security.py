"""Security profiles: what a container may use of the machine, and what each setting opens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Security(StrEnum):
    """How much of the machine a container may use."""

    STRICT = "strict"
    """The GPUs, and else what any container may. After AMD's minimum
    (https://rocm.docs.amd.com/projects/install-on-linux/en/latest/how-to/docker.html) and its job with RCCL on eight
    GPUs, which has no privileges (ROCm/gpu-operator, cluster-validation-job.yaml)."""
    AMD_DOCS = "amd-docs"
    """AMD's page on SGLang (https://rocm.docs.amd.com/projects/ai-ecosystem/en/latest/inference/sglang.html)."""
    AS_DOCUMENTED = "as-documented"
    """SGLang's page on MiniMax-M2 (sgl-project/sgl-cookbook, docs/autoregressive/MiniMax/MiniMax-M2.md)."""


@dataclass(frozen=True)
class Rules:
    """What a security profile sets.

    Attributes:
        opens: what it opens of the machine beside the GPUs, for a warning; empty if nothing.
        host_network: whether the container has the machine's network.
        host_ipc: whether it has the machine's shared memory; otherwise it has its own.
        privileged: whether it may do anything to the machine.
        capabilities: further capabilities.
        options: the options of `--security-opt`.
        groups: groups that its devices belong to, by their names in the image.
        devices: devices beside the GPUs.
        volumes: further folders of the machine.
        variables: further variables.
    """

    opens: tuple[str, ...] = ()
    host_network: bool = False
    host_ipc: bool = False
    privileged: bool = False
    capabilities: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    volumes: tuple[tuple[str, str], ...] = ()
    variables: tuple[tuple[str, str], ...] = ()


RULES = {
    Security.STRICT: Rules(options=("no-new-privileges",)),
    Security.AMD_DOCS: Rules(
        opens=(
            "the machine's network (--network=host)",
            "its shared memory (--ipc=host)",
            "the memory of processes that it can see (SYS_PTRACE)",
            "every system call (seccomp=unconfined)",
        ),
        host_network=True,
        host_ipc=True,
        capabilities=("SYS_PTRACE",),
        options=("seccomp=unconfined",),
        groups=("video",),
    ),
    Security.AS_DOCUMENTED: Rules(
        opens=(
            "all of the machine: root in the container is root outside (--privileged, CAP_SYS_ADMIN)",
            "all its files, at /work (-v /:/work)",
            "its memory (/dev/mem)",
            "its network and its shared memory (--network=host, --ipc=host)",
            "every system call (seccomp=unconfined)",
        ),
        host_network=True,
        host_ipc=True,
        privileged=True,
        capabilities=("CAP_SYS_ADMIN", "SYS_PTRACE"),
        options=("seccomp=unconfined",),
        groups=("video",),
        devices=("/dev/mem",),
        volumes=(("/", "/work"),),
        variables=(("SHELL", "/bin/bash"),),
    ),
}
"""What each profile sets."""
