"""All checks of a machine, in the order in which they matter."""

from __future__ import annotations

from collections.abc import Callable

from m2build.documents.arguments import typed_arguments
from m2build.machine import gpus, host, tools
from m2build.machine.model import Diagnosis, Machine, State
from m2build.recipes.model import Selection

Check = Callable[[Machine, Selection], Diagnosis]

_ANYWHERE: tuple[Check, ...] = (
    tools.engine,
    tools.credentials,
    host.image_disk,
    host.model_disk,
    host.shared_memory,
)
_WITH_GPUS: dict[str, Check] = {
    "devices": gpus.devices,
    "render-groups": gpus.render_groups,
    "numa-balancing": host.numa_balancing,
    "kernel-options": host.kernel_options,
    "gpu-memory": gpus.gpu_memory,
}
"""By their ids; without a GPU they mean nothing."""


@typed_arguments
def doctor(selection: Selection, machine: Machine | None = None) -> tuple[Diagnosis, ...]:
    """What a machine lacks to derive an image and to serve with it. Reads, and changes nothing.

    Without an AMD GPU, the checks of GPUs end as `unknown`.

    Args:
        selection: the image that is to run here.
        machine: the machine, this one by default.

    Example:
        >>> import m2build
        >>> found = m2build.doctor(m2build.load_recipe("minimax-m2").select(tp=4))
        >>> [one.check for one in found][:2]
        ['engine', 'credentials']
    """
    machine = machine or Machine()
    found = [check(machine, selection) for check in _ANYWHERE]
    if machine.amd_gpus or machine.paths("dev/kfd"):
        return (*found, *(check(machine, selection) for check in _WITH_GPUS.values()))
    message = "this machine has no AMD GPU: run `m2build doctor` where the server will run"
    return (*found, *(Diagnosis(name, State.UNKNOWN, message) for name in _WITH_GPUS))
