"""Drift on SGLang 0.5.7, through the index that this machine has; the wheel is in the cache."""

from __future__ import annotations

import json
from pathlib import Path

from helpers.commands import succeeds

MODELS = "sglang/srt/models"


def test_the_shipped_series_on_the_pinned_release(sglang_wheel: Path) -> None:
    assert sglang_wheel.is_file()
    printed = succeeds("drift", "--recipe", "minimax-m2", "--release", "sglang==0.5.7", "--json")
    (found,) = json.loads(printed)["releases"]
    assert (found["release"], found["need"]) == ("0.5.7", "all")
    assert found["patches"][0]["importers"] == [f"{MODELS}/deepseek_ocr.py", f"{MODELS}/kimi_linear.py"]
