"""Published packages: fetched once through pip by their hashes, unpacked for the run, and imported elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from m2build.local.cache import cache_folder
from m2build.patches.change import FileChange
from m2build.patches.modules import Renaming
from m2build.patches.tree import SourceTree

PINS = Path(__file__).with_name("packages.txt")
SOURCE_PINS = Path(__file__).with_name("sources.txt")
PROGRAM = Path(__file__).with_name("importing_all.py")
SKIPPED = {"__main__", "tests", "test", "testing", "conftest", "_pyinstaller", "f2py", "distutils", "v1", "benchmarks"}


def fetched_wheels() -> Mapping[str, Path]:
    """Distribution -> wheel."""
    return _fetched("sweep-packages", PINS, "--only-binary")


def fetched_sources() -> Mapping[str, Path]:
    """Distribution -> source distribution."""
    return _fetched("sweep-sources", SOURCE_PINS, "--no-binary")


def _fetched(name: str, pins: Path, kind: str) -> Mapping[str, Path]:
    folder = cache_folder() / name
    names = [line.partition("==")[0] for line in pins.read_text(encoding="utf-8").splitlines() if "==" in line]
    if not folder.is_dir() or len(list(folder.iterdir())) != len(names):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", kind, ":all:"]
        subprocess.run([*command, "--require-hashes", "--dest", folder, "--requirement", pins], check=True)
    files = {path.name.partition("-")[0].lower().replace("_", "-"): path for path in folder.iterdir()}
    return {one: files[one] for one in names}


def own_tests(source: Path) -> dict[str, bytes]:
    """The files below `tests/` of a source distribution."""
    found = {}
    with tarfile.open(source) as archive:
        for member in archive:
            path = member.name.partition("/")[2]
            file = archive.extractfile(member) if path.startswith("tests/") else None
            if file is not None:
                found[path] = file.read()
    return found


def unpacked(wheels: Iterable[Path], folder: Path) -> Path:
    """What pip would install."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)  # noqa: S202 - of a wheel
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


def broken(before: Imported, after: Imported, renaming: Renaming, number: int) -> list[str]:
    """The modules and uses that worked before a renaming, the one of that number, and do not work after it."""
    found = [
        f"{renaming.of(name)}: {after.modules[renaming.of(name)]}"
        for name, outcome in before.modules.items()
        if outcome == "ok" != after.modules[renaming.of(name)]
    ]
    return found + [
        f"{module}, use {place}: {use}, then {after.uses[0].get((renaming.of(module), place))}"
        for (module, place), use in before.uses[number].items()
        if not use.startswith("fails") and after.uses[0].get((renaming.of(module), place)) != use
    ]


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
