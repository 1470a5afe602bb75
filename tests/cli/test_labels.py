"""Each label of the base is kept or dropped by its key: the expected decisions are listed here."""

from __future__ import annotations

import json

import pytest
from helpers.bases import base_image
from helpers.plans import derive

from m2build.base.model import Base
from m2build.derivation.image import build
from m2build.labels import DROPPED, KEPT, derived_labels
from m2build.oci.media_types import DOCKER, OCI, MediaTypes
from m2build.progress import Silent
from m2build.recipes.load import load_recipe

# The OCI image specification's annotations.md, all of them, and label-schema.org 1.0, all but its docker.* and
# schema-version; True: the base's value is still true of an image that adds a patched file to it.
DECIDED = {
    "org.opencontainers.image.created": False,
    "org.opencontainers.image.authors": False,
    "org.opencontainers.image.url": False,
    "org.opencontainers.image.documentation": False,
    "org.opencontainers.image.source": False,
    "org.opencontainers.image.version": False,
    "org.opencontainers.image.revision": False,
    "org.opencontainers.image.vendor": False,
    "org.opencontainers.image.licenses": True,
    "org.opencontainers.image.ref.name": False,
    "org.opencontainers.image.title": False,
    "org.opencontainers.image.description": False,
    "org.opencontainers.image.base.digest": False,
    "org.opencontainers.image.base.name": False,
    "org.label-schema.build-date": False,
    "org.label-schema.name": False,
    "org.label-schema.description": False,
    "org.label-schema.usage": False,
    "org.label-schema.url": False,
    "org.label-schema.vcs-url": False,
    "org.label-schema.vcs-ref": False,
    "org.label-schema.vendor": False,
    "org.label-schema.version": False,
    "maintainer": False,
    "com.example.team": True,
    "dev.m2build.profile": False,
    "dev.m2building.is-somebody-else": True,
}


def test_a_label_of_the_base_stays_if_it_is_true_of_the_result() -> None:
    assert {key: key in derived_labels({key: "of the base"}, {}) for key in DECIDED} == DECIDED


def test_every_decision_has_its_reason() -> None:
    assert all([*DROPPED.values(), *KEPT.values()])
    assert not DROPPED.keys() & KEPT.keys()
    assert {key for key in DECIDED if key.startswith("org.opencontainers.")} <= DROPPED.keys() | KEPT.keys()


def test_our_own_labels_win_and_all_are_sorted() -> None:
    labels = derived_labels(
        {"z": "1", "org.opencontainers.image.title": "base"}, {"org.opencontainers.image.title": "m"}
    )
    assert list(labels.items()) == [("org.opencontainers.image.title", "m"), ("z", "1")]


def derived(types: MediaTypes) -> tuple[dict[str, str], dict[str, str] | None]:
    """The labels and annotations of an image on a base that carries every label above."""
    base = base_image(types, config={"Labels": dict.fromkeys(DECIDED, "base")})
    selection = load_recipe("minimax-m2").select(profile="tp4", model="minimax-m2")
    source = Base.of(base, base.manifest.digest, "docker.io/lmsysorg/sglang:v0.5.7-rocm700-mi30x")
    result = build(derive(selection, source, environment={}, progress=Silent()))
    return result.config.labels, json.loads(result.manifest.raw).get("annotations")


@pytest.mark.parametrize("types", [OCI, DOCKER])
def test_what_an_image_says_of_itself(types: MediaTypes) -> None:
    """Docker's manifests have no annotations, and `docker inspect` shows labels only: so the labels hold everything."""
    labels, annotations = derived(types)
    own = {key: value for key, value in labels.items() if value != "base"}
    assert {key for key, value in labels.items() if value == "base"} == {key for key, stays in DECIDED.items() if stays}
    digests = {key: own.pop(key) for key in list(own) if key.endswith(("digest", "manifest", "config", "chain-id"))}
    assert all(value.startswith("sha256:") for value in digests.values())
    assert digests.keys() == {
        "org.opencontainers.image.base.digest", "dev.m2build.plan.digest", "dev.m2build.base.manifest",
        "dev.m2build.base.config", "dev.m2build.base.chain-id",
    }  # fmt: skip
    assert own == {
        "org.opencontainers.image.created": "2024-05-06T07:08:09Z",
        "org.opencontainers.image.title": "MiniMax-M2, tp4",
        "org.opencontainers.image.description": "MiniMax-M2 and M2.1 served by SGLang 0.5.7 on AMD MI300X",
        "org.opencontainers.image.version": "0.5.7",
        "org.opencontainers.image.base.name": "docker.io/lmsysorg/sglang:v0.5.7-rocm700-mi30x",
        "dev.m2build.version": own["dev.m2build.version"],
        "dev.m2build.recipe": "minimax-m2",
        "dev.m2build.profile": "tp4",
        "dev.m2build.model": "MiniMaxAI/MiniMax-M2",
        "dev.m2build.series": "minimax-m2-rocm",
        "dev.m2build.init": "/opt/m2build/init",
        "dev.m2build.preimage": "verified-in-layers",
        "dev.m2build.source-root": "/sgl-workspace/sglang/python",
    }
    if types is DOCKER:
        assert annotations is None
    else:
        assert annotations is not None
        assert annotations.keys() == {key for key in (own | digests) if key.startswith("org.")} | {
            "dev.m2build.plan.digest"
        }
        assert annotations.items() <= labels.items()
