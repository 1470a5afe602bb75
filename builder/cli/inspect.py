"""`m2build inspect`: what an image is, what it was derived from, and how it differs from that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

import m2build
from m2build.cli import candidates
from m2build.cli.choosing import image_platform_option
from m2build.cli.groups import Command
from m2build.cli.output import json_option, print_json, result, schema_option, shell_line
from m2build.cli.progress import progress_option
from m2build.cli.sessions import insecure_option, session

if TYPE_CHECKING:
    from m2build.inspection.content import Entry
    from m2build.oci.descriptor import Descriptor
    from m2build.recipes.settings import Settings


def _schema() -> str:
    return m2build.Inspection.schema_text()


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  m2build inspect localhost:5000/minimax-m2:tp8
  # Images with equal digests have the same content, whichever engine built them.
  m2build inspect --json oci:./minimax-m2-tp8 | jq -r .content.digest
  m2build inspect --json docker-archive:minimax-m2.tar | jq -r .content.digest
""",
)
@click.argument("image", metavar="IMAGE", shell_complete=candidates.places(*candidates.IMAGES))
@image_platform_option
@insecure_option
@json_option
@schema_option(_schema, "--json")
@progress_option
def inspect(image: str, platform: str, insecure: bool, as_json: bool, progress_mode: str) -> None:
    """Show what an image is, what it was derived from, and every path in which it differs from that.

    The `content` digest covers these differences and how containers start, but not layers or times: all engines that
    build the same plan produce the same digest. For an image that m2build did not derive, it shows only the manifest
    and the config.
    """
    with session(progress_mode, insecure=insecure, platform=platform) as opened:
        found = opened.inspect(image)
    if as_json:
        print_json(found.document())
    else:
        result(*_lines(found))


def _lines(inspection: m2build.Inspection) -> Iterator[str]:
    manifest, config, content = inspection.manifest, inspection.config, inspection.content
    yield f"image       {_pinned(inspection.found.name, inspection.digest)}"
    yield f"manifest    {manifest.digest}"
    yield f"config      {manifest.config.digest}"
    yield f"platform    {config.platform}"
    yield f"created     {config.created}"
    if content is None:
        yield f"layers      {_count(manifest.layers)}"
    else:
        origin, height = inspection.origin, inspection.base_layers
        yield f"recipe      {origin['recipe']}, profile {origin['profile']}, model {origin['model']}"
        base = _pinned(origin["baseName"] or origin["standIn"], origin["baseDigest"])
        yield f"base        {base}" + " (stand-in)" * bool(origin["standIn"])
        yield f"layers      {_count(manifest.layers[:height])} of the base, {_count(manifest.layers[height:])} above"
        yield f"content     {content.digest}"
        yield from (f"changed     /{path}  {_shown(entry)}" for path, entry in content.changed.items())
        yield from (f"removed     /{path}" for path in content.removed)
    yield from _setting_lines(inspection.settings)
    yield f"entrypoint  {shell_line(inspection.entrypoint)}"


def _setting_lines(settings: Settings) -> Iterator[str]:
    yield from (f"env         {name}={value}" for name, value in settings.env.items())
    yield from (f"label       {key}={value}" for key, value in settings.labels.items())
    yield from (f"annotation  {key}={value}" for key, value in settings.annotations.items())
    yield f"workdir     {settings.workdir}"
    if settings.user:
        yield f"user        {settings.user}"


def _pinned(name: str | None, digest: object) -> str:
    return "@".join(str(part) for part in (name, digest) if part)


def _count(layers: Sequence[Descriptor]) -> str:
    return f"{len(layers)} ({sum(layer.size for layer in layers)} bytes)"


def _shown(entry: Entry) -> str:
    """An entry, with its digest cut to 12 digits."""
    what = {"file": entry.value[:19], "symlink": f"-> {entry.value}"}.get(entry.kind, str(entry.kind))
    return f"{entry.mode:04o} {entry.owner} {what}" + " with capabilities" * bool(entry.capabilities)
