"""`m2build run`: serve an image with a container engine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

import m2build
from m2build import running
from m2build.cli.container import choosing_container
from m2build.cli.groups import Command
from m2build.cli.output import result
from m2build.errors import EngineError, StorageError, UsageError

_KFD = Path("/dev/kfd")
_ENGINES = ("docker", "podman")


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # Serve what `m2build image --tp 8` left with Docker or podman, at 127.0.0.1:8000.
  m2build run --tp 8
  # Print the command instead.
  m2build run --tp 8 --image REGISTRY/minimax-m2:tp8 --print
  # More arguments for the server.
  m2build run --tp 4 -- --log-level debug
""",
)
@choosing_container
@click.option("--engine", type=click.Choice(_ENGINES), help="Default: docker, or podman where there is no docker.")
@click.option("-d", "--detach", is_flag=True, help="Run it in the background, and keep it and its log when it ends.")
@click.option("--print", "is_printed", is_flag=True, help="Print the command for a shell, and run nothing.")
def run(
    container: running.Container,
    engine: str | None,
    detach: bool,
    is_printed: bool,
) -> None:
    """Serve an image with Docker or podman: the GPUs, the models' folder, the port, and no more.

    ARGUMENTS are appended to the server's. The token for Hugging Face is taken from HF_TOKEN when the container starts.
    The exit code is the engine's, and so the server's.
    """
    program = engine or next(filter(shutil.which, _ENGINES), "docker")
    command = m2build.run_command(container, engine=program, detach=detach)
    if is_printed:
        result(*command.splitlines())
        return
    _prepare(program, container)
    from m2build.programs.foreground import become

    become(["sh", "-c", f"exec {command}"])


def _prepare(program: str, container: running.Container) -> None:
    """Check what the engine would explain badly, and make the models' folder, which Docker would make as root."""
    if shutil.which(program) is None:
        raise EngineError(f"there is no command {program} on PATH", hint="install it, or give --engine")
    if container.devices != "none" and not _KFD.exists():
        raise UsageError(
            "this machine has no /dev/kfd, so no AMD GPU for containers",
            hint="load the driver amdgpu; --devices none starts the container without GPUs, --print only prints",
        )
    default = f"{os.environ.get('HOME', '')}/.cache/huggingface"  # as the shell sees it
    folder = Path(container.cache or os.environ.get("HF_HOME") or default)
    try:
        folder.expanduser().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"the folder for models {folder} cannot be made: {error.strerror}") from error
