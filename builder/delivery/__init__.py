"""Images on their way: destinations and names, what the destinations hold already, and the account of a delivery.

Example:
    >>> from m2build import delivery
    >>> delivery.Destinations(names=("registry.example/{model}:{profile}",), push=True).names
    ('registry.example/{model}:{profile}',)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build.delivery.annotation_levels import check_level, split_levels
    from m2build.delivery.destinations import Destinations
    from m2build.delivery.forecast import BlobState, Forecast
    from m2build.delivery.github import github_outputs, github_subjects, github_summary
    from m2build.delivery.metadata import Metadata, read_metadata
    from m2build.delivery.publishing import UNLIMITED, Publishing
    from m2build.delivery.schema import metadata_schema
    from m2build.delivery.shipment import Shipment
    from m2build.registry.tags import TagPolicy

_HOMES = {
    "BlobState": "m2build.delivery.forecast",
    "UNLIMITED": "m2build.delivery.publishing",
    "Destinations": "m2build.delivery.destinations",
    "Forecast": "m2build.delivery.forecast",
    "Metadata": "m2build.delivery.metadata",
    "Publishing": "m2build.delivery.publishing",
    "Shipment": "m2build.delivery.shipment",
    "TagPolicy": "m2build.registry.tags",
    "check_level": "m2build.delivery.annotation_levels",
    "github_outputs": "m2build.delivery.github",
    "github_subjects": "m2build.delivery.github",
    "github_summary": "m2build.delivery.github",
    "metadata_schema": "m2build.delivery.schema",
    "read_metadata": "m2build.delivery.metadata",
    "split_levels": "m2build.delivery.annotation_levels",
}
"""Where each name is defined."""

__all__ = [
    "UNLIMITED", "BlobState", "Destinations", "Forecast", "Metadata", "Publishing", "Shipment", "TagPolicy",
    "check_level", "github_outputs", "github_subjects", "github_summary", "metadata_schema", "read_metadata",
    "split_levels",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
