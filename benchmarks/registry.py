"""Deriving within one registry, beside crane, in one run, from bases with 1 GiB and with 4 GiB of ballast.

    pip install . && python benchmarks/registry.py
    python benchmarks/registry.py tables

Needs docker-registry, crane and skopeo, some 12 GiB of disk, and no network. Every row is a process of its own; wall
and CPU seconds and peak memory are those of the best of its runs, start-up included. `tables` measures only the bases
whose layers have tables of contents, as skopeo and crane write them, and what is fetched of them.
"""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from measuring import GIB, RUNS, Cost, best, noise, registry

from m2build import Session, load_recipe
from m2build.base.stand_in import image_of_sources
from m2build.oci.reference import parse_reference
from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel
from m2build.patches.tree import SourceTree
from m2build.progress import Silent
from m2build.registry.access import Access
from m2build.registry.pull import read_remote
from m2build.registry.push import push_image

READ = """
import sys, m2build
with m2build.Session() as session:
    base = session.base(m2build.load_recipe("minimax-m2"), sys.argv[1])
    session.sources(base, source_root="/sgl-workspace/sglang/python")
"""
"""The first read alone."""


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
    yield f"m2build, first read, {label}", best([sys.executable, "-c", READ, base], environment, forget=cache, runs=3)
    yield f"m2build, first read and push, {label}", best(push, environment, forget=cache, runs=3)
    yield f"crane export | tar -t, {label}", best(["sh", "-c", f"crane export {base} - | tar -t"], environment, runs=3)
    yield f"m2build, sources cached, {label}", best(push, environment, forget=cache / "results")
    yield f"m2build, the same again, {label}", best(push, environment)
    yield f"of that, the registry, {label}", network(base, f"{target}:tp8")
    mutate = (
        f"crane append -b {base} -f {folder / 'overlay.tar'} -t {target}:crane && "
        f"crane mutate {target}:crane --entrypoint a,b --label c=d -t {target}:crane"
    )
    yield f"crane append + mutate, {label}", best(["sh", "-c", mutate], environment)


def with_tables(name: str, host: str, folder: Path) -> Iterator[tuple[str, str]]:
    """The same base with zstd:chunked layers, and with eStargz ones."""
    chunked, layout = f"{host}/tables:chunked", folder / "layout"
    skopeo = ["skopeo", "copy", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false"]
    zstd = ["--dest-compress", "--dest-compress-format", "zstd:chunked"]  # a registry would keep the layers it has
    subprocess.run([*skopeo, *zstd, f"docker://{name}", f"oci:{layout}:v1"], check=True, capture_output=True)
    subprocess.run([*skopeo, f"oci:{layout}:v1", f"docker://{chunked}"], check=True, capture_output=True)
    yield "1 GiB noise, zstd:chunked", chunked
    stargz, environment = f"{host}/tables:stargz", {**os.environ, "GGCR_EXPERIMENT_ESTARGZ": "1"}
    manifest = json.loads(subprocess.run(["crane", "manifest", name], check=True, capture_output=True).stdout)
    for number, layer in enumerate(manifest["layers"]):
        path = folder / f"{number}.tar.gz"
        with path.open("wb") as out:
            subprocess.run(["crane", "blob", f"{name}@{layer['digest']}"], check=True, stdout=out)
        onto = ["-b", stargz] if number else ["--oci-empty-base"]
        append = ["crane", "append", *onto, "--new_layer", str(path), "-t", stargz]
        subprocess.run(append, check=True, capture_output=True, env=environment)
        path.unlink()
    mutate = ["crane", "mutate", stargz, "--set-platform", "linux/amd64", "-t", stargz]
    subprocess.run(mutate, check=True, capture_output=True)
    yield "1 GiB noise, eStargz", stargz


def fetched(base: str) -> str:
    """What reading the sources of a base fetches, beside the size of its layers."""
    most = Most()
    with Session(progress=most, cache=tempfile.mkdtemp()) as session:
        opened = session.base(load_recipe("minimax-m2"), base)
        session.sources(opened, source_root="/sgl-workspace/sglang/python")
        size = sum(layer.size for layer in opened.image.manifest.layers) if opened.image else 0
    return f"fetched of {base.partition('/')[2]}: {most.done:,} of {size:,} bytes, {100 * most.done / size:.2f} %"


class Most(Silent):
    """Progress that keeps how much has been fetched."""

    done = 0

    def transfer(self, label: str, done: int, total: int) -> None:  # noqa: ARG002 - `Progress` has them
        """Keep the largest number."""
        self.done = max(self.done, done)


def main() -> None:
    """Measure and print the table."""
    tables_only = sys.argv[1:] == ["tables"]
    tree = from_wheel(fetch_wheel("sglang==0.5.7"))
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        with tarfile.open(folder / "overlay.tar", "w") as out:
            out.add(__file__, "opt/overlay")
        with registry(folder) as host:
            bases = {"1 GiB noise": push_base(host, folder, 1, tree)}
            if tables_only:
                bases |= dict(with_tables(bases["1 GiB noise"], host, folder))
            else:
                bases["4 GiB noise"] = push_base(host, folder, 4, tree)
                bases["1 GiB sources"] = push_base(host, folder, 1, tree, of_sources=True)
            print(f"| {'what':<40} | wall s | CPU s | peak MB |\n| {'-' * 40} | -----: | ----: | ------: |")
            for label, base in bases.items():
                for name, one in rows_for(base, label, folder, environment):
                    print(f"| {name:<40} | {one.wall:6.2f} | {one.cpu:5.2f} | {one.peak:7.0f} |", flush=True)
            if tables_only:
                print(*map(fetched, bases.values()), sep="\n")


if __name__ == "__main__":
    main()
