"""Deriving within one registry, beside crane, in one run, from bases with 1 GiB and with 4 GiB of ballast.

    pip install . && python benchmarks/registry.py

Needs docker-registry and crane, some 12 GiB of disk, and no network. Every row is a process of its own; wall and CPU
seconds and peak memory are those of the best of its runs, start-up included.
"""

from __future__ import annotations

import gzip
import io
import itertools
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from measuring import GIB, RUNS, Cost, best, noise, registry

from m2build.base.stand_in import image_of_sources
from m2build.oci.reference import parse_reference
from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel
from m2build.patches.tree import SourceTree
from m2build.progress import Silent
from m2build.registry.access import Access
from m2build.registry.pull import read_remote
from m2build.registry.push import push_image


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
    image = image_of_sources(tree, "sgl-workspace/sglang/python", "linux/amd64", {})
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
