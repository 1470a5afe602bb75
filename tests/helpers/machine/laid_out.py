"""Machines laid out as folders: files of /proc, /sys and /dev as a node with MI300X has them.

They are fakes: their GPUs do not exist, and what the files hold was written after the kernel's documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from m2build.machine.model import Machine, Space

GIB = 1 << 30
MI300X = 192 * GIB
HUB = "root/.cache/huggingface/hub"


def laid_out(
    root: Path,
    *,
    gpus: int = 8,
    used: int = GIB,
    files: Mapping[str, str | None] | None = None,
    space: Space | None = None,
    user: int = 0,
    groups: frozenset[int] = frozenset(),
) -> Machine:
    """A machine in good order, but for what the arguments say.

    Args:
        root: a new folder.
        gpus: how many MI300X it has.
        used: bytes of each GPU's memory that are in use.
        files: files to write instead, by their paths; None for those that shall not exist.
        space: of every file system.
        user: the user's number.
        groups: the user's groups.
    """
    laid = {
        "proc/sys/kernel/numa_balancing": "0\n",
        "proc/cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro iommu=pt pci=realloc=off\n",
        "dev/shm/.keep": "",
        "var/lib/docker/.keep": "",
        "sys/bus/pci/devices/0000:00:00.0/vendor": "0x8086\n",
        "sys/bus/pci/devices/0000:00:00.0/class": "0x060000\n",
        **({"dev/kfd": ""} if gpus else {}),
    }
    for number in range(gpus):
        device = f"sys/bus/pci/devices/0000:{number + 5:02x}:00.0"
        laid |= {f"{device}/vendor": "0x1002\n", f"{device}/class": "0x120000\n"}
        card = f"sys/class/drm/card{number * 8 + 1}/device"
        laid |= {f"{card}/mem_info_vram_total": f"{MI300X}\n", f"{card}/mem_info_vram_used": f"{used}\n"}
        laid[f"dev/dri/renderD{128 + number * 8}"] = ""
    for path, text in {**laid, **(files or {})}.items():
        if text is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
    found = space or Space(2000 * GIB, 1000 * GIB)
    return Machine(root, {"HOME": "/root"}, user, groups, lambda _path: found)
