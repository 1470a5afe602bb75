"""The account of a changeset: what a person can read, a machine can re-derive and a third party can check.

The same files stand under `/opt/m2build` of a derived image and under `.m2build` of a patched working directory.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

from m2build import __version__
from m2build.patches.change import FileChange, Mention, Proof
from m2build.patches.patch_files import checksum, patch_files
from m2build.patches.tree import SourceFile

if TYPE_CHECKING:
    from m2build import printed
    from m2build.patches.changeset import Changeset, PatchResult

SCHEMA_VERSION = 1
_LATER = ("origin", "applied_upstream", "drop_when", "upstream", "relevant_when")
"""Fields that came later: a patch without them has the account that it had, and so images keep their digests."""


def audit_files(changeset: Changeset, root: str) -> dict[str, bytes]:
    """The account as files, by their path below the folder that it is put in.

    Args:
        changeset: what was done.
        root: the folder that the changeset's paths are relative to, as the auditor finds it.
    """
    patches = patch_files(changeset)
    files = {f"patches/{name}": content for name, content in patches.items()}
    before = {change.old_path: change.before.sha256 for change in changeset.changes if change.before}
    after = {change.path: change.after.sha256 for change in changeset.changes if change.after}
    return files | {
        "README": _readme(changeset, root, patches).encode(errors="surrogateescape"),
        "after.sha256": _checksums(after),
        "before.sha256": _checksums(before),
        "changeset.json": f"{json.dumps(account(changeset), indent=2, sort_keys=True)}\n".encode(),
    }


def account(changeset: Changeset) -> printed.Account:
    """The changeset as JSON: every patch with its reason and outcome, every file with its digests."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "generator": f"m2build {__version__}",
        "series": changeset.series.id,
        "distribution": changeset.series.distribution,
        "release": changeset.release,
        "patches": [_patch_account(result) for result in changeset.results],
        "files": [_file_account(change) for change in changeset.changes],
    }


def _patch_account(result: PatchResult) -> printed.PatchAccount:
    patch = result.patch.model_dump(mode="json")
    for name in _LATER:
        if not patch[name]:
            del patch[name]
    if result.patch.drop_when is not None:
        patch["dropNow"] = result.drop_now
    account = {
        **patch,
        "outcome": str(result.outcome),
        "detail": result.detail,
        "files": [change.path for change in result.changes],
        "mentions": [_mention_account(mention) for mention in result.mentions],
        "proof": _proof_account(result.proof),
    }
    return cast("printed.PatchAccount", account)


def _mention_account(mention: Mention) -> printed.Mention:
    account: printed.Mention = {
        "kind": str(mention.kind),
        "path": mention.path,
        "line": mention.line,
        "text": mention.text,
    }
    return {**account, "reason": mention.reason} if mention.reason else account


def _proof_account(proof: Proof | None) -> printed.Proof | None:
    if proof is None:
        return None
    return {"method": proof.method, "found": proof.found, "foundAgain": proof.found_again}


def _file_account(change: FileChange) -> printed.ChangedFile:
    return {
        "path": change.path,
        "renamedFrom": change.old_path if change.renamed else None,
        "before": _state_account(change.before),
        "after": _state_account(change.after),
    }


def _state_account(file: SourceFile | None) -> printed.State | None:
    return {"sha256": file.sha256, "size": file.size, "mode": f"{file.mode:04o}"} if file else None


def _checksums(digests: dict[str, str]) -> bytes:
    lines = (f"{checksum(digest, path)}\n" for path, digest in sorted(digests.items()))
    return "".join(lines).encode(errors="surrogateescape")


def _readme(changeset: Changeset, root: str, names: Iterable[str]) -> str:
    patches = "".join(f"  {name}\n" for name in names if name != "series")
    commands = "".join(f"  {line}\n" for line in _checking(changeset, root))
    return f"""\
m2build {__version__} changed {len(changeset.changes)} files below {root},
by the series {changeset.series.id}:

{patches}
Nothing else below that folder differs from the base. To check this with sha256sum and git alone, run these lines
where this folder is the current one:

{commands}
Then read the patches: each says what it changes, why, and where that was reported. changeset.json holds the same for
machines. The base's files can be compared with before.sha256 in the base image itself, which this image names in its
labels org.opencontainers.image.base.name and org.opencontainers.image.base.digest.
"""


def _checking(changeset: Changeset, root: str) -> Iterator[str]:
    """The commands of an auditor, who may have a forged account: they write below the temporary folder alone.

    A name that leads out of it, or into git's own folder, whose settings can name another one, is not copied; the last
    check then fails. sha256sum and cp fail on empty lists, which new or deleted files alone give.
    """
    are_left = any(change.after for change in changeset.changes)
    yield f"audit=$PWD root={shlex.quote(root)}"
    if are_left:
        yield "# 1. The files are what the patches make of them."
        yield """(cd "$root" && sha256sum --check --strict "$audit/after.sha256")"""
    yield "# 2. Without the patches they are the base's own."
    yield "copy=$(mktemp -d)"
    if are_left:
        yield (
            """(cd "$root" && sed 's/^[0-9a-f]*  //' "$audit/after.sha256" | """
            """grep -Eiv '^/|(^|/)(\\.\\.|\\.git)(/|$)' | xargs -d '\\n' cp --parents -t "$copy" --)"""
        )
    yield """cd "$copy" && git init --quiet"""
    yield """tac "$audit/patches/series" | while read -r name; do git apply --reverse "$audit/patches/$name"; done"""
    if any(change.before for change in changeset.changes):
        yield """sha256sum --check --strict "$audit/before.sha256\""""
