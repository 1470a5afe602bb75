"""What a session shares with all that is done in it: its log, what may be sent, and what it has read."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bases import ROOT
from helpers.cli.checkouts import store
from helpers.mounts.planned import planned
from helpers.patches.trees import contents
from helpers.registry.registries import crane_registry, tag_digest

import m2build
from m2build.delivery import Destinations, Publishing
from m2build.errors import TransferBudgetError, UsageError
from m2build.patches import RenameModule

FILES = {"pkg/__init__.py": b"", "pkg/old.py": b"x = 1\n", "top.py": b"t = 1\n"}


@pytest.fixture
def other(tmp_path: Path) -> Iterator[str]:
    """A registry that has nothing yet."""
    with crane_registry(tmp_path) as host:
        yield host


def test_a_session_logs_what_it_does(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recipe = m2build.load_recipe("minimax-m2")
    store(f"oci:{tmp_path}/base:base")
    with caplog.at_level(logging.INFO, "m2build"), m2build.Session(cache=tmp_path / "cache") as session:
        base = session.base(recipe, f"oci:{tmp_path}/base:base")
        session.plan(recipe.select(tp=8), base)
    assert base.image
    layers = [f"reading layer {layer.digest.hex[:12]} (" for layer in base.image.manifest.layers]
    assert [(name, level) for name, level, _ in caplog.record_tuples] == [("m2build", logging.INFO)] * len(layers)
    messages = sorted(message for _, _, message in caplog.record_tuples)
    assert all(map(str.startswith, messages, sorted(layers)))


def test_in_the_library_the_session_decides(stocked: str, other: str) -> None:
    selection = m2build.load_recipe("minimax-m2").select(tp=8)
    to = Destinations(names=[f"{other}/library"], push=True)
    with m2build.Session() as free:
        plan = free.plan(selection, free.base(selection.recipe, f"{stocked}/team/sglang:rocm"))
    with m2build.Session(publishing=Publishing(max_transfer=0)) as session:
        with pytest.raises(TransferBudgetError):
            list(session.shipment([selection], f"{stocked}/team/sglang:rocm", to=to).deliver())
        with pytest.raises(TransferBudgetError):
            session.deliver(plan, f"{other}/library:x")
    assert tag_digest(other, "library", "tp8") is None


def test_a_session_has_the_sources_of_a_base_that_was_read() -> None:
    base = planned(FILES, RenameModule("pkg.old", "pkg.new")).base
    with m2build.Session() as session:
        assert contents(session.sources(base, source_root=f"/{ROOT}")) == FILES
        with pytest.raises(UsageError, match=r"base:v1 is an image: say where its sources are"):
            session.sources(base)
