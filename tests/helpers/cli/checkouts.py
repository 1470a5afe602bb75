"""A small checkout that both patches apply to, for quick commands, and a wheel and a base image made from it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from helpers.bases import SERVER, SERVER_PATH, SOURCES, base_image
from helpers.images import image
from m2build.cli.root import cli
from m2build.errors import M2BuildError
from m2build.oci.image import read_blob
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent

MODELS = "sglang/srt/models"


def checkout(folder: Path) -> Path:
    """A folder with the modules that the shipped series touches, in miniature."""
    for name, content in SOURCES.items():
        path = folder / MODELS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for package in ("sglang", "sglang/srt", MODELS):
        (folder / package / "__init__.py").touch()
    (folder / "sglang/_version.py").write_text("__version__ = '0.5.7'\n")
    (folder / SERVER_PATH).write_bytes(SERVER)
    return folder


def wheel(folder: Path, target: Path) -> Path:
    """The same as a wheel."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*.py")):
            archive.write(path, path.relative_to(folder).as_posix())
    return target


def store(place: str, *extra_layers: bytes, **members: Any) -> None:
    """Write a base image with the sources to a place such as `oci:DIR:TAG`, with more layers on top.

    `members` are those of its config, as for `base_image`.
    """
    base = base_image(how="plain", **members)
    if extra_layers:
        base = image(*(read_blob(base.blobs, layer) for layer in base.manifest.layers), *extra_layers, how="plain")
    write_image(base, Place.parse(place), tag="base", reference="base:1", replace=False, progress=Silent())


def derived(folder: Path) -> Path:
    """A base in a folder's `base`, and in `out:tp8` what was derived from it; returns the folder."""
    store(f"oci:{folder}/base:base")
    quickly("image", "--tp", "8", "--base", f"oci:{folder}/base:base", "-o", f"oci:{folder}/out:tp8")
    return folder


def quickly(*arguments: str | Path) -> str:
    """Run a command in this process, expect success and return stdout; for tests that need no process of their own."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def quickly_refused(code: int, *arguments: str | Path) -> str:
    """Run a command in this process, expect an error with this exit code, and return stdout and the message."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert isinstance(result.exception, M2BuildError), result.output
    assert result.exception.exit_code == code, result.exception
    return f"{result.stdout}{result.exception}"


def everything(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder, hidden ones too, with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
