"""What the benchmarks share: the cost of a process, a registry, and layers that do not compress."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

GIB = 1 << 30
RUNS = 7


@dataclass(frozen=True)
class Cost:
    """What one process took: seconds, seconds of CPU, MB."""

    wall: float
    cpu: float
    peak: float


def cost(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    start = time.perf_counter()
    peak = 0
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        # The kernel's account of a child counts what its parent had; the child's own high-water mark does not.
        status = Path(f"/proc/{process.pid}/status")
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            found = re.search(r"VmHWM:\s*(\d+)", status.read_text())
            peak = max(peak, int(found[1])) if found else peak
            time.sleep(0.005)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(ended[1])
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    return Cost(wall, ended[2].ru_utime + ended[2].ru_stime, peak / 1024)


def cpu_seconds(command: Sequence[str]) -> float:
    """User plus system time of one run of a process and its children."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)[:200]} failed with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def best(
    command: Sequence[str], environment: Mapping[str, str], *, forget: Path | None = None, runs: int = RUNS
) -> Cost:
    """The fastest of some runs; before each one something may be forgotten."""
    costs = []
    for _ in range(runs):
        if forget:
            shutil.rmtree(forget, ignore_errors=True)
        costs.append(cost(command, environment))
    return min(costs, key=lambda one: one.wall)


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "benchmark"},
    }
    (folder / "config.yml").write_text(json.dumps(config))
    with subprocess.Popen(
        ["docker-registry", "serve", str(folder / "config.yml")], stderr=subprocess.DEVNULL
    ) as server:
        try:
            time.sleep(0.5)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()


def noise(path: Path, size: int = GIB, seed: int = 0) -> None:
    """A layer with one file of so many bytes, a multiple of 16 MiB, that do not compress."""
    random_bytes = random.Random(seed)  # noqa: S311 - hides nothing
    info = tarfile.TarInfo("ballast")
    info.size = size
    with gzip.open(path, "wb", compresslevel=0) as out:
        out.write(info.tobuf())
        for _ in range(size >> 24):
            out.write(random_bytes.randbytes(1 << 24))
        out.write(bytes(1024))
