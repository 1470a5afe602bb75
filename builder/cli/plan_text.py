"""How a plan looks to people: what `--dry-run` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from m2build.cli.output import shell_line

if TYPE_CHECKING:
    from m2build.plan import Plan


def plan_lines(plan: Plan) -> Iterator[str]:
    """A plan, line by line; with the digests of what the embedded engine makes of it, where its base is at hand."""
    selection, base = plan.selection, plan.base
    yield f"plan        {plan.digest}"
    yield f"recipe      {selection.recipe.name}, profile {selection.profile_id}, model {selection.model.repo}"
    pin = f"@{base.digest}" if base.digest else ""
    yield f"base        {base.name or base.stand_in or 'unnamed'}{pin}" + (" (stand-in)" * bool(base.stand_in))
    yield f"created     {plan.created_text}"
    for entry in plan.changeset.results:
        yield f"patch       {entry.patch.id}: {entry.outcome}"
        for mention in entry.mentions:
            yield f"            {mention}"
    for change in plan.changeset.changes:
        yield f"file        {f'{change.old_path} -> ' if change.renamed else ''}{change.path}"
    for path in plan.hidden:
        yield f"removed     /{path}"
    command = f"entrypoint  {shell_line(selection.command)}"
    if not base.is_whole:
        yield command
        return
    from m2build.engines.embedded import build

    manifest = build(plan).manifest
    yield f"layer       {manifest.layers[-1].digest} ({manifest.layers[-1].size} bytes)"
    yield command
    yield f"manifest    {manifest.digest}"


def plan_document(plan: Plan) -> dict[str, object]:
    """The same for machines: the plan, its digest, and that of the manifest where it can be told."""
    document: dict[str, object] = {**plan.document(), "digest": str(plan.digest)}
    if plan.base.is_whole:
        from m2build.engines.embedded import build

        document["manifest"] = str(build(plan).manifest.digest)
    return document
