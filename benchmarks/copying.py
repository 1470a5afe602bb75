"""Copying an image of 1.2 GB from one registry to another, beside crane, in one run.

    pip install . && python benchmarks/copying.py

Needs docker-registry and crane, some 4 GiB of disk, and no network. The two take turns, and the target is empty before
each; wall and CPU seconds and peak memory of the copying process are those of its best run, start-up included.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import Cost, cost, noise, registry

MIB = 1 << 20
LAYERS = (704 * MIB, 304 * MIB, 144 * MIB, 64 * MIB)
TURNS = 5


def push_image(host: str, folder: Path) -> str:
    """Publish layers that do not compress; return the image's name."""
    name = f"{host}/copied:1"
    for number, size in enumerate(LAYERS):
        layer = folder / f"{number}.tar.gz"
        noise(layer, size, number)
        onto = ["-b", name] if number else ["--oci-empty-base"]
        subprocess.run(["crane", "append", *onto, "-f", str(layer), "-t", name], check=True, capture_output=True)
        layer.unlink()
    mutate = ["crane", "mutate", name, "--set-platform", "linux/amd64", "-t", name]
    subprocess.run(mutate, check=True, capture_output=True)
    return name


def emptied(folder: Path) -> None:
    """Remove what a registry stores: it shares blobs among its repositories."""
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)


def main() -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as text:
        source, target = Path(text, "source"), Path(text, "target")
        source.mkdir()
        target.mkdir()
        with registry(source) as here, registry(target) as there:
            name = push_image(here, Path(text))
            ours = [sys.executable, "-m", "m2build", "push", f"docker://{name}", f"{there}/copied:1"]
            commands = {
                "m2build push": [*ours, "--max-transfer", "unlimited"],
                "crane copy": ["crane", "copy", name, f"{there}/copied:1"],
            }
            found: dict[str, list[Cost]] = {what: [] for what in commands}
            for _ in range(TURNS):
                for what, command in commands.items():
                    emptied(target)
                    found[what].append(cost(command, os.environ))
    print("| what         | wall s | CPU s | peak MB |\n| ------------ | -----: | ----: | ------: |")
    for what, costs in found.items():
        one = min(costs, key=lambda cost: cost.wall)
        print(f"| {what:<12} | {one.wall:6.2f} | {one.cpu:5.2f} | {one.peak:7.0f} |")


if __name__ == "__main__":
    main()
