"""Reading a base for the first time: layers at a time, and folders that are found by a marker, in one run.

    pip install '.[test]' && PYTHONPATH=tests python benchmarks/reading.py

Needs docker-registry and crane, some 8 GiB of disk, and no network. The first table is of eight layers of 8 MiB behind
a proxy that limits each connection; the second of bases with 2 GiB of ballast in eight layers. Each row of that is a
process of its own; wall and CPU seconds and peak memory are those of the best of its runs, start-up included.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

from helpers.bases import ROOT, sources
from helpers.images import compressed, file, image, tar
from helpers.registry.faultproxy import Rule, fault_proxy
from helpers.registry.registries import noise as incompressible
from helpers.registry.registries import upload
from helpers.two_roots import recipe_file
from measuring import Cost, best, noise, registry

from m2build.layers.filesystem import read_filesystem
from m2build.layers.held import held
from m2build.layers.members import Wanted
from m2build.oci.image import Reading
from m2build.oci.reference import parse_reference
from m2build.progress import Silent
from m2build.registry.access import Access
from m2build.registry.pull import read_remote

RATE = 8 << 20
"""Bytes a second of a slow connection."""
BALLAST = 8
"""Layers of 256 MiB."""


def slow(host: str) -> Iterator[tuple[int, float]]:
    """Seconds that eight layers take over slow connections, by how many are in flight."""
    layers = [tar(incompressible(8 << 20, number), file(f"{ROOT}/{number}.py")) for number in range(8)]
    upload(host, "slow", image(*layers, how="plain"), "v1")
    with fault_proxy(host, Rule("GET", "blobs/", rate=RATE)) as proxy:
        for most in (1, 2, 4):
            found = read_remote(parse_reference(f"{proxy.host}/slow:v1"), "linux/amd64", Access.of(os.environ)).image
            start = time.perf_counter()
            with (
                mock.patch("m2build.layers.reader.in_flight", lambda most=most: most),
                held(replace(found, reading=Reading(bound=math.inf))) as once,
            ):
                read_filesystem(once, Wanted(frozenset({ROOT})), Silent())
            yield most, time.perf_counter() - start


def push_bases(host: str, folder: Path) -> Iterator[tuple[str, str]]:
    """The sources above the ballast, as in images that clone them late; and below it."""
    top = folder / "sources.tar.gz"
    top.write_bytes(compressed(tar(*sources()), "gzip"))
    ballast = [folder / f"ballast{number}.tar.gz" for number in range(BALLAST)]
    for number, path in enumerate(ballast):
        noise(path, 1 << 28, number)
    for label, paths in (("above", [*ballast, top]), ("below", [top, *ballast])):
        name = f"{host}/team/sglang:{label}"
        for number, path in enumerate(paths):
            onto = ["-b", name] if number else ["--oci-empty-base"]
            quietly("crane", "append", *onto, "-f", str(path), "-t", name)
        quietly("crane", "mutate", name, "--set-platform", "linux/amd64", "-t", name)
        yield label, name


def quietly(*command: str) -> None:
    """Run a program that has to succeed."""
    subprocess.run(command, check=True, capture_output=True)


def rows(host: str, folder: Path) -> Iterator[tuple[str, Cost]]:
    """The first read of each base with its folder of sources named, and found by its marker."""
    source = {"marker": "sglang/__init__.py", "series": "minimax-m2-rocm"}
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    for label, base in push_bases(host, folder):
        for how, root in (("named", f"/{ROOT}"), ("by a marker", "auto")):
            marked = {"root": root, "series": source["series"]} | (source if root == "auto" else {})
            recipe = str(recipe_file(folder, {"sglang": marked}))
            command = [sys.executable, "-m", "m2build", "image", "--recipe", recipe, "--tp", "8", "--base", base]
            run = [*command, "--engine", "embedded", "--dry-run"]
            yield f"{how}, {label} the ballast", best(run, environment, forget=folder / "cache", runs=3)


def main() -> None:
    """Measure and print the tables."""
    with tempfile.TemporaryDirectory() as text, registry(Path(text)) as host:
        print("| layers in flight | wall s |\n| ---------------: | -----: |")
        for most, seconds in slow(host):
            print(f"| {most:16} | {seconds:6.2f} |", flush=True)
        print(f"\n| {'folder of sources':<30} | wall s | CPU s | peak MB |\n| {'-' * 30} | -----: | ----: | ------: |")
        for name, one in rows(host, Path(text)):
            print(f"| {name:<30} | {one.wall:6.2f} | {one.cpu:5.2f} | {one.peak:7.0f} |", flush=True)


if __name__ == "__main__":
    main()
