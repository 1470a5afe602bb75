"""Which code a patch's codemod is: the distribution that it comes from, and the digest of its file."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, entry_points, version

from pydantic import Field

from m2build import __version__
from m2build.evidence.statement import Evident
from m2build.locking.code import code_digest
from m2build.patches.distributions import GROUP, LIBCST, distribution_of
from m2build.patches.patch import Patch

_OWN = "m2build"


class CodemodOrigin(Evident):
    """The code that made a change."""

    name: str = Field(description="As the series names it.")
    distribution: str | None = Field(default=None, description="Where it comes from, as package indexes call it.")
    version: str | None = None
    sha256: str | None = Field(default=None, description="The SHA-256 of the Python file that defines it.")


def codemod_origin(patch: Patch) -> CodemodOrigin:
    """Where a patch's codemod comes from, as it is installed here."""
    name, release = _distribution(patch)
    return CodemodOrigin(name=patch.codemod, distribution=name, version=release, sha256=code_digest(patch))


def _distribution(patch: Patch) -> tuple[str | None, str | None]:
    if patch.value is None and not patch.codemod.startswith(LIBCST):
        entry = next((entry for entry in entry_points(group=GROUP) if entry.name == patch.codemod), None)
        return (entry.dist.name, entry.dist.version) if entry and entry.dist else (None, None)
    module = type(patch.value).__module__ if patch.value else patch.codemod.removeprefix(LIBCST)
    if module.startswith(f"{_OWN}."):
        return _OWN, __version__
    name = distribution_of(module)
    try:
        return name, version(name)
    except PackageNotFoundError:
        return None, None
