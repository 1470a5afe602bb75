"""The command that runs a container with Docker or podman, as text for a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.running.model import GRACE, SHARED_MEMORY, TOKEN, Container, Devices

RENDER_GROUP = "$(stat -c %g /dev/dri/renderD* | head -n 1)"
"""The group of the render nodes, found when the container starts. It has another number on every machine, and its name
would be looked up in the image."""
CDI_DEVICE = "amd.com/gpu=all"
CACHE = "${HF_HOME:-$HOME/.cache/huggingface}"
"""The machine's folder for models, where none is given; a shell and Compose read it alike."""


@typed_arguments
def run_command(container: Container, *, engine: str = "docker", detach: bool = False) -> str:
    """The command line that runs a container: one for `sh`, an option a line.

    What only the machine knows, as the number of its render group, the shell finds when it runs the command. In front
    of the server there is the engine's init.

    >>> import m2build
    >>> from m2build import running
    >>> selection = m2build.load_recipe("minimax-m2").select(tp=8)
    >>> command = m2build.run_command(running.Container(selection, devices="none"))
    >>> print(*command.splitlines()[:3], sep="\\n")
    docker run --init --name=minimax-m2-1-tp8 \\
        --rm \\
        --stop-timeout=120 \\

    Args:
        container: what to run.
        engine: `docker` or `podman`.
        detach: whether it runs in the background, and stays when it ends, with its log.

    Raises:
        UsageError: the server would not be reachable, a word holds what cannot be printed, or models cannot be mounted.
    """
    words = [
        f"{engine} run --init --name={container.name}",
        "--detach" if detach else "--rm",
        f"--stop-timeout={GRACE}",
        *_devices(container),
        *_security(container),
        *_network(container),
        *_models(container),
        *map(_quoted, (container.reference, *container.arguments)),
    ]
    return " \\\n    ".join(words)


def _devices(container: Container) -> Iterator[str]:
    if container.devices == Devices.NONE:
        return
    if container.devices == Devices.CDI:
        yield f"--device={CDI_DEVICE}"
    else:
        yield from ("--device=/dev/kfd", "--device=/dev/dri")
    yield from (f"--device={device}" for device in container.rules.devices)
    yield from (f"--group-add={group}" for group in container.rules.groups)
    yield f'--group-add="{RENDER_GROUP}"'


def _security(container: Container) -> Iterator[str]:
    rules = container.rules
    if rules.privileged:
        yield "--privileged"
    yield from (f"--cap-add={capability}" for capability in rules.capabilities)
    yield from (f"--security-opt={option}" for option in rules.options)
    yield "--ipc=host" if rules.host_ipc else f"--shm-size={SHARED_MEMORY}g"
    yield from (f"--volume={source}:{target}" for source, target in rules.volumes)


def _network(container: Container) -> Iterator[str]:
    if container.rules.host_network:
        yield "--network=host"
        return
    container.check_reachable()
    port = container.selection.port
    address = f"[{container.address}]" if ":" in container.address else container.address
    yield _quoted(f"--publish={address}:{port}:{port}")


def _models(container: Container) -> Iterator[str]:
    if container.cache and ":" in container.cache:
        raise UsageError(f"--volume cannot hold the ':' of {container.cache}", hint="name another folder for models")
    source = f'"{CACHE}"' if container.cache is None else _quoted(container.cache)
    yield f"--volume={source}:{_quoted(container.models)}"
    yield f"--env={TOKEN}"
    yield from (_quoted(f"--env={name}={value}") for name, value in container.variables.items())


def _quoted(word: str) -> str:
    """A word for any shell: POSIX.1-2024 has escapes for what cannot be printed, and dash does not know them yet."""
    if not word.isprintable():
        raise UsageError(f"{word!r} holds an unprintable character, which cannot be written for every shell")
    return shlex.quote(word)
