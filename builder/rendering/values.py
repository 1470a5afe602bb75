"""The plan as plain values for a template. What a Dockerfile cannot express is refused here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from m2build import __version__
from m2build.derivation.health import probe_command
from m2build.derivation.overlay import changed_files
from m2build.derivation.plan import Plan
from m2build.errors import PatchError, UsageError
from m2build.labels import BASE_CONFIG, is_withdrawn
from m2build.layers.members import AUDIT_FOLDER
from m2build.oci.descriptor import JsonObject, object_in
from m2build.oci.reference import parse_reference
from m2build.patches.patch_files import patch_files

ACCOUNT_SOURCE = "account"
"""The folder of the build context with the account of the changeset."""

_EMBEDDED = "build without a Dockerfile: `m2build image` needs no container engine"


def template_values(plan: Plan) -> dict[str, object]:
    """The variables of a template, by name.

    Raises:
        UsageError: the base has no name that an engine could pull.
        PatchError: the base has something that a Dockerfile cannot keep or cannot remove.
    """
    selection, health = plan.selection, plan.selection.recipe.health
    runtime = plan.base.config.runtime
    _check(plan, runtime)
    labels = plan.labels
    return {
        "version": __version__,
        "recipe": selection.recipe.name,
        "profile": selection.profile_id,
        "model": selection.model.repo,
        "title": selection.title,
        "plan": str(plan.digest),
        "base": pullable_base(plan),
        "pinned": plan.base.digest is not None,
        "base_config": str(plan.base.config_digest) if plan.base.config_digest else None,
        "base_config_label": BASE_CONFIG,
        "platform": plan.base.config.platform,
        "account_source": ACCOUNT_SOURCE,
        "account": f"/{AUDIT_FOLDER}",
        "sources": list(_sources(plan)),
        "changed": list(_changed(plan)),
        "hidden": [f"/{path}" for path in plan.hidden],
        "shell": _shell(runtime),
        "user": _user(runtime),
        "env": list(selection.settings.env.items()),
        "workdir": selection.settings.workdir,
        "own_user": selection.settings.user,
        "annotations": [f"{key}={value}" for key, value in sorted(selection.settings.annotations.items())],
        "labels": sorted(labels.items()),
        "withdrawn": sorted(key for key in plan.base.config.labels if is_withdrawn(key) and key not in labels),
        "port": selection.port,
        "health": {**health.model_dump(), "command": probe_command(selection)},
        "entrypoint": list(selection.entrypoint),
    }


def _sources(plan: Plan) -> Iterator[dict[str, object]]:
    """The folders of sources that patches change."""
    for source in plan.sources:
        changes = source.changeset.changes
        if patches := [name for name in patch_files(source.changeset) if name != "series"]:
            yield {
                "root": f"/{source.root}",
                "account": f"/{source.account}",
                "patches": patches,
                "before": any(change.before for change in changes),
                "after": any(change.after for change in changes),
            }


def _check(plan: Plan, runtime: JsonObject) -> None:
    """Check that the base has nothing that would make the engine's result differ from ours."""
    if runtime.get("OnBuild"):
        raise PatchError("the base has ONBUILD triggers, which run at every FROM and stay in the image", hint=_EMBEDDED)
    for volume in object_in(runtime, "Volumes"):
        for path in (*(f"/{source.root}" for source in plan.sources), f"/{AUDIT_FOLDER}"):
            if f"{path}/".startswith(f"{volume.rstrip('/')}/"):
                raise PatchError(
                    f"the base declares the volume {volume}: engines drop what a build changes there", hint=_EMBEDDED
                )
    for member in changed_files(plan):
        if member.xattrs:
            raise PatchError(
                f"/{member.path} has the extended attributes {', '.join(sorted(member.xattrs))} in the base, "
                "which would be lost",
                hint=_EMBEDDED,
            )


def pullable_base(plan: Plan) -> str:
    """The base's name and tag, or its mirror's, with the digest of its manifest unless the user leaves that open.

    With an index's digest, an engine on another architecture would use another image, perhaps with the same sources.
    """
    base = plan.base
    if base.source is None:
        what = f"a stand-in made from {base.stand_in}" if base.stand_in else f"known as {base.digest} only"
        raise UsageError(
            f"the base has to be one that an engine can pull, and this one is {what}",
            hint="name one in a registry: --base REGISTRY/NAME:TAG",
        )
    reference = parse_reference(base.source)
    digest = base.manifest_digest or base.digest
    return f"{reference.without_digest}@{digest}" if digest else str(reference.without_digest)


def _changed(plan: Plan) -> Iterator[dict[str, object]]:
    """The files after the change by owner and mode, as the overlay has them."""

    def attributes(entry: tuple[str, str, str]) -> tuple[str, str]:
        return entry[:2]

    entries = sorted((f"{file.uid}:{file.gid}", f"{file.mode:04o}", f"/{file.path}") for file in changed_files(plan))
    for (owner, mode), group in groupby(entries, attributes):
        yield {"owner": owner, "mode": mode, "paths": [path for _, _, path in group]}


def _user(runtime: JsonObject) -> str | None:
    """The user that the base runs as, if not root."""
    user = runtime.get("User")
    if not isinstance(user, str) or user.partition(":")[0] in ("", "0", "root"):
        return None
    return user


def _shell(runtime: JsonObject) -> Sequence[str] | None:
    """The shell that the base gives RUN's commands to, if not the default."""
    shell = runtime.get("Shell")
    if not isinstance(shell, list) or not shell or shell == ["/bin/sh", "-c"]:
        return None
    return [str(word) for word in shell]
