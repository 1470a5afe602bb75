"""Times in an image's documents: RFC 3339, as the OCI image specification requires."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(seconds: int) -> str:
    """A time in seconds since the epoch, in UTC.

    >>> rfc3339(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
