"""SGLang's releases: their flags as they are read from the sources, and as argparse has them, recorded from it."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from helpers.launch import stand_ins
from helpers.support import lacking
from m2build.launch.flags.extract import extract_flags
from m2build.launch.flags.server import ServerFlags
from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel
from m2build.patches.tree import SourceTree

RECORD = Path(__file__).parent / "real_flags.json"
"""What the real argparse of each release has: `flags`, each once, and for each release the digest of its sources and
which flags it has. `pytest --sweep` compares it with the releases."""
RELEASES = ("0.5.7", "0.5.13", "0.5.14", "0.5.19", "0.5.20", "0.5.23")
ATTRIBUTES = ("names", "dest", "action", "type", "nargs", "const", "default", "choices", "required")


@cache
def tree_of(release: str) -> SourceTree:
    """The sources of a release, from its published wheel."""
    return from_wheel(fetch_wheel(f"sglang=={release}"))


@cache
def flags_of(release: str) -> ServerFlags:
    """The flags of a release, read from its sources."""
    return extract_flags(tree_of(release))


def pin_of(release: str) -> str:
    """The digest of all Python files of a release; its wheels for several Pythons have the same ones."""
    digest = hashlib.sha256()
    for path, file in tree_of(release).items():
        if path.endswith(".py"):
            digest.update(f"{file.sha256} {path}\n".encode())
    return digest.hexdigest()


@cache
def _record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RECORD.read_bytes())
    return found


def recorded_pin(release: str) -> str:
    """The digest of the sources that a release's record is of."""
    return str(_record()["releases"][release]["sha256"])


def recorded(release: str) -> list[dict[str, Any]]:
    """The flags of a release as argparse has them, by the record."""
    record = _record()
    return [record["flags"][number] for number in record["releases"][release]["flags"]]


def run_real(release: str, folder: Path, lines: Sequence[Sequence[str]] = ()) -> dict[str, Any]:
    """What the real parser of a release has and reads: `flags`, and for each command line its values or None.

    Args:
        release: the release.
        folder: a new folder to unpack it in.
        lines: the command lines.
    """
    try:
        import msgspec  # from 0.5.20 on, SGLang makes the class with the flags by it
    except ImportError:
        lacking("msgspec is missing")
    with zipfile.ZipFile(fetch_wheel(f"sglang=={release}")) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".py")])
    (folder / "site").mkdir()
    (folder / "site/msgspec").symlink_to(Path(msgspec.__file__).parent)
    command = [sys.executable, "-I", "-S", stand_ins.__file__, str(folder), str(folder / "site")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SGL")}
    words = json.dumps([list(line) for line in lines])
    run = subprocess.run(command, input=words, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def recorded_parser(release: str) -> argparse.ArgumentParser:
    """argparse with the recorded flags of a release, as far as Python's own types convert them."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    for flag in recorded(release):
        more = {name: flag[name] for name in ("dest", "default", "required")}
        if flag["action"] == "store_true":
            parser.add_argument(*flag["names"], action="store_true", **more)
        elif flag["action"] == "store" and flag["type"] in TYPES:
            more |= {name: flag[name] for name in ("nargs", "const", "choices")}
            parser.add_argument(*flag["names"], type=TYPES[flag["type"]], **more)
    return parser


TYPES: dict[str | None, Any] = {None: None, "str": str, "int": int, "float": float, "json.loads": json.loads}


def write_record(folder: Path) -> None:
    """Make the record anew, from the releases themselves: `python -m helpers.launch.releases`, in tests/."""
    flags: list[str] = []
    releases = {}
    for release in RELEASES:
        texts = [json.dumps(flag) for flag in run_real(release, folder / release)["flags"]]
        flags += [text for text in dict.fromkeys(texts) if text not in flags]
        releases[release] = {"sha256": pin_of(release), "flags": [flags.index(text) for text in texts]}
    lines = ",\n".join(flags)
    RECORD.write_text(f'{{"releases": {json.dumps(releases)},\n"flags": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        write_record(Path(name))
