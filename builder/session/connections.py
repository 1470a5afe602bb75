"""How a session reaches registries, engines, caches and its user."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.local.cache import cache_in
from m2build.oci.platforms import PLATFORM
from m2build.places.place import Place, PlaceKind
from m2build.progress import Logged, Progress

if TYPE_CHECKING:
    from m2build.delivery.publishing import Publishing
    from m2build.local.usage import CacheUsage, Pruned
    from m2build.registry.access import Access

_PLATFORM = "linux/amd64"
"""The platform if neither a session nor a recipe names one: ROCm runs on no other."""


class Connections:
    """What is shared by everything that a session does.

    It keeps what it learns of registries (schemes, tokens, connections).
    """

    @typed_arguments
    def __init__(
        self,
        *,
        progress: Progress | None = None,
        insecure: bool = False,
        cache: str | os.PathLike[str] | None = None,
        platform: str | None = None,
        environment: Mapping[str, str] | None = None,
        publishing: Publishing | None = None,
    ) -> None:
        """Say how; nothing is read or reached yet.

        Args:
            progress: receives steps, transfers and notices; None for only the logger
                `m2build`, which has them too.
            insecure: whether registries beyond this machine may speak plain HTTP, or have certificates of their own.
            cache: the cache folder; None for `m2build` in the user's cache directory.
            platform: `os/architecture[/variant]` of images for several; None for the recipe's.
            environment: where credentials, proxies and `SOURCE_DATE_EPOCH` are looked for; None for the process's own.
            publishing: what is allowed in registries; None to move tags, and to copy at most 256 MiB of a base.

        Raises:
            UsageError: the platform is not written as one.
        """
        if platform is not None and not re.fullmatch(PLATFORM, platform):
            raise UsageError(f"the platform {platform!r} is not OS/ARCH", hint="as in linux/amd64")
        self.progress: Progress = Logged(progress)
        self.insecure = insecure
        self.platform = platform
        self.environment = os.environ if environment is None else environment
        self._cache = Path(cache) if cache is not None else None
        self._publishing = publishing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to registries; the session can be used again, and opens new ones."""
        if "_access" in self.__dict__:
            self._access.transport.close()
            del self._access

    def cache_usage(self) -> CacheUsage:
        """What the cache holds, and its bound.

        Raises:
            UsageError: `M2BUILD_CACHE_SIZE` is not a size.
        """
        from m2build.local.usage import cache_usage

        with self._caching():
            return cache_usage()

    @typed_arguments
    def prune_cache(self, largest: int | None = None) -> Pruned:
        """Make the cache smaller: what was unused longest goes first. Safe while other processes use it.

        A release that was used in the last hour stays: a process may be about to open it.

        Args:
            largest: the bytes that may stay; None for the bound that always holds.

        Raises:
            UsageError: the size is negative, or `M2BUILD_CACHE_SIZE` is not one.
        """
        from m2build.local.usage import prune_cache

        with self._caching():
            return prune_cache(largest)

    @cached_property
    def publishing(self) -> Publishing:
        """What is allowed in registries."""
        from m2build.delivery.publishing import Publishing  # patches need no registries

        return self._publishing or Publishing()

    @property
    def _image_platform(self) -> str:
        return self.platform or _PLATFORM

    @cached_property
    def _access(self) -> Access:
        from m2build.registry.access import Access  # an HTTP library takes its time to be imported

        return Access.of(self.environment, insecure=self.insecure, notice=self.progress.notice)

    def _access_to(self, *places: Place | None) -> Access | None:
        """The access to registries, or None if none of the places is in one."""
        is_needed = any(place and place.kind is PlaceKind.REGISTRY for place in places)
        return self._access if is_needed else None

    def _caching(self) -> AbstractContextManager[None]:
        return cache_in(self._cache)


def parsed_place(place: str | Place) -> Place:
    """A place that may be given as text.

    Raises:
        UsageError: it is none.
    """
    return place if isinstance(place, Place) else Place.parse(place)
