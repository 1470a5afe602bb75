"""Whatever code of others raises is an error of m2build that says whose code it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from m2build.errors import M2BuildError, PatchError
from m2build.patches.distributions import distribution_of

if TYPE_CHECKING:
    from libcst.codemod import Codemod


@contextmanager
def theirs(codemod: type[Codemod], where: str = "", path: str = "") -> Iterator[None]:
    """Run the code of a codemod.

    Args:
        codemod: whose code it is.
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
        name = f"{codemod.__module__}.{codemod.__qualname__}"
        raise PatchError(
            f"{path and f'{path}: '}the codemod {name} of {distribution_of(name)} raised "
            f"{type(error).__name__}{where and f' {where}'}: {error}",
            hint="m2build --debug shows its traceback",
        ) from error
