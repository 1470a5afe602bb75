"""The options for evidence on images: attached to them, and in files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import click

import m2build

attest_option = click.option(
    "--attest",
    is_flag=True,
    help="Attach what is attached to IMAGE as well, such as what `m2build image --attest` wrote into a layout.",
)

_OPTIONS = (
    click.option(
        "--attest",
        is_flag=True,
        help="Attach evidence to each image in its registry or layout: provenance, patches, bill of materials. The "
        "image's digest stays the same.",
    ),
    click.option(
        "--attest-dir",
        "folder",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Write the evidence into files, for signers; for several images, in a folder MODEL-PROFILE for each.",
    ),
)


@dataclass(frozen=True)
class Attesting:
    """What the options say.

    Attributes:
        attach: whether evidence is attached.
        folder: where it is written; or None.
    """

    attach: bool
    folder: Path | None

    def check(self, shipment: m2build.Shipment) -> None:
        """Check, before any image is made, that evidence can be attached and written where it goes.

        Raises:
            UsageError: it cannot be attached there.
            StorageError: the folder cannot be written.
        """
        from m2build.evidence import check_attachable, check_folder

        if self.folder is not None:
            check_folder(self.folder)
        if self.attach:
            for job in shipment.jobs:
                check_attachable(job.to.place)

    def attester(self, session: m2build.Session, shipment: m2build.Shipment) -> Callable[[m2build.Delivery], None]:
        """What is done with each delivered image."""
        from m2build.evidence import write_statements

        several = len({(job.selection.model_id, job.selection.profile_id) for job in shipment.jobs}) > 1

        def attest(delivery: m2build.Delivery) -> None:
            if not (self.attach or self.folder):
                return
            said = session.statements(delivery)
            if self.folder is not None and delivery.plan is not None:
                chosen = delivery.plan.selection
                name = f"{chosen.model_id}-{chosen.profile_id}" if several else ""
                write_statements(said, self.folder / name)
            if self.attach:
                session.attest(delivery, said)

        return attest


def attesting(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets what they say as one argument, `evidence`."""

    @wraps(command)
    def with_evidence(attest: bool, folder: Path | None, **others: object) -> None:
        command(evidence=Attesting(attest, folder), **others)

    for option in reversed(_OPTIONS):
        with_evidence = option(with_evidence)
    return with_evidence
