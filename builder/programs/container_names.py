"""Names of containers that are made to be copied from, so that none outlives its owner for long.

Each is named after a file in the cache that its owner has locked. Where a file is there that nobody has locked, its
owner was killed: the next run removes the container. Without such a file a container is somebody else's, as another
machine's that uses the same engine, and stays.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from m2build.errors import EngineError
from m2build.local.cache import cache_folder
from m2build.local.temporary import locked_file, remove_leftovers
from m2build.programs.program import Program

_ABSENT = "no such container"
"""What docker and podman say, among other words."""


@contextmanager
def container_name(program: Program) -> Iterator[str]:
    """A name for a container, which is removed at the end, as are those of dead processes before.

    Raises:
        EngineError: the engine does not remove it.
    """
    folder = cache_folder() / "containers" / program.name
    with suppress(EngineError):
        remove_leftovers(folder, lambda path: _remove(program, _named_after(path)))
    with ExitStack() as lock:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path, _ = lock.enter_context(locked_file(folder, 0o600))
            name = _named_after(path)
        except OSError:  # a cache is never needed: without one a kill leaves a container behind
            name = f"m2build-{secrets.token_hex(8)}"
        try:
            yield name
        finally:
            _remove(program, name)


def _named_after(path: Path) -> str:
    return path.name.removeprefix(".")


def _remove(program: Program, name: str) -> None:
    """Remove a container, if it was made, and the volumes with it that its image declares."""
    try:
        program.ask("rm", "--volumes", name)
    except EngineError as error:
        if _ABSENT not in str(error).lower():
            raise
