"""Whatever code of others raises is an error of m2build that says whose code it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from m2build.errors import M2BuildError, PatchError
from m2build.patches.distributions import distribution_of


@contextmanager
def theirs(what: str, where: str, path: str = "") -> Iterator[None]:
    """Run code of others.

    Args:
        what: what runs, ending in its dotted name: `the codemod package.module.Class`.
        where: what it was doing, or nothing.
        path: the file that it was on, if any.

    Raises:
        PatchError: it raises anything but Ctrl-C, or an error of m2build.
    """
    try:
        yield
    except (KeyboardInterrupt, M2BuildError):
        raise
    except BaseException as error:
        raise PatchError(
            f"{path and f'{path}: '}{what} of {distribution_of(what.rpartition(' ')[2])} raised "
            f"{type(error).__name__}{where and f' {where}'}: {error}",
            hint="m2build --debug shows its traceback",
        ) from error
