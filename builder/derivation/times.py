"""The time of an image."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from m2build.errors import UsageError

if TYPE_CHECKING:
    from m2build.base.model import Base


def creation_time(base: Base, environment: Mapping[str, str]) -> int:
    """The only time in the image (https://reproducible-builds.org/specs/source-date-epoch/)."""
    epoch = environment.get("SOURCE_DATE_EPOCH")
    if epoch:
        if not epoch.isascii() or not epoch.isdigit() or len(epoch) > 11:
            raise UsageError(f"SOURCE_DATE_EPOCH is {epoch!r}, not a number of seconds", hint="unset it, or fix it")
        return int(epoch)
    created = base.config.created
    try:
        return max(0, int(datetime.fromisoformat(created).timestamp())) if created else 0
    except ValueError:
        return 0
