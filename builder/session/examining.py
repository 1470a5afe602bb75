"""What a session does with images that exist: publish, inspect, verify, compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.documents.arguments import typed_arguments
from m2build.session.connections import Connections, parsed_place

if TYPE_CHECKING:
    from m2build.delivery.delivered import Delivery
    from m2build.evidence.requirements import Requirements
    from m2build.inspection.image import Inspection
    from m2build.locking.model import Lock
    from m2build.patches.series import Series
    from m2build.places.place import Place
    from m2build.programs.cosign import Identity
    from m2build.recipes.model import Recipe, Selection
    from m2build.verification.difference import Difference
    from m2build.verification.result import Verification


class Examining(Connections):
    """Images that exist, wherever they are."""

    @typed_arguments
    def push(self, place: str | Place, name: str, *, base: str | Place | None = None) -> Delivery:
        """Publish an existing image, such as one in a layout; a thin one is completed from its base.

        Args:
            place: where the image is.
            name: what to call it, `REGISTRY/NAME[:TAG]`; without a tag it gets its profile's name, or `latest`.
            base: where the layers are that it leaves out; None for where its labels say.

        Raises:
            UsageError: the name holds a digest, there is no such image, or its base is unknown.
            ContentError: something is missing, truncated or altered.
            TransportError: a registry does not send or does not accept the image; its tag is unchanged.
            EngineError: a container engine does not export its image.
            TransferBudgetError: more would be copied than `publishing` allows.
        """
        from m2build.delivery.publish import publish

        elsewhere = parsed_place(base) if base is not None else None
        with self._caching():
            return publish(
                parsed_place(place),
                name,
                base=elsewhere,
                platform=self._image_platform,
                access=self._access,
                progress=self.progress,
                publishing=self.publishing,
            )

    @typed_arguments
    def inspect(self, place: str | Place) -> Inspection:
        """What an image is, what it was derived from, and every path in which it differs from that.

        Raises:
            UsageError: there is no such place, or no such image in it.
            ContentError: something is missing, truncated, altered or malformed.
            TransportError: a registry does not deliver.
            EngineError: a container engine does not export its image.
            StorageError: a file cannot be read.
        """
        from m2build.inspection.image import inspect_image

        with self._caching():
            return inspect_image(parsed_place(place), self._image_platform, self._access, self.progress)

    @typed_arguments
    def verify(
        self,
        place: str | Place,
        wanted: Recipe | Selection | None = None,
        *,
        base: str | Place | None = None,
        series: Series | None = None,
        lock: Lock | None = None,
        signer: str | Identity | None = None,
        require: Requirements | None = None,
    ) -> Verification:
        """Prove an image from recipe and base alone: the plan is made again, and the image has to be what it gives.

        Nothing of the build is trusted, its labels, its account and its cache included. The base is read anew.

        Args:
            place: where the image is.
            wanted: what it has to be: `recipe.select(tp=8)`; or a recipe, with the profile and the model that the image
                names; or None for the shipped recipe that the image names.
            base: where the base is; None for where the recipe says.
            series: the patches that were applied; None for the recipe's own.
            lock: has to agree: each key in which it differs is a finding. A base in a registry is taken by its digest.
            signer: who has to have signed the image: a public key, as a file or a URI for cosign, or an identity, as
                `cosign:keyless` signs. cosign checks that, and what else the signer has signed of it has to be true.
            require: rules that the image has to satisfy: each one that it breaks is a finding.

        Raises:
            ContentError: the base is truncated, altered or malformed; of the image, that is a finding.
            PatchError: a patch does not apply to the base.
            UsageError: there is no such key, or attestations are required without a signer.
            EngineError: there is a signer, and cosign is missing or too old.
            M2BuildError: as `inspect`.
        """
        from m2build.verification.demands import Demands, Expectation, Means
        from m2build.verification.verify import verify_image

        below = parsed_place(base) if base is not None else None
        expectation = Expectation(wanted, below, series, Demands(lock, signer, require))
        with self._caching():
            means = Means(self.platform, self._access, self.environment, self.progress)
            return verify_image(parsed_place(place), expectation, means)

    @typed_arguments
    def diff(self, before: str | Place, after: str | Place) -> Difference:
        """How two images differ, in files and in config fields; their common layers are not read.

        Raises:
            M2BuildError: as `inspect`.
        """
        from m2build.verification.difference import diff_images

        places = (parsed_place(before), parsed_place(after))
        return diff_images(*places, platform=self._image_platform, access=self._access, progress=self.progress)
