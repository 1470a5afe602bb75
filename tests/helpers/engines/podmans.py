"""A real podman with its own store, which buildah and skopeo use as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from helpers.engines.engine import Engine
from helpers.engines.leftovers import short_folder, store_folder
from helpers.support import need_root, need_tool


@dataclass(frozen=True)
class PodmanEngine(Engine):
    """podman with a new, empty store."""

    program: ClassVar[str] = "podman"


@contextmanager
def podman_engine(folder: Path, insecure: Sequence[str] = ()) -> Iterator[PodmanEngine]:
    """podman with its store in a new folder; it uses HTTP for the registries named as insecure.

    Containers use the machine's own network, which is not changed. At the end everything is stopped and removed, the
    folder included.
    """
    need_root("starts a container engine")
    for tool in ("conmon", "runc"):
        need_tool(tool)
    with store_folder(folder), short_folder() as run:
        engine = _with_driver(folder, run, insecure)
        try:
            yield engine
        finally:
            engine.run("rm", "--all", "--force", "--time=0")
            engine.run("umount", "--all")


def _with_driver(folder: Path, run: Path, insecure: Sequence[str]) -> PodmanEngine:
    """The driver is overlay, or vfs on a file system that overlay does not support."""
    environment = {
        "CONTAINERS_CONF": _written(folder / "containers.conf", _settings(folder, run)),
        "CONTAINERS_REGISTRIES_CONF": _written(folder / "registries.conf", _registries(insecure)),
        "CONTAINERS_STORAGE_CONF": _written(folder / "storage.conf", _storage("overlay", folder, run)),
    }
    if PodmanEngine(environment).run("info", check=False).returncode != 0:
        environment["CONTAINERS_STORAGE_CONF"] = _written(folder / "vfs.conf", _storage("vfs", folder, run))
    return PodmanEngine(environment)


def _settings(folder: Path, run: Path) -> str:
    """Where podman keeps its data, and limits that work even if the machine's own are lower than usual.

    By default, locks would be shared with every other podman of the machine, and a new network would change the
    machine's bridges and its packet filter. `static_dir` stays in the store: the process that cleans up after a
    container looks only there, and without it podman waits for 20 seconds.
    """
    return f"""
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
runtime = "runc"
tmp_dir = "{run}/libpod"
volume_path = "{folder}/volumes"
"""


def _storage(driver: str, folder: Path, run: Path) -> str:
    return f'[storage]\ndriver = "{driver}"\ngraphroot = "{folder}/{driver}"\nrunroot = "{run}/{driver}"\n'


def _registries(insecure: Sequence[str]) -> str:
    blocks = [f'[[registry]]\nlocation = "{host}"\ninsecure = true\n' for host in insecure]
    return "".join(["unqualified-search-registries = []\n", *blocks])


def _written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)
