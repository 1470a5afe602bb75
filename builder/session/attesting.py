"""What a session does with evidence on images: make it, attach it, and find what is attached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.places.place import Place, PlaceKind
from m2build.session.connections import Connections, parsed_place

if TYPE_CHECKING:
    from m2build.delivery.delivered import Delivery
    from m2build.delivery.destination import Destination
    from m2build.evidence.signers import Signer
    from m2build.evidence.statement import Statement
    from m2build.oci.artifact import Artifact
    from m2build.oci.digest import Digest
    from m2build.registry.referrers import Attached


class Attesting(Connections):
    """Evidence on images, where they are delivered."""

    @typed_arguments
    def statements(self, delivery: Delivery) -> tuple[Statement, ...]:
        """What is said of a delivered image: its provenance, its patches and its bill of materials.

        With `SOURCE_DATE_EPOCH` in the environment they name that time; else they hold none, and deriving the same
        image again gives the same bytes.

        Args:
            delivery: the image, derived by m2build.

        Raises:
            UsageError: the image was not derived now, its engine keeps it without a manifest's digest, or a file that
                is changed has a name that is not Unicode.
        """
        from m2build.evidence.making import statements
        from m2build.evidence.provenance import Run

        digest = _digest(delivery)
        if delivery.plan is None:
            raise UsageError(
                f"{delivery.reference} was not derived in this run, so it is not certain what it was derived from",
                hint="evidence is made with the image: m2build image --attest",
            )
        time = delivery.plan.created if self.environment.get("SOURCE_DATE_EPOCH") else None
        return statements(delivery.plan, digest, Run(engine=delivery.engine, time=time))

    @typed_arguments
    def attest(self, delivery: Delivery, statements: Sequence[Statement] | None = None) -> Attached:
        """Attach statements to a delivered image, in its registry or layout; those that are there already stay.

        The image stays as it is, digest included.

        Args:
            delivery: the image.
            statements: what is said of it; None for what `statements` gives.

        Raises:
            UsageError: nothing can be attached there, or as `statements`.
            TransportError: the registry refuses, or does not answer.
            ContentError: something else is where the list of what refers to the image has to be.
            StorageError: the layout cannot be written.
        """
        from m2build.evidence.attaching import artifacts_of, subject_of

        said = self.statements(delivery) if statements is None else statements
        place = _place(delivery.to)
        subject = subject_of(place, _digest(delivery), self._access_to(place))
        return self.attach(artifacts_of(said, subject), delivery)

    @typed_arguments
    def sign(self, delivery: Delivery, signer: Signer | str, statements: Sequence[Statement] | None = None) -> Attached:
        """Sign a delivered image and statements on it, and attach what the signer makes.

        Both are needed: clusters that check signatures do not accept a signed statement in place of one. What the same
        key has signed before is not signed again.

        Args:
            delivery: the image.
            signer: `cosign:KEY`, `cosign:keyless` or `command:PROGRAM`, or one of your own.
            statements: what is signed besides the image; None for what `statements` gives, or of an image that was not
                derived now, for nothing.

        Raises:
            UsageError: there is no such signer or key, or nothing can be attached there.
            EngineError: the signer's program is missing, too old, or fails.
            ContentError: what the signer gives does not refer to the image.
            TransportError: the registry refuses, or does not answer.
            StorageError: the layout cannot be written.
        """
        from m2build.evidence.attaching import found_at, subject_of

        signer = self.signer(signer) if isinstance(signer, str) else signer
        if statements is None:
            statements = self.statements(delivery) if delivery.plan else ()
        place = _place(delivery.to)
        access = self._access_to(place)
        subject = subject_of(place, _digest(delivery), access)
        there = found_at(place, subject.digest, access)
        return self._attach(signer.sign(delivery.to.name, subject, statements, there), delivery, "signed")

    @typed_arguments
    def attached_statements(self, place: str | Place) -> tuple[Statement, ...]:
        """The statements that are attached to an image in a layout, or in an archive with one, to be signed.

        Raises:
            UsageError: the image is in a registry, where others could have attached them; or as `referrers`.
            ContentError: one is about something else than the image; or as `referrers`.
        """
        from m2build.evidence.unsigned import statements_in

        at = parsed_place(place)
        if at.kind is PlaceKind.REGISTRY:
            raise UsageError(
                f"the statements on {at} are not signed: others may have attached them",
                hint="sign them with the image: m2build image --sign; or sign the image alone, without --attest",
            )
        return statements_in(self.referrers(at))

    @typed_arguments
    def signer(self, text: str) -> Signer:
        """A signer by its name, `cosign:KEY`, `cosign:keyless` or `command:PROGRAM`: checked, so that it can sign.

        Raises:
            UsageError: there is no such signer, or no such key.
            EngineError: its program is missing, or too old.
        """
        from m2build.evidence.signers import parse_signer

        found = parse_signer(text, self.environment)
        found.check()
        return found

    @typed_arguments
    def attach(self, artifacts: Sequence[Artifact], delivery: Delivery) -> Attached:
        """Attach artifacts that refer to a delivered image, such as those that `referrers` has found elsewhere.

        Raises:
            M2BuildError: as `attest`.
        """
        return self._attach(artifacts, delivery, "attached to")

    def _attach(self, artifacts: Sequence[Artifact], delivery: Delivery, done: str) -> Attached:
        """Attach artifacts, and report that as `done`: signing and attaching in one run are two lines."""
        from m2build.evidence.attaching import attach

        place = _place(delivery.to)
        attached = attach(artifacts, place, self._access_to(place), self.progress)
        listed = f", listed under the tag {attached.tag}" if attached.tag else ""
        self.progress.step(
            f"{done} {delivery.reference}: {attached.added} new, {attached.existing} already there{listed}"
        )
        return attached

    @typed_arguments
    def referrers(self, place: str | Place) -> tuple[Artifact, ...]:
        """All that is attached to an image in a registry, a layout or an OCI archive, by others too.

        Raises:
            UsageError: there is no such image, or places of this kind hold nothing that refers to one.
            ContentError: something is missing, altered or malformed.
            TransportError: a registry refuses, or does not answer.
        """
        from m2build.evidence.attaching import found_at
        from m2build.places.transports import read_image

        at = parsed_place(place)
        access = self._access_to(at)
        image = read_image(at, self._image_platform, access, progress=self.progress).image
        return found_at(at, image.manifest.digest, access)


def _place(to: Destination) -> Place:
    return replace(to.place, location=to.reference) if to.place.kind is PlaceKind.REGISTRY else to.stored


def _digest(delivery: Delivery) -> Digest:
    digest = delivery.built.digest
    if digest is None:
        raise UsageError(
            f"{delivery.engine} keeps {delivery.to.reference} without a manifest digest, which evidence needs",
            hint="deliver it to a registry or a layout: --push, or -o oci:DIR",
        )
    return digest
