"""Names for containers that m2build makes to copy from, so that none is left for long after a killed run.

Each is named after a file in the cache, which the run that made it keeps locked. An unlocked file is left from a killed
run: the next run removes its container. A container without such a file may belong to another machine that uses the
same engine, and stays.
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
"""Part of what docker and podman answer."""


@contextmanager
def container_name(program: Program) -> Iterator[str]:
    """A name for a container. The container is removed at the end; those of killed runs are removed first.

    Raises:
        EngineError: the engine fails to remove it.
    """
    folder = cache_folder() / "containers" / program.name
    with suppress(EngineError):
        remove_leftovers(folder, lambda path: _remove(program, _named_after(path)))
    with ExitStack() as lock:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path, _ = lock.enter_context(locked_file(folder, 0o600))
            name = _named_after(path)
        except OSError:  # a cache is never needed; without one, a killed run leaves its container
            name = f"m2build-{secrets.token_hex(8)}"
        try:
            yield name
        finally:
            _remove(program, name)


def _named_after(path: Path) -> str:
    return path.name.removeprefix(".")


def _remove(program: Program, name: str) -> None:
    """Remove a container, if it exists, with the volumes that its image declares."""
    try:
        program.ask("rm", "--volumes", name)
    except EngineError as error:
        if _ABSENT not in str(error).lower():
            raise
