"""The report on delivered images: on stdout, and in files that are checked beforehand to be writable."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

import m2build
from m2build.cli.github import artifacts_option, check_artifacts, tell_github
from m2build.cli.output import json_option, note, print_json, result, schema_option, story_line
from m2build.cli.outputs import check_file
from m2build.cli.paths import PATH_TEXT
from m2build.errors import M2BuildError, UsageError
from m2build.local.targets import is_stdout, output_path, written_file

if TYPE_CHECKING:
    from m2build.delivery import Shipment


def _output_path(_context: click.Context, _option: click.Parameter, text: str | None) -> Path | None:
    """A file to write; `-` is stdout."""
    return output_path(text) if text is not None else None


def _schema() -> str:
    """The schema of the account of images; with --dry-run, --json prints what would be done."""
    from m2build.delivery import metadata_schema
    from m2build.printed import Forecast, schema_text

    document, forecasts = json.loads(metadata_schema()), json.loads(schema_text("image", Forecast | list[Forecast]))
    document["oneOf"] += forecasts["anyOf"]
    document["$defs"] |= forecasts["$defs"]
    return json.dumps(document, indent=2)


_OPTIONS = (
    click.option(
        "--metadata-file",
        type=PATH_TEXT,
        callback=_output_path,
        help="Write the result as JSON, with buildx's keys; - is stdout.",
    ),
    click.option(
        "--iidfile",
        type=PATH_TEXT,
        callback=_output_path,
        help="Write the image id (the config's digest); - is stdout.",
    ),
    json_option,
    schema_option(_schema, "--json", "--metadata-file"),
    artifacts_option,
)


@dataclass(frozen=True)
class Report:
    """What the options say.

    Attributes:
        metadata_file: where the account of the images goes, or None.
        iidfile: where the one image's id goes, or None.
        as_json: whether to print the account instead of the names.
        artifacts: whether to declare the images in `$GITHUB_ARTIFACTS`.
    """

    metadata_file: Path | None
    iidfile: Path | None
    as_json: bool
    artifacts: bool

    def check(self, shipment: Shipment) -> None:
        """Check, before any image is made, that the report can be written.

        Args:
            shipment: the images that will be reported.

        Raises:
            UsageError: --iidfile would get several ids, or stdout or a file several outputs; or a GitHub job is needed.
            StorageError: a file cannot be written.
        """
        uses = self._uses_of_stdout(shipment)
        if len(uses) > 1:
            raise UsageError(f"{' and '.join(uses)} would both be on stdout", hint="write one of them into a file")
        images = {(job.selection.model_id, job.selection.profile_id) for job in shipment.jobs}
        if self.iidfile is not None and len(images) > 1:
            raise UsageError("--iidfile takes one image's id", hint="--metadata-file takes those of several")
        if self.artifacts:
            check_artifacts(shipment)
        for file in (self.iidfile, self.metadata_file):
            if file is not None:
                check_file(file)
        self._check_apart(shipment)

    def _check_apart(self, shipment: Shipment) -> None:
        """Check that each output has a file of its own, and none is in a layout that is written."""
        from m2build.local.failures import storage

        archives = [("--output", job.to.archive) for job in shipment.jobs]
        written: dict[Path, str] = {}
        for option, path in (*archives, ("--metadata-file", self.metadata_file), ("--iidfile", self.iidfile)):
            if path is None:
                continue
            with storage(path, "written"):
                file = written_file(path)
            if file is not None and written.setdefault(file, option) != option:
                raise UsageError(f"{written[file]} and {option} would both write {path}", hint="name two files")
        for layout in {job.to.layout.resolve() for job in shipment.jobs if job.to.layout}:
            for file, option in written.items():
                if file == layout or layout in file.parents:
                    raise UsageError(f"{option} would write into the layout {layout}", hint="name a file elsewhere")

    def report_all(
        self, shipment: Shipment, then: Callable[[m2build.Delivery], m2build.Delivery] | None = None
    ) -> None:
        """Deliver the images, then report them; if one fails, report those before it.

        stdout gets one output only: if an archive or a report file goes there, the names go to stderr.

        Args:
            shipment: the images.
            then: what is done with each image that has been delivered; it returns what is reported.

        Raises:
            M2BuildError: an image cannot be delivered.
            StorageError: a file cannot be written; an older one is unchanged, and stdout names what was published.
        """
        delivered: list[m2build.Delivery] = []
        try:
            for one in shipment.deliver():
                delivered.append(one)
                if one.moved:
                    note(one.moved)
                if then is not None:
                    delivered[-1] = then(one)
        except BaseException:
            with suppress(M2BuildError, OSError):  # the first failure is the one to report
                self._report(delivered, shipment)
            raise
        self._report(delivered, shipment)

    def _report(self, delivered: Sequence[m2build.Delivery], shipment: Shipment) -> None:
        """Write the report: one account, or several by image name; stdout comes first."""
        if not delivered:
            return
        accounts = {str(account["image.name"]): account for account in (one.metadata() for one in delivered)}
        document = next(iter(accounts.values())) if len(shipment.jobs) == 1 else accounts
        say = story_line if self._uses_of_stdout(shipment) else result
        with ExitStack() as files:
            if self.metadata_file is not None:
                files.callback(_write, self.metadata_file, json.dumps(document, indent=2) + "\n")
            if self.iidfile is not None:
                files.callback(_write, self.iidfile, delivered[0].image_id)
            files.callback(tell_github, delivered, document, artifacts=self.artifacts)
            if self.as_json:
                print_json(document)
            else:
                for one in delivered:
                    say(one.reference)
            if sys.stdout:
                sys.stdout.flush()

    def _uses_of_stdout(self, shipment: Shipment) -> list[str]:
        """The options whose output goes to stdout; without any, the names go there."""
        files = {
            "--output": shipment.jobs[0].to.archive,
            "--metadata-file": self.metadata_file,
            "--iidfile": self.iidfile,
        }
        uses = [option for option, file in files.items() if file is not None and is_stdout(file)]
        return [*uses, "--json"] if self.as_json else uses


def reporting(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets what they say as one argument, `report`."""

    @wraps(command)
    def with_report(
        metadata_file: Path | None, iidfile: Path | None, as_json: bool, github_artifacts: bool, **others: object
    ) -> None:
        from m2build.local.leftovers import remove_all_leftovers

        remove_all_leftovers()
        command(report=Report(metadata_file, iidfile, as_json, github_artifacts), **others)

    for option in reversed(_OPTIONS):
        with_report = option(with_report)
    return with_report


def _write(file: Path, text: str) -> None:
    from m2build.local.failures import storage
    from m2build.local.outputs import output_file

    with storage(file, "written"), output_file(file) as out:
        out.write(text.encode())
