"""The bill of materials of an overlay, in CycloneDX 1.6: what the patches touched, with its pedigree. Pure.

It lists what m2build put into the image and what that was made from. The base's own bill of materials has the rest.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import AttachedText, Encoding, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType, Diff, Patch, PatchClassification, Pedigree
from cyclonedx.model.issue import IssueClassification, IssueType, IssueTypeSource
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from pydantic import JsonValue

from m2build import __version__
from m2build.base.model import Base
from m2build.derivation.overlay import account_files
from m2build.derivation.plan import Plan, Sourced
from m2build.evidence.provenance import image_purl
from m2build.oci.digest import Digest
from m2build.patches.changeset import PatchResult
from m2build.patches.diff import git_diff
from m2build.patches.patch import Patch as SeriesPatch

_ISSUE = re.compile(r"https?://([^/]+)/(.+?)/(?:-/)?(?:issues|pull|merge_requests)/([0-9]+)/?")
_CLASSES = {"upstream": PatchClassification.CHERRY_PICK, "backport": PatchClassification.BACKPORT}
"""DEP-3's words for where a patch comes from -> CycloneDX's; any other is unofficial."""


def sbom_of(plan: Plan, digest: Digest, time: int | None) -> dict[str, JsonValue]:
    """The bill of materials.

    Args:
        plan: what decided the image.
        digest: the digest of the image's manifest.
        time: when it was written, in seconds since the epoch; None leaves it out.
    """
    image = Component(
        type=ComponentType.CONTAINER,
        name=plan.selection.title,
        version=str(digest),
        hashes=[_hash(digest)],
        bom_ref="image",
    )
    base, sources = _base(plan.base), [_source(source) for source in plan.sources]
    account = [_file(member.path, Digest.of(member.content)) for member in account_files(plan)]
    bom = Bom(
        components=[base, *sources, *account],
        metadata=BomMetaData(component=image, tools=ToolRepository(components=[_tool()])),
        serial_number=uuid5(NAMESPACE_URL, f"{digest} {plan.digest}"),
    )
    bom.register_dependency(image, [base, *sources])
    document: dict[str, JsonValue] = json.loads(JsonV1Dot6(bom).output_as_string())
    _set_time(document, time)
    return document


def _set_time(document: dict[str, JsonValue], time: int | None) -> None:
    """Put the given time in the place of the one that the library took from the clock."""
    metadata = document["metadata"]
    if isinstance(metadata, dict):
        metadata.pop("timestamp", None)
        if time is not None:
            metadata["timestamp"] = datetime.fromtimestamp(time, UTC).isoformat()


def _tool() -> Component:
    purl = PackageURL("pypi", name="m2build", version=__version__)
    return Component(type=ComponentType.APPLICATION, name="m2build", version=__version__, purl=purl, bom_ref="m2build")


def _base(base: Base) -> Component:
    purl = image_purl(base.name, base.digest, base.config.platform) if base.name and base.digest else None
    return Component(
        type=ComponentType.CONTAINER,
        name=base.name or base.stand_in or "base",
        version=str(base.digest) if base.digest else None,
        hashes=[_hash(base.digest)] if base.digest else None,
        purl=purl,
        bom_ref="base",
    )


def _source(source: Sourced) -> Component:
    """The patched distribution: the release that it was, what was done to it, and the files that changed."""
    changeset = source.changeset
    name, release = changeset.series.distribution, changeset.release
    ref = f"sources/{source.root}"
    was = Component(
        name=name, version=release, purl=PackageURL("pypi", name=name, version=release), bom_ref=f"{ref}/unpatched"
    )
    return Component(
        name=name,
        version=release,
        bom_ref=ref,
        pedigree=Pedigree(
            ancestors=[was],
            patches=[_patch(result) for result in changeset.results if result.changes],
            notes=f"the series {changeset.series.id}; the patchset statement has the patches in their order",
        ),
        components=[
            _file(change.path, Digest("sha256", change.after.sha256)) for change in source.changes if change.after
        ],
    )


def _patch(result: PatchResult) -> Patch:
    origin = (result.patch.origin or "vendor").partition(",")[0].strip()
    return Patch(
        type=_CLASSES.get(origin, PatchClassification.UNOFFICIAL),
        diff=Diff(text=_attached(git_diff(result.changes))),
        resolves=_issues(result.patch),
    )


def _attached(diff: bytes) -> AttachedText:
    try:
        return AttachedText(content=diff.decode(), content_type="text/x-diff")
    except UnicodeDecodeError:
        content = base64.b64encode(diff).decode()
        return AttachedText(content=content, content_type="text/x-diff", encoding=Encoding.BASE_64)


def _issues(patch: SeriesPatch) -> Iterator[IssueType]:
    """The issues and pull requests among a patch's references.

    >>> from m2build.patches import load_series
    >>> next(_issues(load_series("minimax-m2-rocm").patch("disable-rmsnorm-compile"))).id
    'sgl-project/sglang#16102'
    """
    for reference in patch.references:
        if found := _ISSUE.match(reference):
            host, project, number = found.groups()
            yield IssueType(
                type=IssueClassification.DEFECT,
                id=f"{project}#{number}",
                name=patch.id,
                description=patch.summary,
                source=IssueTypeSource(name=host, url=XsUri(reference)),
            )


def _file(path: str, digest: Digest) -> Component:
    return Component(type=ComponentType.FILE, name=f"/{path}", hashes=[_hash(digest)], bom_ref=f"file:/{path}")


def _hash(digest: Digest) -> HashType:
    algorithm = HashAlgorithm.SHA_512 if digest.algorithm == "sha512" else HashAlgorithm.SHA_256
    return HashType(alg=algorithm, content=digest.hex)
