"""Deriving within one registry, beside crane, in one run; with 1 GiB and with 4 GiB of ballast in the base.

    pip install -e . && python benchmarks/registry.py

Needs docker-registry and crane, some 12 GiB of disk, and no network. Every row is a process of its own; wall and CPU
seconds and peak memory are those of the best of its runs, start-up included.
"""

from __future__ import annotations

import gzip
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


def ballast(path: Path, size: int) -> None:
    """A layer with one file that does not compress."""
    noise = random.Random(0)  # noqa: S311 - hides nothing
    info = tarfile.TarInfo("ballast")
    info.size = size
    with gzip.open(path, "wb", compresslevel=0) as out:
        out.write(info.tobuf())
        for _ in range(size >> 24):
            out.write(noise.randbytes(1 << 24))
        out.write(bytes(1024))


def push_base(host: str, folder: Path, gibibytes: int) -> str:
    """SGLang's sources in one layer, ballast above them."""
    sources = image_of_sources(
        from_wheel(fetch_wheel("sglang==0.5.7")), "/sgl-workspace/sglang/python", "linux/amd64", {}
    )
    name = f"{host}/sglang:{gibibytes}g"
    push_image(sources, parse_reference(name), Access.of(os.environ), Silent())
    for number in range(gibibytes):
        path = folder / f"ballast{number}.tar.gz"
        ballast(path, GIB)
        subprocess.run(["crane", "append", "-b", name, "-f", str(path), "-t", name], check=True, capture_output=True)
        path.unlink()
    return name


def main() -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        cache = folder / "cache" / "m2build"
        with registry(folder) as host:
            bases = {size: push_base(host, folder, size) for size in (1, 4)}
            layer = folder / "overlay.tar"
            with tarfile.open(layer, "w") as out:
                out.add(__file__, "opt/overlay")
            m2build = [sys.executable, "-m", "m2build", "image", "--tp", "8"]
            rows: list[tuple[str, Cost]] = []
            for size, base in bases.items():
                push = [*m2build, "--base", base, "-t", f"{host}/sglang:tp8-{size}g", "--push"]
                rows.append((f"m2build, first read, {size} GiB", best(push, environment, forget=cache, runs=2)))
                rows.append((f"m2build, sources cached, {size} GiB", best(push, environment, forget=cache / "results")))
                rows.append((f"m2build, the same again, {size} GiB", best(push, environment)))
                rows.append((f"of that, the registry, {size} GiB", network(base, f"{host}/sglang:tp8-{size}g")))
                mutate = (
                    f"crane append -b {base} -f {layer} -t {host}/sglang:crane && "
                    f"crane mutate {host}/sglang:crane --entrypoint a,b --label c=d -t {host}/sglang:crane"
                )
                rows.append((f"crane append + mutate, {size} GiB", best(["sh", "-c", mutate], environment)))
                export = ["sh", "-c", f"crane export {base} - | tar -t"]
                rows.append((f"crane export | tar -t, {size} GiB", best(export, environment, runs=2)))
        print(f"| {'what':<33} | wall s | CPU s | peak MB | beside crane |")
        print(f"| {'-' * 33} | -----: | ----: | ------: | -----------: |")
        floor = dict(rows)["crane append + mutate, 1 GiB"].wall
        for name, one in rows:
            print(f"| {name:<33} | {one.wall:6.2f} | {one.cpu:5.2f} | {one.peak:7.0f} | {one.wall / floor:11.1f}x |")


if __name__ == "__main__":
    main()
