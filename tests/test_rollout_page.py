"""docs/rollout.md says what the model says, and its DaemonSet is one."""

from __future__ import annotations

import re

import kubernetes_validate  # type: ignore[import-untyped]
import yaml
from helpers.rollout import PAGE, REAL

ROW = re.compile(r"^\| ([0-9,]+) \| ([0-9,]+ MB|none) \| ([0-9.,]+) GB \| ([0-9.,]+) (GB|MB) \|$", re.MULTILINE)
NODES = 1000


def test_the_figures_of_a_fleet_are_those_of_the_model() -> None:
    rows = ROW.findall(PAGE)
    assert [row[0] for row in rows] == ["0", "900", "990", "1,000"]
    for holding, node, sent, shared, unit in rows:
        count = int(holding.replace(",", ""))
        assert node == ("none" if count == NODES else f"{REAL.node(holds_base=False) / 1e6:,.0f} MB")
        assert sent == f"{REAL.fleet(NODES, holding_base=count) / 1e9:,.2f}"
        scale = {"GB": 1e9, "MB": 1e6}[unit]
        assert shared == f"{REAL.shared(holds_base=count == NODES) / scale:,.2f}"
    assert f"the overlay has {REAL.overlay:,} bytes" in PAGE


def test_the_daemonset_is_one() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    kubernetes_validate.validate(yaml.safe_load(text), "1.33", strict=True)
