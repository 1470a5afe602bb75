"""Published packages: fetched once through pip by their hashes, unpacked for the run, and imported elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from m2build.local.cache import cache_folder
from m2build.patches.change import FileChange
from m2build.patches.tree import SourceTree

PINS = Path(__file__).with_name("packages.txt")
PROGRAM = Path(__file__).with_name("importing_all.py")
SKIPPED = {"__main__", "tests", "test", "testing", "conftest", "_pyinstaller", "f2py", "distutils", "v1", "benchmarks"}


def fetched_wheels() -> Mapping[str, Path]:
    """Distribution -> wheel."""
    folder = cache_folder() / "sweep-packages"
    pins = [line.partition("==")[0] for line in PINS.read_text(encoding="utf-8").splitlines() if "==" in line]
    if not folder.is_dir() or len(list(folder.glob("*.whl"))) != len(pins):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*command, "--require-hashes", "--dest", folder, "--requirement", PINS], check=True)
    wheels = {path.name.partition("-")[0].lower().replace("_", "-"): path for path in folder.glob("*.whl")}
    return {name: wheels[name] for name in pins}


def unpacked(wheels: Iterable[Path], folder: Path) -> Path:
    """What pip would install."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    return folder


@dataclass(frozen=True)
class Imported:
    """What a Python made of some modules.

    Attributes:
        modules: name -> `ok`, or what its import raised.
        uses: for each pair of names, (module, number) -> what the use gives.
    """

    modules: Mapping[str, str]
    uses: Sequence[Mapping[tuple[str, int], str]]


def imported(folders: Sequence[Path], modules: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Imported:
    """Import modules in a new process, without a network, and evaluate their uses of names."""
    given = json.dumps({"folders": [str(folder) for folder in folders], "modules": modules, "pairs": pairs})
    environment = {"PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1", "HOME": str(folders[0])}
    command = [sys.executable, "-I", "-B", str(PROGRAM)]
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, check=True, cwd=folders[0], env=environment
    )
    found = json.loads(done.stdout.splitlines()[-1])
    uses = [{(module, number): use for module, number, use in listed} for listed in found["uses"]]
    return Imported(found["modules"], uses)


def importable(tree: SourceTree, packages: Sequence[str], words: Iterable[str] = ()) -> list[str]:
    """The modules below some packages; with words, those whose files hold one."""
    spelled = [word.encode() for word in words]
    return [
        path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path, file in tree.items()
        if path.endswith(".py")
        and path.partition("/")[0].removesuffix(".py") in packages
        and SKIPPED.isdisjoint(path.removesuffix(".py").split("/"))
        and (not spelled or any(word in file.content for word in spelled))
    ]


def changed_copy(folder: Path, changes: Iterable[FileChange], copy: Path) -> Path:
    """A copy of a tree on disk after changes; files that stay are links to those of the original."""
    shutil.copytree(folder, copy, copy_function=os.link)
    changes = list(changes)
    for change in changes:
        (copy / change.old_path).unlink()
    for change in changes:
        if change.after is not None:
            path = copy / change.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_bytes(change.after.content)
    for change in changes:
        above = (copy / change.old_path).parent
        while above != copy and not (above.is_dir() and any(above.iterdir())):
            if above.is_dir():
                above.rmdir()
            above = above.parent
    return copy
