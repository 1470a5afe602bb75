"""`m2build inspect`: what an image is, what it was derived from, and in what it differs from that."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from m2build.cli import candidates
from m2build.cli.choosing import image_platform_option
from m2build.cli.groups import Command
from m2build.cli.network import insecure_option
from m2build.cli.output import json_option, note, print_json, result, shell_line
from m2build.cli.progress import progress, progress_option
from m2build.labels import BASE_CHAIN_ID, OCI, OWN
from m2build.places.place import parse_place

if TYPE_CHECKING:
    from m2build.inspection.content import Content, Entry
    from m2build.oci.config import ImageConfig
    from m2build.oci.descriptor import Descriptor
    from m2build.oci.found import FoundImage


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  m2build inspect localhost:5000/minimax-m2:tp8
  # Images are equal, whichever engines built them, if these are.
  m2build inspect --json oci:./minimax-m2-tp8 | jq -r .content.digest
  m2build inspect --json docker-archive:minimax-m2.tar | jq -r .content.digest
""",
)
@click.argument("image", metavar="IMAGE", shell_complete=candidates.places(*candidates.IMAGES))
@image_platform_option
@insecure_option
@json_option
@progress_option
def inspect(image: str, platform: str, insecure: bool, as_json: bool, progress_mode: str) -> None:
    """Say what an image is, what it was derived from, and every path in which it differs from that.

    The digest behind `content` is of these differences and of how containers start, whatever the layers and the times:
    engines that build the same plan come to the same one. Of an image that m2build has not derived, what its manifest
    and its config tell is printed.
    """
    from m2build.delivery.thin import completed
    from m2build.inspection.content import base_height, read_content
    from m2build.oci.found import located
    from m2build.places.transports import read_image
    from m2build.registry.access import Access

    place, access, story = parse_place(image), Access.of(os.environ, insecure=insecure), progress(progress_mode)
    stored = read_image(place, platform, access, progress=story)
    height, content = 0, None
    if BASE_CHAIN_ID in stored.image.config.labels:
        with located(str(place)):
            height = base_height(stored.image.config)
            content = read_content(completed(stored.image, None, platform, access), height, story)
    else:
        note(f"{place} was not derived by m2build, or does not say from what; there is nothing to compare")
    if as_json:
        print_json(_document(stored, height, content))
    else:
        result(*_lines(stored, height, content))


def _document(stored: FoundImage, height: int, content: Content | None) -> dict[str, object]:
    manifest, config = stored.image.manifest, stored.image.config
    return {
        "name": stored.name,
        "digest": str(stored.digest),
        "manifest": str(manifest.digest),
        "config": str(manifest.config.digest),
        "platform": config.platform,
        "created": config.created,
        "origin": {**_origin(config), "baseLayers": height} if content else None,
        "layers": [layer.to_json() for layer in manifest.layers],
        "content": {"digest": str(content.digest), **content.document()} if content else None,
        "entrypoint": _entrypoint(config),
    }


def _lines(stored: FoundImage, height: int, content: Content | None) -> Iterator[str]:
    manifest, config = stored.image.manifest, stored.image.config
    yield f"image       {_pinned(stored.name, stored.digest)}"
    yield f"manifest    {manifest.digest}"
    yield f"config      {manifest.config.digest}"
    yield f"platform    {config.platform}"
    yield f"created     {config.created}"
    if content is None:
        yield f"layers      {_count(manifest.layers)}"
    else:
        origin, below, above = _origin(config), manifest.layers[:height], manifest.layers[height:]
        yield f"recipe      {origin['recipe']}, profile {origin['profile']}, model {origin['model']}"
        base = _pinned(origin["baseName"] or origin["standIn"], origin["baseDigest"])
        yield f"base        {base}" + " (stand-in)" * bool(origin["standIn"])
        yield f"layers      {_count(below)} of the base, {_count(above)} above"
        yield f"content     {content.digest}"
        yield from (f"changed     /{path}  {_shown(entry)}" for path, entry in content.changed.items())
        yield from (f"removed     /{path}" for path in content.removed)
    yield f"entrypoint  {shell_line(_entrypoint(config))}"


def _origin(config: ImageConfig) -> dict[str, str | None]:
    """Where the image comes from, in the words of its labels."""
    keys = {key: f"{OWN}{key}" for key in ("recipe", "profile", "model")}
    keys |= {"baseName": f"{OCI}base.name", "baseDigest": f"{OCI}base.digest", "standIn": f"{OWN}base.stand-in"}
    return {name: config.labels.get(key) for name, key in keys.items()}


def _entrypoint(config: ImageConfig) -> list[str]:
    from m2build.inspection.runtime import runtime_of

    words = runtime_of(config).get("Entrypoint")
    return [str(word) for word in words] if isinstance(words, list) else []


def _pinned(name: str | None, digest: object) -> str:
    return "@".join(str(part) for part in (name, digest) if part)


def _count(layers: Sequence[Descriptor]) -> str:
    return f"{len(layers)} ({sum(layer.size for layer in layers)} bytes)"


def _shown(entry: Entry) -> str:
    """An entry, short: of a digest as much as git shows of its own."""
    what = {"file": entry.value[:19], "symlink": f"-> {entry.value}"}.get(entry.kind, str(entry.kind))
    return f"{entry.mode:04o} {entry.owner} {what}" + " with capabilities" * bool(entry.capabilities)
