"""Deriving within one registry, beside crane, in one run, from bases with 1 GiB and with 4 GiB of ballast.

    pip install -e . && python benchmarks/registry.py

Needs docker-registry and crane, some 12 GiB of disk, and no network. Every row is a process of its own; wall and CPU
seconds and peak memory are those of the best of its runs, start-up included.
"""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from m2build.base.stand_in import image_of_sources
from m2build.oci.reference import parse_reference
from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel
from m2build.patches.tree import SourceTree
from m2build.progress import Silent
from m2build.registry.access import Access
from m2build.registry.pull import read_remote
from m2build.registry.push import push_image

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


def network(base: str, target: str) -> Cost:
    """What the requests alone take: of reading the base's manifest and config, and of pushing a derived image."""
    walls = []
    image = read_remote(parse_reference(target), "linux/amd64", Access.of(os.environ)).image
    for _ in range(RUNS):
        start = time.perf_counter()
        access = Access.of(os.environ)
        read_remote(parse_reference(base), "linux/amd64", access)
        push_image(image, parse_reference(target), access, Silent())
        walls.append(time.perf_counter() - start)
    return Cost(min(walls), 0, 0)


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


def noise(path: Path) -> None:
    """A layer of 1 GiB with one file that does not compress."""
    random_bytes = random.Random(0)  # noqa: S311 - hides nothing
    info = tarfile.TarInfo("ballast")
    info.size = GIB
    with gzip.open(path, "wb", compresslevel=0) as out:
        out.write(info.tobuf())
        for _ in range(GIB >> 24):
            out.write(random_bytes.randbytes(1 << 24))
        out.write(bytes(1024))


def sources(path: Path, tree: SourceTree) -> None:
    """A layer of 1 GiB with many small files that compress as sources do."""
    left = GIB
    with gzip.open(path, "wb", compresslevel=6) as zipped, tarfile.open(fileobj=zipped, mode="w|") as out:
        for copy in itertools.count():
            for name, file in tree.items():
                info = tarfile.TarInfo(f"ballast/{copy}/{name}")
                info.size = file.size
                out.addfile(info, io.BytesIO(file.content))
                left -= file.size
                if left < 0:
                    return


def push_base(host: str, folder: Path, gibibytes: int, tree: SourceTree, *, of_sources: bool = False) -> str:
    """SGLang's sources in one layer, ballast above them."""
    image = image_of_sources(tree, "/sgl-workspace/sglang/python", "linux/amd64", {})
    name = f"{host}/sglang:{gibibytes}g-{'sources' if of_sources else 'noise'}"
    push_image(image, parse_reference(name), Access.of(os.environ), Silent())
    for number in range(gibibytes):
        path = folder / f"ballast{number}.tar.gz"
        sources(path, tree) if of_sources else noise(path)
        subprocess.run(["crane", "append", "-b", name, "-f", str(path), "-t", name], check=True, capture_output=True)
        path.unlink()
    return name


def rows_for(base: str, label: str, folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, Cost]]:
    """Ours and crane's, on one base."""
    cache = folder / "cache" / "m2build"
    target = f"{base.partition('/')[0]}/sglang"
    push = [sys.executable, "-m", "m2build", "image", "--tp", "8", "--base", base, "-t", f"{target}:tp8", "--push"]
    yield f"m2build, first read, {label}", best(push, environment, forget=cache, runs=3)
    yield f"crane export | tar -t, {label}", best(["sh", "-c", f"crane export {base} - | tar -t"], environment, runs=3)
    yield f"m2build, sources cached, {label}", best(push, environment, forget=cache / "results")
    yield f"m2build, the same again, {label}", best(push, environment)
    yield f"of that, the registry, {label}", network(base, f"{target}:tp8")
    mutate = (
        f"crane append -b {base} -f {folder / 'overlay.tar'} -t {target}:crane && "
        f"crane mutate {target}:crane --entrypoint a,b --label c=d -t {target}:crane"
    )
    yield f"crane append + mutate, {label}", best(["sh", "-c", mutate], environment)


def main() -> None:
    """Measure and print the table."""
    tree = from_wheel(fetch_wheel("sglang==0.5.7"))
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        with tarfile.open(folder / "overlay.tar", "w") as out:
            out.add(__file__, "opt/overlay")
        with registry(folder) as host:
            bases = {
                "1 GiB noise": push_base(host, folder, 1, tree),
                "4 GiB noise": push_base(host, folder, 4, tree),
                "1 GiB sources": push_base(host, folder, 1, tree, of_sources=True),
            }
            print(f"| {'what':<40} | wall s | CPU s | peak MB |\n| {'-' * 40} | -----: | ----: | ------: |")
            for label, base in bases.items():
                for name, one in rows_for(base, label, folder, environment):
                    print(f"| {name:<40} | {one.wall:6.2f} | {one.cpu:5.2f} | {one.peak:7.0f} |", flush=True)


if __name__ == "__main__":
    main()
