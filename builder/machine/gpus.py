"""Checks of the GPUs: their devices, who may open them, and their memory."""

from __future__ import annotations

from m2build.launch.facts import known_shape
from m2build.launch.memory import GIB, needed_bytes, weight_bytes
from m2build.launch.topology import Topology
from m2build.machine.model import Diagnosis, Machine, State
from m2build.recipes.model import Selection

_DOCKER = "https://rocm.docs.amd.com/projects/install-on-linux/en/latest/how-to/docker.html"
_SYSFS = "https://docs.kernel.org/gpu/amdgpu/driver-misc.html"


def devices(machine: Machine, _selection: Selection) -> Diagnosis:
    """`/dev/kfd` and `/dev/dri/renderD*`, which a container needs."""
    renders = machine.paths("dev/dri/renderD*")
    lacking = [
        name for name, found in (("/dev/kfd", machine.paths("dev/kfd")), ("/dev/dri/renderD*", renders)) if not found
    ]
    if lacking:
        cause = "the driver amdgpu is not loaded, or a container was not given them"
        message = f"there is no {' and no '.join(lacking)} for {machine.amd_gpus} AMD GPUs: {cause}"
        fix = "load it with `sudo modprobe amdgpu`; in a container, pass --device /dev/kfd --device /dev/dri"
        return Diagnosis("devices", State.PROBLEM, message, fix, _DOCKER)
    return Diagnosis("devices", State.OK, f"/dev/kfd and {len(renders)} of /dev/dri/renderD*")


def render_groups(machine: Machine, _selection: Selection) -> Diagnosis:
    """The groups of the devices, read from the devices: their numbers differ from machine to machine."""
    found = {path: (machine.root / path).stat().st_gid for path in machine.paths("dev/dri/renderD*")}
    found |= {path: (machine.root / path).stat().st_gid for path in machine.paths("dev/kfd")}
    if not found:
        return Diagnosis("render-groups", State.UNKNOWN, "there are no devices whose groups could be read")
    numbers = sorted(set(found.values()))
    options = " ".join(f"--group-add {number}" for number in numbers)
    message = f"the devices belong to {'groups' if len(numbers) > 1 else 'group'} {', '.join(map(str, numbers))}"
    missing = [number for number in numbers if number not in machine.groups]
    if machine.user == 0 or not missing:
        return Diagnosis("render-groups", State.OK, f"{message}: a container takes {options}")
    joined = ",".join(map(str, missing))
    fix = f"give containers {options}; for a rootless engine also `sudo usermod -aG {joined} $USER`, and log in again"
    return Diagnosis("render-groups", State.PROBLEM, f"{message}, and you are not in {joined}", fix, _DOCKER)


def gpu_memory(machine: Machine, selection: Selection) -> Diagnosis:
    """Each GPU's free memory, as the driver counts it in sysfs, against what the profile needs of it."""
    free = _free(machine)
    if not free:
        message = "the driver shows no GPU memory (/sys/class/drm/card*/device/mem_info_vram_total)"
        return Diagnosis("gpu-memory", State.UNKNOWN, message, source=_SYSFS)
    shown = ", ".join(f"{amount / GIB:.0f}" for amount in free)
    message = f"{len(free)} GPUs have {shown} GiB free"
    shape, topology = known_shape(selection.model.repo), Topology.of(selection.profile.flags, selection.profile.gpus)
    if shape is None:
        return Diagnosis("gpu-memory", State.UNKNOWN, f"{message}; what {selection.model.repo} needs is not known")
    needed, gpus = needed_bytes(shape, topology), selection.profile.gpus
    weights = f"{needed / GIB:.1f} GiB, with {weight_bytes(shape, topology) / GIB:.1f} GiB of weights"
    message += f"; the profile {selection.profile_id} needs {gpus}, each with {weights}"
    if sum(amount >= needed for amount in free) >= gpus:
        return Diagnosis("gpu-memory", State.OK, message)
    fix = "`amd-smi process` shows what uses it; end that, or choose another profile"
    return Diagnosis("gpu-memory", State.PROBLEM, message, fix, _SYSFS)


def _free(machine: Machine) -> list[int]:
    """Bytes of each GPU that nothing uses."""
    free = []
    for path in machine.paths("sys/class/drm/card*/device/mem_info_vram_total"):
        total = machine.number(path)
        used = machine.number(path.replace("_total", "_used"))
        if total is not None and used is not None:
            free.append(max(0, total - used))
    return free
