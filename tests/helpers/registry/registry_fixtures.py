"""Fixtures: a registry with a base, and a proxy that records its requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from helpers.bases import base_image
from helpers.registry.faultproxy import Proxy, fault_proxy
from helpers.registry.registries import docker_registry, upload


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that holds `base_image()` as team/sglang:rocm."""
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        upload(host, "team/sglang", base_image(), "rocm")
        yield host


@pytest.fixture
def proxy(stocked: str) -> Iterator[Proxy]:
    """A proxy in front of that registry, which records requests."""
    with fault_proxy(stocked) as proxy:
        yield proxy
