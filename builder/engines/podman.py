"""Podman, by its command: python-on-whales supports only its oldest way to build."""

from __future__ import annotations

from pathlib import Path

from m2build.engines.container import ContainerEngine
from m2build.engines.model import Built, Order
from m2build.local.temporary import temporary_folder
from m2build.oci.digest import Digest
from m2build.places.place import PlaceKind
from m2build.places.podman_trust import trusting_options
from m2build.programs.build_log import run_reported
from m2build.programs.program import Program
from m2build.programs.versions import Need, member, on_path
from m2build.progress import Progress

_PODMAN = Need(
    "podman", (4, 0), "its build's --identity-label", "see https://podman.io/docs/installation, or use another --engine"
)

_NO_TRACES = ("--no-hosts", "--no-hostname")
"""Where the base has no /etc/hosts or /etc/hostname, buildah would mount its own over an empty file, and leave that in
the image; the second option came with podman 5."""


class Podman(ContainerEngine):
    """Podman with its built-in buildah, by the user's own `podman` command."""

    name = "podman"
    store = PlaceKind.CONTAINERS_STORAGE
    archive = PlaceKind.DOCKER_ARCHIVE
    """podman drops the health check, which is Docker's, from images in OCI's form."""

    builds_from_its_store = True
    _program = Program("podman")

    def probe(self) -> str:
        """Check that podman is installed, answers and is new enough; returns its version.

        Raises:
            EngineError: it is not.
        """
        on_path("podman", _PODMAN)
        said = self._program.ask("version", "--format", "json")
        version = member(said, "Server", "Version") or member(said, "Client", "Version")
        return f"podman {_PODMAN.check(version)}"

    def build(self, context: Path, order: Order, progress: Progress) -> Built:
        """Build a context into podman's store, and copy the image from there to its destination.

        Raises:
            EngineError: the build failed, or the image cannot be copied.
        """
        is_own = order.place.kind is self.store
        with temporary_folder() as folder:
            file = folder / "id"
            options = ["--format=docker", "--identity-label=false", f"--timestamp={order.created}"]
            options += [f"--platform={order.platform}", f"--iidfile={file}", "--network=none", *self._no_traces()]
            options += [f"--tag={order.reference}"] if is_own else []
            run_reported(self._program, ["build", *options, *_trusting(order.base, order), str(context)], progress)
            image_id = Digest.parse(file.read_text().strip())
            digest = self._kept_digest(image_id) if is_own else self._pushed_digest(image_id, order, progress)
        return Built(image_id, digest)

    def _no_traces(self) -> list[str]:
        known = self._program.ask("build", "--help").split()
        return [option for option in _NO_TRACES if option in known]

    def _kept_digest(self, image_id: Digest) -> Digest:
        return Digest.parse(self._program.ask("image", "inspect", image_id.hex, "--format={{.Digest}}").strip())

    def _pushed_digest(self, image_id: Digest, order: Order, progress: Progress) -> Digest:
        place = order.place
        is_remote = place.kind is PlaceKind.REGISTRY
        target = f"docker://{order.reference}" if is_remote else f"{place.kind}:{place.location}:{order.reference}"
        trusting = _trusting(order.reference if is_remote else None, order)
        with temporary_folder() as folder:
            file = folder / "digest"
            push = ["push", f"--digestfile={file}", *trusting, image_id.hex, target]
            run_reported(self._program, push, progress)
            return Digest.parse(file.read_text().strip())


def _trusting(reference: str | None, order: Order) -> list[str]:
    return trusting_options(reference, insecure=order.insecure) if reference else []
