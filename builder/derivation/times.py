"""The time of an image."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from m2build.errors import UsageError

if TYPE_CHECKING:
    from m2build.base.model import Base


_LATEST = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
"""The last second that RFC 3339 can write; a base's may be later in UTC."""
_DIGITS = len(str(_LATEST))


def creation_time(base: Base, environment: Mapping[str, str]) -> int:
    """The only time in the image (https://reproducible-builds.org/specs/source-date-epoch/)."""
    epoch = environment.get("SOURCE_DATE_EPOCH")
    if epoch:
        digits = epoch.lstrip("0") or "0"
        if not epoch.isascii() or not epoch.isdigit() or len(digits) > _DIGITS or int(digits) > _LATEST:
            raise UsageError(f"SOURCE_DATE_EPOCH is {epoch!r}, not a number of seconds", hint="unset it, or fix it")
        return int(digits)
    created = base.config.created
    try:
        found = datetime.fromisoformat(created or "")
    except ValueError:
        return 0
    # RFC 3339 requires a zone. The machine's must not decide what the image is.
    seconds = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return min(max(0, int(seconds)), _LATEST)
