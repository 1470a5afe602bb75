"""A command killed at each of its changing system calls, and what must hold afterwards."""

from __future__ import annotations

import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from helpers.bases import base_image
from helpers.cli.checkouts import checkout
from helpers.support import small_disk
from helpers.sweeps.killing import Commands
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent

State = dict[str, tuple[int, bytes | str | None]]
_TEMPORARY = re.compile(r"(^|/)\.m2build-tmp-[0-9a-f]{16}(/|$)")


@dataclass(frozen=True)
class Killed:
    """A command, and the files before it.

    Attributes:
        name: its name in failures.
        arguments: the command line.
        least: at least how many calls it is killed at.
        outputs: the files and folders that it writes; at any moment each is the old or the new one.
        before: commands that run first.
        is_cold: whether the cache is empty at the beginning.
        is_once: whether a second run refuses what the first one has written.
    """

    name: str
    arguments: tuple[str, ...]
    least: int
    outputs: tuple[str, ...] = ("out",)
    before: tuple[tuple[str, ...], ...] = ()
    is_cold: bool = False
    is_once: bool = False


@contextmanager
def quick_disk(folder: Path) -> Iterator[Path]:
    """A disk in memory: thousands of calls of `fsync` on a real one would take minutes."""
    with small_disk(folder / "disk", "64m") as disk:
        yield disk


def sweep(killed: Killed, commands: Commands) -> None:
    """Kill a command at each of its changing calls, and run it again each time.

    After the kill, each output is the old or the new one, and everything else is unchanged. The second run succeeds,
    and leaves exactly the files that a run without a kill leaves, and nothing temporary. The cache may lack something.
    """
    work, cache, tmp = (commands.folder / name for name in ("work", "cache", "tmp"))
    _empty(work, cache, tmp)
    _prepare(work)
    for arguments in killed.before:
        commands.run(arguments)
    if killed.is_cold:
        _empty(cache)
    kept = commands.folder.parent / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(commands.folder, kept, symlinks=True)
    before = _everything(work)
    calls = commands.calls(killed.arguments)
    after, cached = _everything(work), set(_everything(cache))
    assert len(calls) >= killed.least, f"{killed.name}: {len(calls)} changing calls"
    for call in calls:
        where = f"{killed.name}, killed at {call}"
        _empty(work, cache)
        shutil.copytree(kept, commands.folder, symlinks=True, dirs_exist_ok=True)
        commands.kill_at(killed.arguments, call)
        _check(_everything(work), before, after, killed.outputs, where)
        if killed.is_once and _part(_everything(work), killed.outputs) == _part(after, killed.outputs):
            continue
        commands.run(killed.arguments)
        _check_same(_everything(work), after, where)
        extra = sorted(set(_everything(cache)) - cached)
        assert extra == [], f"{where}: the cache"
        assert list(tmp.iterdir()) == [], f"{where}: TMPDIR"


def _prepare(folder: Path) -> None:
    """Sources, a base with compressed layers, an older file, and a link to a file that does not exist yet."""
    checkout(folder / "tree")
    (folder / "meta").write_text("old")
    (folder / "meta").chmod(0o640)
    (folder / "link").symlink_to("out")
    (folder / "fix.patch").write_bytes(b"--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n")
    place = Place.parse(f"oci:{folder}/base:v1")
    write_image(base_image(), place, tag="", reference="", replace=False, progress=Silent())


def _everything(folder: Path) -> State:
    """Every path below a folder with its kind, its mode and its bytes."""
    return dict(_entries(folder))


def _entries(folder: Path) -> Iterator[tuple[str, tuple[int, bytes | str | None]]]:
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        content = str(path.readlink()) if stat.S_ISLNK(mode) else path.read_bytes() if stat.S_ISREG(mode) else None
        yield path.relative_to(folder).as_posix(), (mode, content)


def _part(of: State, outputs: Sequence[str]) -> State:
    """The outputs in a state, files or folders, without temporary ones."""
    return {
        name: entry
        for name, entry in of.items()
        if any(name == output or name.startswith(f"{output}/") for output in outputs) and not _TEMPORARY.search(name)
    }


def _check(now: State, before: State, after: State, outputs: Sequence[str], where: str) -> None:
    """Check that each output is the old or the new one; an existing layout may have new blobs already."""
    for output in outputs:
        found, old, new = (_part(of, [output]) for of in (now, before, after))
        early = {name for name in found if f"{output}/blobs/" in name and name not in old and found[name] == new[name]}
        is_old = {name: found[name] for name in found if not (old and name in early)} == old
        assert is_old or found == new, f"{where}: {output}: {sorted(found)}"
    rest = {name: entry for name, entry in now.items() if not _TEMPORARY.search(name)}
    for name in _part(rest, outputs):
        del rest[name]
    assert rest == {name: entry for name, entry in before.items() if name not in _part(before, outputs)}, where


def _check_same(now: State, wanted: State, where: str) -> None:
    differing = sorted(name for name in now.keys() | wanted.keys() if now.get(name) != wanted.get(name))
    assert differing == [], f"{where}, and run again"


def _empty(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder)
        folder.mkdir()
