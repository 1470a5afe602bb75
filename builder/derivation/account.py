"""The account of a plan's changes, as files: that of its only folder of sources, or one folder for each of several."""

from __future__ import annotations

from collections.abc import Sequence

from m2build import __version__
from m2build.derivation.plan import Sourced
from m2build.patches.audit import audit_files


def account_of(sources: Sequence[Sourced]) -> dict[str, bytes]:
    """The files, by their path below the folder that they are put in. Pure."""
    files = {
        f"{source.name}/{path}".lstrip("/"): content
        for source in sources
        for path, content in audit_files(source.changeset, f"/{source.root}").items()
    }
    return files if "README" in files else {**files, "README": _readme(sources).encode(errors="surrogateescape")}


def _readme(sources: Sequence[Sourced]) -> str:
    """What leads to the accounts of several folders of sources."""
    lines = "".join(
        f"  {source.name}: {len(source.changeset.changes)} files below /{source.root}, "
        f"by the series {source.changeset.series.id}\n"
        for source in sources
    )
    return f"""\
m2build {__version__} changed the sources in {len(sources)} folders:

{lines}
Nothing else below these folders differs from the base. Each has a folder of its own here, with its patches, digests,
and a README whose commands check it with sha256sum and git alone.
"""
