"""From plans to their lock. Pure, but for the digests of codemods' code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from m2build import __version__
from m2build.base.model import Base
from m2build.derivation.overlay import make_overlay
from m2build.derivation.plan import Plan, Sourced
from m2build.errors import UsageError
from m2build.locking.code import code_digest
from m2build.locking.model import (
    Lock,
    LockedBase,
    LockedEntry,
    LockedFile,
    LockedImage,
    LockedMention,
    LockedPatch,
    LockedProof,
    LockedSource,
    LockedState,
    LockedStep,
)
from m2build.oci.tar import Kind, Member
from m2build.patches.change import FileChange
from m2build.patches.changeset import PatchResult
from m2build.patches.diff import git_diff
from m2build.patches.patch import Patch
from m2build.patches.preimages import published_release
from m2build.patches.tree import SourceFile
from m2build.patches.vendored import is_vendoring
from m2build.recipes.model import Selection
from m2build.recipes.selections import common_recipe


def lock_of(plans: Sequence[Plan]) -> Lock:
    """The lock of plans of one recipe and one base.

    Raises:
        UsageError: they are of several recipes, the base is not read or has no digest, or it has a name that is not
            Unicode.
    """
    first, recipe = plans[0], common_recipe([plan.selection for plan in plans])
    entries = {path: entry for plan in plans for path, entry in plan.footing.items()}
    lock = Lock(
        version=1,
        m2build=__version__,
        recipe=recipe.name,
        base=_base(first.base),
        created=first.created_text,
        sources={name: _source(source, first) for name, source in zip(recipe.roots, first.sources, strict=True)},
        footing={path: _entry(entries[path]) for path in sorted(entries)},
        hidden=first.hidden,
        images={image_key(plan.selection): _image(plan) for plan in plans},
    )
    try:
        lock.yaml().encode()
    except UnicodeEncodeError as error:
        raise UsageError("the base cannot be locked: a name in it, or an attribute, is not Unicode") from error
    return lock


def image_key(selection: Selection) -> str:
    """What an image of a recipe is called in its lock."""
    return f"{selection.model_id}:{selection.profile_id}"


def definition_of(patch: Patch) -> str:
    """The SHA-256 of a patch, its reason included, as JSON."""
    return hashlib.sha256(patch.model_dump_json().encode()).hexdigest()


def vendored_by(patch: Patch) -> dict[str, str]:
    """The file that a patch brings along, by name, with its SHA-256."""
    if not is_vendoring(patch.parameters):
        return {}
    return {str(patch.parameters["file"]): str(patch.parameters["sha256"])}


def _base(base: Base) -> LockedBase:
    if base.digest is None or base.manifest_digest is None:
        raise UsageError(
            f"{base.origin} cannot be locked: its manifest was not read, or it is not pinned to a digest",
            hint="name an image in a registry, a layout or an archive",
        )
    return LockedBase(
        image=base.name or base.stand_in,
        digest=str(base.digest),
        manifest=str(base.manifest_digest),
        config=str(base.config_digest),
        chain_id=str(base.chain_id) if base.chain_id else None,
        platform=base.config.platform,
        mirror=base.mirror,
    )


def _source(source: Sourced, plan: Plan) -> LockedSource:
    changeset = source.changeset
    return LockedSource(
        root=source.root,
        series=changeset.series.id,
        distribution=changeset.series.distribution,
        release=changeset.release,
        published=published_release(changeset),
        deeper=changeset.deeper,
        diff=_diff(changeset.changes),
        patches={result.patch.id: _patch(result) for result in changeset.results},
        files={change.path: _file(change, source, plan) for change in changeset.changes},
    )


def _patch(result: PatchResult) -> LockedPatch:
    patch, proof = result.patch, result.proof
    return LockedPatch(
        definition=definition_of(patch),
        codemod=patch.codemod,
        code=code_digest(patch),
        vendored=vendored_by(patch),
        outcome=result.outcome,
        detail=result.detail,
        diff=_diff(result.changes),
        changes=tuple(_step(change) for change in result.changes),
        mentions=tuple(
            LockedMention(
                path=mention.path, line=mention.line, text=mention.text, kind=mention.kind, reason=mention.reason
            )
            for mention in result.mentions
        ),
        proof=LockedProof(method=proof.method, found=proof.found, found_again=proof.found_again) if proof else None,
        drop_now=result.drop_now,
    )


def _step(change: FileChange) -> LockedStep:
    old = change.old_path if change.renamed else None
    return LockedStep(renamed_from=old, before=_state(change.before), after=_state(change.after), path=change.path)


def _file(change: FileChange, source: Sourced, plan: Plan) -> LockedFile:
    old, layer = change.old_path, plan.origins.get(f"{source.root}/{change.old_path}")
    return LockedFile(
        renamed_from=old if change.renamed else None,
        before=_state(change.before),
        after=_state(change.after),
        layer=str(layer) if layer else None,
    )


def _state(file: SourceFile | None) -> LockedState | None:
    return LockedState(sha256=file.sha256, mode=f"{file.mode:04o}") if file else None


def _diff(changes: Iterable[FileChange]) -> str | None:
    diff = git_diff(changes)
    return hashlib.sha256(diff).hexdigest() if diff else None


def _entry(entry: Member) -> LockedEntry:
    return LockedEntry(
        kind="folder" if entry.kind is Kind.FOLDER else "file",
        mode=f"{entry.mode:04o}",
        uid=entry.uid,
        gid=entry.gid,
        mtime=entry.mtime,
        xattrs=dict(entry.xattrs),
    )


def _image(plan: Plan) -> LockedImage:
    return LockedImage(
        plan=str(plan.digest),
        overlay=str(make_overlay(plan).diff_id),
        workdir=plan.selection.settings.workdir,
        unmade=plan.unmade,
    )
