"""The options for evidence on images: attached to them, and in files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

import m2build
from m2build.cli.paths import PATH

if TYPE_CHECKING:
    from m2build.delivery import Shipment

sign_option = click.option(
    "--sign",
    "signer",
    metavar="SIGNER",
    help="Sign the image, and the statements on it: cosign:KEY (a private key's file, or a URI of a key service), "
    "cosign:keyless, or command:PROGRAM.",
)
attest_option = click.option(
    "--attest",
    is_flag=True,
    help="Copy what is attached to IMAGE, too, such as the evidence of `m2build image --attest`.",
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
        type=PATH,
        help="Write the evidence into files, for signers; for several images, in a folder MODEL-PROFILE for each.",
    ),
    sign_option,
)


@dataclass(frozen=True)
class Attesting:
    """What the options say.

    Attributes:
        attach: whether evidence is attached.
        folder: where it is written; or None.
        signer: who signs images and evidence; or None.
    """

    attach: bool
    folder: Path | None
    signer: str | None

    @property
    def is_any(self) -> bool:
        """Whether any evidence is asked for; without, what makes it is not even imported."""
        return self.attach or self.folder is not None or self.signer is not None

    def check(self, session: m2build.Session, shipment: Shipment) -> None:
        """Check, before any image is made, that evidence can be signed, and attached and written where it goes.

        Raises:
            UsageError: it cannot be attached there, or there is no such signer or key.
            EngineError: the signer's program is missing, or too old.
            StorageError: the folder cannot be written.
        """
        if not self.is_any:
            return
        from m2build.evidence import check_attachable, check_folder

        if self.signer is not None:
            session.signer(self.signer)
        if self.folder is not None:
            check_folder(self.folder)
        if self.attach or self.signer is not None:
            for job in shipment.jobs:
                check_attachable(job.to.place)

    def attester(self, session: m2build.Session, shipment: Shipment) -> Callable[[m2build.Delivery], m2build.Delivery]:
        """What is done with each delivered image; it returns the image with what is attached."""
        if not self.is_any:
            return lambda delivery: delivery
        from m2build.evidence import write_statements

        several = len({(job.selection.model_id, job.selection.profile_id) for job in shipment.jobs}) > 1

        def attest(delivery: m2build.Delivery) -> m2build.Delivery:
            said = session.statements(delivery)
            if self.folder is not None and delivery.plan is not None:
                chosen = delivery.plan.selection
                name = f"{chosen.model_id}-{chosen.profile_id}" if several else ""
                write_statements(said, self.folder / name)
            attached = session.attest(delivery, said).artifacts if self.attach else ()
            signed = session.sign(delivery, self.signer, said).artifacts if self.signer is not None else ()
            return replace(delivery, evidence=(*attached, *signed))

        return attest


def attesting(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets what they say as one argument, `evidence`."""

    @wraps(command)
    def with_evidence(attest: bool, folder: Path | None, signer: str | None, **others: object) -> None:
        command(evidence=Attesting(attest, folder, signer), **others)

    for option in reversed(_OPTIONS):
        with_evidence = option(with_evidence)
    return with_evidence
