"""Checks of the kernel's settings, shared memory and disks."""

from __future__ import annotations

from pathlib import Path

from m2build.launch.facts import known_shape
from m2build.launch.memory import GIB, weight_bytes
from m2build.launch.topology import Topology
from m2build.machine.model import Diagnosis, Machine, State
from m2build.recipes.model import Selection

_AMD_GUIDE = "https://docs.sglang.io/platforms/amd_gpu.html"
_OPTIONS = ("iommu=pt", "pci=realloc=off")
_SHARED = 16 * GIB
"""What AMD gives eight processes of RCCL. In Docker's 64 MiB they fail with "No space left on device"."""
_SHARED_SOURCE = "https://github.com/ROCm/gpu-operator/tree/main/example/gpu-validation-cluster"
_UNPACKED = 75 * 10**9
"""Bytes of the base, unpacked."""


def numa_balancing(machine: Machine, _selection: Selection) -> Diagnosis:
    """Whether the kernel moves memory between NUMA nodes, which can make a GPU hang."""
    found = machine.text("proc/sys/kernel/numa_balancing")
    if found is None:
        return Diagnosis("numa-balancing", State.UNKNOWN, "the kernel has no /proc/sys/kernel/numa_balancing")
    if found == "0":
        return Diagnosis("numa-balancing", State.OK, "automatic NUMA balancing is off")
    message = f"automatic NUMA balancing is on ({found}), and GPUs can hang with it"
    return Diagnosis("numa-balancing", State.PROBLEM, message, "`sudo sysctl -w kernel.numa_balancing=0`", _AMD_GUIDE)


def kernel_options(machine: Machine, _selection: Selection) -> Diagnosis:
    """The kernel's command line, which has to pass the IOMMU through and leave PCI's addresses alone."""
    line = machine.text("proc/cmdline")
    if line is None:
        return Diagnosis("kernel-options", State.UNKNOWN, "/proc/cmdline cannot be read")
    lacking = [option for option in _OPTIONS if option not in line.split()]
    if not lacking:
        return Diagnosis("kernel-options", State.OK, f"the kernel has {' and '.join(_OPTIONS)}")
    message = f"the kernel was started without {' and without '.join(lacking)}"
    fix = f"add {' '.join(lacking)} to GRUB_CMDLINE_LINUX in /etc/default/grub, then `sudo update-grub` and reboot"
    return Diagnosis("kernel-options", State.PROBLEM, message, fix, _AMD_GUIDE)


def shared_memory(machine: Machine, _selection: Selection) -> Diagnosis:
    """The size of /dev/shm, through which processes of one server talk; containers with `--ipc=host` use the host's."""
    found = machine.space_of("dev/shm") if machine.paths("dev/shm") else None
    if found is None:
        return Diagnosis("shared-memory", State.UNKNOWN, "there is no shared memory (/dev/shm)")
    message = f"shared memory (/dev/shm) has {_binary(found.total)}"
    if found.total >= _SHARED:
        return Diagnosis("shared-memory", State.OK, message)
    fix = "give containers --shm-size 32g; for --ipc=host, `sudo mount -o remount,size=32g /dev/shm`"
    message = f"{message}, and eight GPUs need {_binary(_SHARED)}"
    return Diagnosis("shared-memory", State.PROBLEM, message, fix, _SHARED_SOURCE)


def model_disk(machine: Machine, selection: Selection) -> Diagnosis:
    """Room for the model's weights where Hugging Face's library keeps them, unless they are there."""
    repo, hub = selection.model.repo, _hub(machine)
    kept = hub / f"models--{repo.replace('/', '--')}"
    if machine.paths(f"{str(kept).lstrip('/')}/snapshots/*/config.json"):
        return Diagnosis("model-disk", State.OK, f"{repo} is in {kept}, at least in part")
    shape, space = known_shape(repo), machine.space_of(str(hub))
    if shape is None or space is None:
        return Diagnosis("model-disk", State.UNKNOWN, f"how much room {repo} needs in {hub} is not known")
    needed = weight_bytes(shape, Topology())
    message = f"{hub} has {_decimal(space.free)} free, and {repo} takes {_decimal(needed)}"
    if space.free >= needed:
        return Diagnosis("model-disk", State.OK, message)
    return Diagnosis("model-disk", State.PROBLEM, message, "set HF_HOME to a folder on a larger disk")


def image_disk(machine: Machine, _selection: Selection) -> Diagnosis:
    """Room for the base where a container engine keeps images."""
    stores = [path for path in ("var/lib/docker", "var/lib/containers/storage") if machine.paths(path)]
    if not stores:
        return Diagnosis("image-disk", State.UNKNOWN, "no container engine keeps images in its usual folder")
    free = {f"/{store}": found.free for store in stores if (found := machine.space_of(store))}
    message = ", ".join(f"{store} has {_decimal(amount)} free" for store, amount in free.items())
    message += f"; a base takes {_decimal(_UNPACKED)} unless it is there"
    if any(amount >= _UNPACKED for amount in free.values()):
        return Diagnosis("image-disk", State.OK, message)
    return Diagnosis("image-disk", State.PROBLEM, message, "remove images that are not needed, or move the store")


def _hub(machine: Machine) -> Path:
    """The cache of Hugging Face's library (huggingface.co/docs/huggingface_hub, "Environment variables")."""
    given, home = machine.environment, machine.environment.get("HOME", "")
    cache = given.get("XDG_CACHE_HOME") or f"{home}/.cache"
    hub = given.get("HF_HUB_CACHE") or f"{given.get('HF_HOME') or f'{cache}/huggingface'}/hub"
    return Path(hub.replace("~", home, 1) if hub.startswith("~/") else hub).absolute()


def _binary(size: int) -> str:
    return f"{size / GIB:.0f} GiB" if size >= GIB else f"{size / (1 << 20):.0f} MiB"


def _decimal(size: int) -> str:
    return f"{size / 10**9:,.0f} GB"
