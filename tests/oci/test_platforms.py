"""Which platforms match a requested platform."""

from __future__ import annotations

import pytest

from m2build.oci.platforms import fits, preference

# The requested platform -> those that match it, the best first.
SERVED: dict[str, list[str]] = {
    "linux/amd64": ["linux/amd64", "linux/amd64/v2", "linux/amd64/v3"],
    "linux/amd64/v1": ["linux/amd64"],
    "linux/amd64/v3": ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64"],
    "linux/x86_64": ["linux/amd64"],
    "linux/arm64": ["linux/arm64/v8", "linux/arm64/v8.2", "linux/arm64/v9"],
    "linux/arm64/v8": ["linux/arm64"],
    "linux/arm64/8": ["linux/aarch64"],
    "linux/arm64/v9": ["linux/arm64/v9", "linux/arm64/v8.2", "linux/arm64"],
    "linux/arm": ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5", "linux/arm/v8"],
    "linux/arm/v7": ["linux/arm", "linux/arm/v6", "linux/armel/v5"],
    "linux/arm/v6": ["linux/armel", "linux/arm/v5"],
    "linux/386": ["linux/i386"],
    "linux/mips64/softfloat": ["linux/mips64/softfloat"],
    "windows/amd64": ["windows/amd64"],
}


@pytest.mark.parametrize("wanted", SERVED)
def test_matching_platforms_by_preference(wanted: str) -> None:
    served = SERVED[wanted]
    ranks = [preference(platform, wanted) for platform in served]
    assert None not in ranks
    assert ranks == sorted(rank for rank in ranks if rank)
    assert len(set(ranks)) == len(ranks)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("linux/amd64/v1", "linux/amd64/v3"), ("linux/amd64", "linux/arm64"), ("linux/amd64", "windows/amd64"),
        ("linux/arm64/v8", "linux/arm64/v9"), ("linux/arm/v6", "linux/arm"), ("linux/arm64", "linux/arm/v8"),
        ("linux/amd64/v3", "linux/amd64/other"), ("linux/amd64", ""), ("linux/amd64", "unknown/unknown"),
    ],
)  # fmt: skip
def test_platforms_that_a_machine_cannot_run_do_not_match(wanted: str, found: str) -> None:
    assert preference(found, wanted) is None


def test_a_config_without_a_variant_matches_every_variant() -> None:
    """Older images for arm/v6 name the variant only in their index."""
    assert fits("linux/arm", "linux/arm/v6")
    assert not fits("linux/arm/v7", "linux/arm/v6")
    assert not fits("linux/amd64/v3", "linux/amd64/v1")
