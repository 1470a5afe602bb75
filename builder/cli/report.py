"""What is told of images that are where they go: on stdout, and in files that are known to be writable beforehand."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import click

from m2build.cli.delivery import Delivered
from m2build.cli.output import json_option, print_json, result
from m2build.errors import StorageError, UsageError

_OPTIONS = (
    click.option(
        "--metadata-file", type=click.Path(path_type=Path), help="Write the result as JSON, with buildx's keys."
    ),
    click.option("--iidfile", type=click.Path(path_type=Path), help="Write the image id (the config's digest)."),
    json_option,
)


@dataclass(frozen=True)
class Report:
    """What the options say.

    Attributes:
        metadata_file: where the account of the images goes, or None.
        iidfile: where the one image's id goes, or None.
        as_json: whether the account is printed, and not the names alone.
    """

    metadata_file: Path | None
    iidfile: Path | None
    as_json: bool

    def check(self, images: int) -> None:
        """Find out now, and not when the images are there, that they cannot be told of.

        Raises:
            UsageError: there is one place for the ids of several images.
            StorageError: a file cannot be written.
        """
        if self.iidfile is not None and images > 1:
            raise UsageError("--iidfile takes one image's id", hint="--metadata-file takes those of several")
        for file in (self.iidfile, self.metadata_file):
            if file is not None:
                _check_writable(file)

    def tell(self, delivered: Sequence[Delivered]) -> None:
        """Tell of the images: of one its account, of several each under its name.

        Raises:
            StorageError: a file cannot be written; an older one is as it was.
        """
        accounts = {str(one.account["image.name"]): one.account for one in delivered}
        document = delivered[0].account if len(delivered) == 1 else accounts
        if self.iidfile is not None:
            _write(self.iidfile, delivered[0].image_id)
        if self.metadata_file is not None:
            _write(self.metadata_file, json.dumps(document, indent=2) + "\n")
        if self.as_json:
            print_json(document)
        else:
            result(*(one.name for one in delivered))


def reporting(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets what they say as one argument, `report`."""

    @wraps(command)
    def with_report(metadata_file: Path | None, iidfile: Path | None, as_json: bool, **others: object) -> None:
        command(report=Report(metadata_file, iidfile, as_json), **others)

    for option in reversed(_OPTIONS):
        with_report = option(with_report)
    return with_report


def _check_writable(file: Path) -> None:
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if file.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        problem = "it is a directory" if file.is_dir() else f"{folder} is not a directory that can be written"
        raise StorageError(f"{file} cannot be written: {problem}", hint="name a file in a folder of your own")


def _write(file: Path, text: str) -> None:
    from m2build.local.atomic import atomic_file
    from m2build.stores.stored import storage

    with storage(file, "written"), atomic_file(file) as out:
        out.write(text.encode())
