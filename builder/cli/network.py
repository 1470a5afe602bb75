"""How commands get at registries."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from m2build.places.place import Place, PlaceKind

if TYPE_CHECKING:
    from m2build.registry.access import Access

insecure_option = click.option(
    "--insecure", is_flag=True, help="Registries elsewhere too may speak plain HTTP, or have certificates of their own."
)


def access_to(*places: Place | None, insecure: bool) -> Access | None:
    """The access to registries, or None if none of the places is in one."""
    if not any(place and place.kind is PlaceKind.REGISTRY for place in places):
        return None
    from m2build.registry.access import Access  # an HTTP library takes its time to be imported

    return Access.of(os.environ, insecure=insecure)
