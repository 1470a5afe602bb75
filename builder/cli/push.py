"""`m2build push`: publish an image that was written to a layout or an archive, and complete it if it is thin."""

from __future__ import annotations

import os
from dataclasses import replace

import click

from m2build.cli import candidates
from m2build.cli.choosing import image_platform_option
from m2build.cli.groups import Command
from m2build.cli.network import insecure_option
from m2build.cli.output import note, result
from m2build.cli.progress import progress, progress_option
from m2build.errors import UsageError
from m2build.places.place import ENGINE_STORES, PlaceKind, parse_place

_FAR = frozenset({PlaceKind.REGISTRY, *ENGINE_STORES})
"""Where an image takes its time to be looked at, so that the target comes first; elsewhere a wrong path does."""


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # What `m2build image` wrote where there was no container engine.
  m2build push oci:minimax-m2.1.oci:tp8 localhost:5000/minimax-m2:tp8
  # The base is not where the image says, but there is a copy.
  m2build push oci:minimax-m2.1.oci:tp8 localhost:5000/minimax-m2:tp8 --base localhost:5000/sglang:v0.5.7
  # Any image.
  m2build push oci-archive:minimax-m2.tar localhost:5000/minimax-m2:tp8
""",
)
@click.argument("image", metavar="IMAGE", shell_complete=candidates.places(*candidates.IMAGES))
@click.argument("reference", metavar="NAME[:TAG]")
@click.option(
    "--base",
    metavar="PLACE",
    help="Where the base is, for the layers that the image leaves out; default: where its labels say.",
    shell_complete=candidates.places(*candidates.IMAGES),
)
@image_platform_option
@insecure_option
@progress_option
def push(image: str, reference: str, base: str | None, platform: str, insecure: bool, progress_mode: str) -> None:
    """Publish the image of a layout or an archive in a registry, under NAME[:TAG].

    IMAGE is a place: oci:DIR[:TAG] or ./DIR[:TAG] of a layout, oci-archive:FILE, docker-archive:FILE, docker://NAME, or
    an image in an engine's store. Layers that it leaves out, as a thin layout does, are taken from its base, and where
    that is in the same registry none of them is sent. Without a tag the image gets its profile's name. The tag moves
    last; what it named before, if that was another image, is said on stderr. Prints NAME@DIGEST.
    """
    from m2build.delivery.job import moved
    from m2build.delivery.thin import base_name, completed
    from m2build.labels import PROFILE
    from m2build.oci.reference import parse_reference
    from m2build.places.transports import read_image
    from m2build.registry.access import Access
    from m2build.registry.push import push_image
    from m2build.registry.target import check_push, tag_digest

    target = parse_reference(reference)
    if target.digest is not None:
        raise UsageError(f"{reference!r} names a digest, which the image has already", hint="leave out @sha256:…")
    place, elsewhere = parse_place(image), parse_place(base) if base else None
    access, story = Access.of(os.environ, insecure=insecure), progress(progress_mode)
    if place.kind in _FAR:
        check_push(access.push(target))
    found = read_image(place, platform, access, progress=story).image
    if place.kind not in _FAR:
        check_push(access.push(target))
    whole = completed(found, elsewhere, platform, access)
    is_copy = elsewhere and elsewhere.kind is PlaceKind.REGISTRY
    origin = parse_reference(elsewhere.location) if elsewhere and is_copy else base_name(found)
    mount_from = origin.repository if origin and origin.registry == target.registry else None
    target = replace(target, tag=target.tag or found.config.labels.get(PROFILE, "latest"))
    before, digest = tag_digest(access.push(target), str(target.tag)), found.manifest.digest
    push_image(whole, target, access, story, mount_from=mount_from)
    result(f"{reference.removesuffix(f':{target.tag}')}@{digest}")
    if change := moved(f"docker://{target}", before, digest):
        note(change)
