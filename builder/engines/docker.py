"""Docker, through python-on-whales; the one module that imports it.

It works around two limits of that library. There are no timeouts, so Docker is probed without it. And a build's process
is hidden, so the library calls a shell that writes its process id to a file before it becomes docker.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from m2build.engines.container import ContainerEngine
from m2build.engines.model import Built, Order
from m2build.errors import EngineError
from m2build.local.temporary import temporary_folder
from m2build.oci.digest import Digest
from m2build.places.place import PlaceKind
from m2build.programs.build_log import BuildLog
from m2build.programs.program import Program
from m2build.programs.versions import Need, member, on_path
from m2build.progress import Progress

_INSTALL = "see https://docs.docker.com/engine/install/, or use another --engine"
_DOCKER = Need("docker", (23, 0), "a BuildKit that takes the time from SOURCE_DATE_EPOCH", _INSTALL)
_BUILDX = Need("docker's buildx", (0, 10), "images without attestations", "https://github.com/docker/buildx#installing")
_NOTING = 'echo "$$" > "$0" && exec "$@"'
"""A shell script: its first argument is the file, the rest is the command."""
_NO_PERMISSION = re.compile(r"permission denied .* at (?:unix://)?([^\s:]+)")
"""What docker says of its socket since version 18: `… at unix:///var/run/docker.sock: Get …`."""
_PATIENCE = 100
"""Tenths of a second between SIGTERM and SIGKILL for a build."""


@dataclass(frozen=True)
class Docker(ContainerEngine):
    """Docker, with the daemon that the user's own `docker` command uses.

    Attributes:
        builder: a buildx builder, which may be remote; None for the user's current one.
        needs_daemon: whether a daemon is needed too, as for an image that stays in its store.
    """

    builder: str | None = None
    needs_daemon: bool = True
    name = "docker"
    store = PlaceKind.DOCKER_DAEMON
    archive = PlaceKind.OCI_ARCHIVE
    _program = Program("docker")

    @property
    def builds_from_its_store(self) -> bool:
        """Whether it pulls a base into its own store, and not into a remote builder's."""
        return self.builder is None

    def probe(self) -> str:
        """Check that docker, buildx, and the daemon or the builder are usable and new enough; returns versions.

        Raises:
            EngineError: one is not.
        """
        on_path("docker", _DOCKER)
        found = []
        if self.needs_daemon:
            found.append(f"docker {_DOCKER.check(self._server_version())}")
        try:
            said = self._program.ask("buildx", "version")
        except EngineError as error:
            raise EngineError("docker has no buildx, which builds need", hint=_BUILDX.how) from error
        found.append(f"buildx {_BUILDX.check(said.split()[1] if len(said.split()) > 1 else said)}")
        if self.builder is not None:
            self._find(self.builder)
            found.append(f"the builder {self.builder}")
        return ", ".join(found)

    def _server_version(self) -> str:
        try:
            said = self._program.ask("version", "--format={{json .}}")
        except EngineError as error:
            raise _unreachable(error) from error
        version = member(said, "Server", "Version")
        if not version:
            raise EngineError(
                "the command docker is not Docker: its version lists no server", hint="use --engine podman"
            )
        return version

    def _find(self, builder: str) -> None:
        try:
            self._program.ask("buildx", "inspect", builder)
        except EngineError as error:
            raise EngineError(
                f"the builder {builder} cannot be used: {error}",
                hint="`docker buildx ls` lists builders, `docker buildx create` makes one",
            ) from error

    def build(self, context: Path, order: Order, progress: Progress) -> Built:
        """Build a context with BuildKit and deliver the image in the same step.

        Raises:
            EngineError: the build failed.
        """
        from python_on_whales import DockerClient, DockerException

        log = BuildLog(progress)
        with temporary_folder() as folder:
            file, process = folder / "metadata.json", folder / "process"
            client = DockerClient(client_call=["sh", "-c", _NOTING, str(process), "docker"])
            lines = client.buildx.build(
                context,
                build_args={"SOURCE_DATE_EPOCH": str(order.created)},
                builder=self.builder,
                load=order.place.kind is self.store,
                metadata_file=file,
                network="none",
                output=_output(order),
                platforms=[order.platform],
                progress="plain",
                provenance=False,
                stream_logs=True,
                tags=order.reference,
            )
            try:
                for line in cast("Iterator[str]", lines):
                    log.add(line)
            except DockerException as error:
                raise log.failure(self.name) from error
            except BaseException:
                _end(process)
                raise
            return _built(file)


def _unreachable(error: EngineError) -> EngineError:
    """Why the daemon cannot be reached; a missing permission is by far the most common reason."""
    if refused := _NO_PERMISSION.search(error.message):
        return EngineError(
            f"you have no permission to use Docker's socket {refused[1]}",
            hint="run it as a member of the group docker or as root, or use podman",
        )
    return EngineError(
        f"the docker daemon does not answer: {error}",
        hint="start it, as with `systemctl start docker`, or name another with DOCKER_HOST or `docker context`",
    )


def _end(file: Path) -> None:
    """End the process whose id is in a file, and wait for it; a build that goes on would move the tag."""
    with suppress(OSError, ValueError):  # it had not begun, or has ended
        process = int(file.read_text())
        os.kill(process, signal.SIGTERM)
        for _ in range(_PATIENCE):
            if os.waitpid(process, os.WNOHANG)[0]:
                return
            time.sleep(0.1)
        os.kill(process, signal.SIGKILL)


def _output(order: Order) -> dict[str, str]:
    if order.place.kind is PlaceKind.REGISTRY:
        insecure = {"registry.insecure": "true"} if order.insecure else {}
        return {"type": "image", "push": "true", **insecure}
    if order.place.kind is PlaceKind.OCI_ARCHIVE:
        return {"type": "oci", "dest": order.place.location}
    return {}


def _built(file: Path) -> Built:
    """Read BuildKit's metadata file.

    In a store without manifests, the image's digest is the config's. For an image from a remote builder there is no
    digest of the config, and docker uses the manifest's as its id.
    """
    try:
        metadata = json.loads(file.read_text())
        digest = Digest.parse(metadata["containerimage.digest"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError("docker built the image, but its metadata file is missing") from error
    image_id = Digest.parse(metadata.get("containerimage.config.digest", str(digest)))
    is_kept_without = "containerimage.config.digest" in metadata and image_id == digest
    return Built(image_id, None if is_kept_without else digest, metadata)
