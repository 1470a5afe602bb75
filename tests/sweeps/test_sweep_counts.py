"""docs/reliability.md counts what the sweeps try."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.sweep

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| .+ \| ([0-9,]+) \| ([0-9,]+) \| (tests/sweeps/\S+) \|$", re.MULTILINE)


def test_every_sweep_is_counted_and_all_its_cases_hold() -> None:
    rows = ROW.findall((ROOT / "docs" / "reliability.md").read_text(encoding="utf-8"))
    sweeps = {path.stem for path in (ROOT / "tests" / "sweeps").glob("test_sweep_*.py")} - {Path(__file__).stem}
    counted: list[str] = []
    for cases, held, pattern in rows:
        modules = [path.stem for path in sorted(ROOT.glob(pattern))]
        counted += modules
        assert cases == held == f"{sum(importlib.import_module(module).CASES for module in modules):,}", pattern
    assert sorted(counted) == sorted(sweeps)
