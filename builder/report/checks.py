"""How an image is checked with other people's tools: commands with its real digests, and what they print. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.local.printable import shell_text
from m2build.oci.reference import parse_reference
from m2build.places.place import PlaceKind

if TYPE_CHECKING:
    from m2build.derivation.plan import Plan
    from m2build.report.facts import ImageFacts
    from m2build.report.layers import LayerAccount


@dataclass(frozen=True)
class Check:
    """One step.

    Attributes:
        title: what it shows.
        commands: lines for bash.
        expected: what they print.
    """

    title: str
    commands: tuple[str, ...]
    expected: tuple[str, ...] = ()


def checks(facts: ImageFacts) -> tuple[Check, ...]:
    """The steps for an image in a registry (with crane) or in a layout (with skopeo); empty for other places."""
    opening = _opening(facts)
    if opening is None:
        return ()
    manifest = facts.inspection.manifest
    config = manifest.config.digest
    found = [
        opening,
        Check("The manifest is the one of this page.", ("manifest | sha256sum",), (_sum(str(manifest.digest)),)),
        Check("So is the config.", (f"blob {config} | sha256sum",), (_sum(str(config)),)),
        Check(
            "Containers start like this.",
            (f"blob {config} | jq -c .config.Entrypoint",),
            (json.dumps(list(facts.inspection.entrypoint), separators=(",", ":"), ensure_ascii=False),),
        ),
    ]
    if facts.plan is not None:
        found += [*_of_base(facts, facts.plan), *_of_layers(facts), *_of_sources(facts, facts.plan)]
    return tuple(found)


def _opening(facts: ImageFacts) -> Check | None:
    place, digest = facts.place, facts.inspection.manifest.digest
    if place.kind is PlaceKind.REGISTRY:
        repository = parse_reference(facts.inspection.found.name or place.location).name
        return Check(
            "Where the image is, by digest.",
            (
                f"image={shell_text([f'{repository}@{digest}'])}",
                'manifest() { crane manifest "$image"; }',
                'blob() { crane blob "${image%@*}@$1"; }',
            ),
        )
    if place.kind is not PlaceKind.OCI:
        return None
    return Check(
        "Where the image is, by digest. A layout holds each blob as a file.",
        (
            f"layout={shell_text([place.location])}",
            f"manifest() {{ blob {digest}; }}",
            'blob() { cat "$layout/blobs/sha256/${1#sha256:}"; }',
        ),
    )


def _of_base(facts: ImageFacts, plan: Plan) -> Iterator[Check]:
    """The base's layers are the image's lowest ones: by name if the base has one, else by their digests."""
    layers = [str(layer.digest) for layer in facts.inspection.manifest.layers]
    above = [f"> {digest}" for digest in layers[facts.inspection.base_layers :]]
    base = plan.base
    if base.name is None or base.manifest_digest is None or plan.base.stand_in:
        return
    named = shell_text([f"{parse_reference(base.name).name}@{base.manifest_digest}"])
    yield Check(
        "The base's layers are the image's lowest ones, and only these are above them.",
        (
            f"base={named}",
            "layers() { jq -r '.layers[].digest'; }",
            """diff <(crane manifest "$base" | layers) <(manifest | layers) | grep '^[<>]'""",
        ),
        tuple(above),
    )


def _of_layers(facts: ImageFacts) -> Iterator[Check]:
    for layer in facts.layers:
        yield Check(
            "The layer has these bytes, and these when it is unpacked.",
            (f"blob {layer.descriptor.digest} | sha256sum", f"{_tar(layer)} | sha256sum"),
            (_sum(str(layer.descriptor.digest)), _sum(str(layer.diff_id))),
        )


def _of_sources(facts: ImageFacts, plan: Plan) -> Iterator[Check]:
    """The patched files, then without the patches, then the base's own."""
    if len(facts.layers) != 1 or not any(source.changeset.changes for source in plan.sources):
        return
    yield Check("Unpack the layer.", ("mkdir overlay", f"{_tar(facts.layers[0])} | tar -x -C overlay"))
    for source in plan.sources:
        changes = source.changeset.changes
        if not changes:
            continue
        before = sorted(change.old_path for change in changes if change.before)
        after = sorted(change.path for change in changes if change.after)
        yield Check(
            "Its files are what the patches make of them.",
            (
                f"audit=$PWD/overlay/{source.account}",
                f"cd {shell_text([f'overlay/{source.root}'])}",
                'sha256sum --check "$audit"/after.sha256',
            ),
            tuple(f"{path}: OK" for path in after),
        )
        yield Check(
            "Without the patches they are the base's own.",
            (
                "git init --quiet",
                'tac "$audit"/patches/series | while read -r name; do git apply --reverse "$audit/patches/$name"; done',
                'sha256sum --check "$audit"/before.sha256',
                'cd "${audit%/overlay/*}"',
            ),
            tuple(f"{path}: OK" for path in before),
        )
    yield from _of_origins(plan)


def _of_origins(plan: Plan) -> Iterator[Check]:
    """The files of the base, from the base's own layers: those are large, and the only proof without m2build."""
    base = plan.base
    if base.name is None or base.stand_in or base.image is None:
        return
    repository = parse_reference(base.name).name
    sizes = {layer.digest: layer.size for layer in base.image.manifest.layers}
    for path, layer in sorted(plan.origins.items()):
        before = next(change.before for change in plan.changes if change.old_path == path)
        if before is None or layer not in sizes:
            continue
        blob, name = shell_text([f"{repository}@{layer}"]), shell_text([path])
        yield Check(
            f"The base has that file, in a layer of {sizes[layer]:,} bytes.",
            (f"crane blob {blob} | tar -xO --gzip {name} | sha256sum",),
            (_sum(before.sha256),),
        )


def _tar(layer: LayerAccount) -> str:
    unpack = {"gzip": " | gzip -dc", "zstd": " | zstd -dc"}.get(layer.descriptor.media_type.rpartition("+")[2], "")
    if layer.descriptor.media_type.endswith(".tar.gzip"):
        unpack = " | gzip -dc"
    return f"blob {layer.descriptor.digest}{unpack}"


def _sum(digest: str) -> str:
    return f"{digest.removeprefix('sha256:')}  -"
