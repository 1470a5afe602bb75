"""What is derived from a base by its layers' tables of contents: the same image, and a label that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.kept_progress import Kept
from helpers.layers.tables import MAKERS, tabled_image

from m2build import Session, load_recipe
from m2build.derivation.plan import Plan
from m2build.oci.image import Image, read_blob
from m2build.places.place import Place
from m2build.places.transports import read_image, write_image
from m2build.progress import Silent

PREIMAGE = "dev.m2build.preimage"
TP8 = load_recipe("minimax-m2").select(tp=8)
PLAIN = base_image(how="plain")
LAYERS = [read_blob(PLAIN.blobs, layer) for layer in PLAIN.manifest.layers]


@pytest.fixture(params=list(MAKERS))
def base(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A layout with a base whose layers have tables."""
    monkeypatch.setattr("m2build.layers.table_claims._WORTH", 0)
    stored: Image = tabled_image(*map(MAKERS[request.param], LAYERS))
    place = f"oci:{tmp_path}/base:v1"
    write_image(stored, Place.parse(place), tag="", reference="", replace=False, progress=Silent())
    return place


@contextmanager
def session(tmp_path: Path, name: str = "cache") -> Iterator[tuple[Session, list[str]]]:
    said = Kept()
    with Session(cache=tmp_path / name, progress=said) as opened:
        yield opened, said.steps


def preimage(plan: Plan) -> str:
    return plan.labels[PREIMAGE]


def labels(place: str) -> Mapping[str, str]:
    return read_image(Place.parse(place), "linux/amd64").image.config.labels


def test_the_label_says_it_with_a_cold_and_a_warm_cache(base: str, tmp_path: Path) -> None:
    with session(tmp_path) as (user, steps):
        opened = user.base(TP8.recipe, base)
        cold = user.plan(TP8, opened)
        assert all("by its table" in step for step in steps if "reading layer" in step)
        steps.clear()
        warm = user.plan(TP8, opened)
        assert [step for step in steps if "reading layer" in step] == []
        whole = user.plan(TP8, opened.read_whole())
    assert [preimage(plan) for plan in (cold, warm, whole)] == ["by-table", "by-table", "verified-in-layers"]
    assert cold.digest == warm.digest == whole.digest
    assert cold.changes == warm.changes == whole.changes
    with session(tmp_path) as (user, _):
        user.plan(TP8, opened.read_whole())
        assert preimage(user.plan(TP8, opened)) == "by-table", "what was read whole does not stand for it"


def test_the_image_differs_in_that_label_alone_and_is_verified_against_the_whole_layers(
    base: str, tmp_path: Path
) -> None:
    with session(tmp_path) as (user, steps):
        opened = user.base(TP8.recipe, base)
        plans = {"table": user.plan(TP8, opened), "whole": user.plan(TP8, opened.read_whole())}
        for name, plan in plans.items():
            user.deliver(plan, f"oci:{tmp_path}/{name}:v1")
        assert user.diff(f"oci:{tmp_path}/table:v1", f"oci:{tmp_path}/whole:v1").is_empty
        table, whole = (labels(f"oci:{tmp_path}/{name}:v1") for name in plans)
        assert {key: whole[key] for key in whole if table[key] != whole[key]} == {PREIMAGE: "verified-in-layers"}
        assert table.keys() == whole.keys()
        steps.clear()
        result = user.verify(f"oci:{tmp_path}/table:v1", TP8, base=base)
    assert result.findings == ()
    read = [step for step in steps if "reading layer" in step]
    assert len(read) >= 3
    assert not any("by its table" in step for step in read)


def test_a_lock_is_made_from_whole_layers(base: str, tmp_path: Path) -> None:
    with session(tmp_path) as (user, steps):
        user.lock([TP8], base)
    read = [step for step in steps if "reading layer" in step]
    assert len(read) >= 3
    assert not any("by its table" in step for step in read)
