"""The same plan on the same base by every engine, published in a loopback registry, in one run.

    pip install '.[test]' && PYTHONPATH=tests python benchmarks/engines.py

Needs root, what the tests of the engines need, some 15 GiB of disk, and no network but Debian's mirror. The base is
Debian, SGLang's sources, and 1 GiB of ballast. Docker and podman are the tests' own, with stores of their own: a cold
build starts with an empty one. Wall seconds are those of the best of a row's runs, start-up included; the bytes are
those that crossed the loopback interface meanwhile, each once.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.engines.daemons import docker_daemon
from helpers.engines.debian import debian_root, push_base
from helpers.engines.podmans import podman_engine
from measuring import cost, noise, registry

from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel

LOOPBACK = Path("/sys/class/net/lo/statistics/rx_bytes")
M2BUILD = (sys.executable, "-m", "m2build")


COLD, WARM = 2, 5
"""How often a row is run; the fastest counts."""


@dataclass(frozen=True)
class Bench:
    """What the engines have in common.

    Attributes:
        base: the base's name in the registry.
        contexts: profile -> a build context that was rendered for it.
        folder: where caches and stores may be.
    """

    base: str
    contexts: Mapping[str, Path]
    folder: Path

    def ours(self, *options: str, tp: str = "8") -> list[str]:
        """`m2build image --push`."""
        return [*M2BUILD, "image", "--tp", tp, "--base", self.base, "-t", self.target("ours"), "--push", *options]

    def target(self, name: str) -> str:
        """A name in the base's registry, beside the base."""
        return f"{self.base.partition('/')[0]}/{name}/minimax-m2:tp8"


def measured(name: str, run: Callable[[], float], runs: int) -> float:
    """Print the row of something that is run several times and takes seconds; return the fastest."""
    walls, moved = [], []
    for _ in range(runs):
        before = int(LOOPBACK.read_text())
        walls.append(run())
        moved.append(int(LOOPBACK.read_text()) - before)
    fastest = min(walls)
    print(f"| {name:<46} | {fastest:6.2f} | {moved[walls.index(fastest)] / 1e6:8.1f} |", flush=True)
    return fastest


def embedded(bench: Bench) -> list[float]:
    """The embedded engine's rows, and their seconds."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(bench.folder / "cache")}
    cache = bench.folder / "cache" / "m2build"

    def again(*forgotten: Path) -> Callable[[], float]:
        def run() -> float:
            for path in forgotten:
                shutil.rmtree(path, ignore_errors=True)
            return cost(bench.ours(), environment).wall

        return run

    turns = itertools.cycle(("4", "8"))
    return [
        measured("embedded, the base never read", again(cache), WARM),
        measured("embedded, its sources cached", again(cache / "results"), WARM),
        measured("embedded, the same again", again(), WARM),
        measured("embedded, the other profile", lambda: cost(bench.ours(tp=next(turns)), environment).wall, WARM),
    ]


def docker(bench: Bench) -> float:
    """Docker's rows; returns the seconds of a cold build."""
    build = ["docker", "buildx", "build", "--provenance=false", "--push", "--tag", bench.target("docker")]
    walls: list[float] = []

    def cold() -> float:
        with docker_daemon(bench.folder / "docker") as engine:
            return cost([*build, str(bench.contexts["tp8"])], {**os.environ, **engine.environment}).wall

    walls.append(measured("docker buildx build --push, cold", cold, COLD))
    with docker_daemon(bench.folder / "docker") as engine:
        environment = {**os.environ, **engine.environment}
        warm_rows("docker buildx build --push", [*build], bench, environment)
        ours = bench.ours("--engine=docker")
        measured("m2build image --engine docker --push, warm", lambda: cost(ours, environment).wall, WARM)
    return walls[0]


def warm_rows(name: str, build: Sequence[str], bench: Bench, environment: Mapping[str, str]) -> None:
    """The rows of an engine that has the base, and has built it for both profiles."""
    for profile in ("tp4", "tp8"):
        cost([*build, str(bench.contexts[profile])], environment)
    turns = itertools.cycle(("tp4", "tp8"))
    measured(f"{name}, warm", lambda: cost([*build, str(bench.contexts["tp8"])], environment).wall, WARM)
    measured(
        f"{name}, the other profile", lambda: cost([*build, str(bench.contexts[next(turns)])], environment).wall, WARM
    )


def podman(bench: Bench) -> None:
    """podman's and buildah's rows; they build and push by two commands."""
    host, target = bench.base.partition("/")[0], bench.target("podman")
    for program, build in (("podman", "podman build"), ("buildah", "buildah bud")):
        script = f'{build} -q --format docker --identity-label=false -t {target} "$0" && {program} push -q {target}'
        command = ["sh", "-ec", script]

        def cold(command: Sequence[str] = command) -> float:
            with podman_engine(bench.folder / "podman", [host]) as engine:
                return cost([*command, str(bench.contexts["tp8"])], {**os.environ, **engine.environment}).wall

        measured(f"{build} + push, cold", cold, COLD)
        with podman_engine(bench.folder / "podman", [host]) as engine:
            warm_rows(f"{build} + push", command, bench, {**os.environ, **engine.environment})


def with_ballast(host: str, folder: Path) -> str:
    """The tests' base with 1 GiB above it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "m2build-benchmarks"
    cache.mkdir(parents=True, exist_ok=True)
    base = push_base(
        f"{host}/sglang:v1", debian_root(cache), from_wheel(fetch_wheel("sglang==0.5.7")), folder, oci=False
    )
    noise(folder / "ballast.tar.gz")
    append = ["crane", "append", "-b", base, "-f", str(folder / "ballast.tar.gz"), "-t", base]
    subprocess.run(append, check=True, capture_output=True)
    return base


def main() -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as text, registry(Path(text)) as host:
        folder = Path(text)
        base = with_ballast(host, folder)
        contexts = {f"tp{tp}": folder / f"context{tp}" for tp in (4, 8)}
        for profile, context in contexts.items():
            options = ["--profile", profile, "--base", base, "-o", str(context)]
            subprocess.run([*M2BUILD, "render", *options], check=True, capture_output=True)
        bench = Bench(base, contexts, folder)
        print(f"| {'what':<46} | wall s | MB on lo |\n| {'-' * 46} | -----: | -------: |")
        ours, cold = embedded(bench), docker(bench)
        podman(bench)
        times = ", ".join(f"{cold / seconds:.0f}" for seconds in ours)
        print(f"\nA cold docker build takes so many times as long as the embedded engine's rows: {times}.")


if __name__ == "__main__":
    main()
