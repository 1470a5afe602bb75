"""`m2build cache show` and `m2build cache prune`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.commands import refused, succeeds

from m2build.local.cache import SealedFiles


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A cache with two entries."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    files = SealedFiles(tmp_path / "m2build/layers")
    for key in "ab":
        files.put(key, bytes(499_928))
    return {"XDG_CACHE_HOME": str(tmp_path), "M2BUILD_CACHE_SIZE": "3GB"}


def test_what_is_kept_is_shown_and_removed(environment: dict[str, str], tmp_path: Path) -> None:
    lines = succeeds("cache", "show", environment=environment).splitlines()
    assert lines[0] == "layers        2     1.0 MB  sources of bases, by layer"
    assert lines[-1].split(maxsplit=1) == ["all", f"1.0 MB  of 3.00 GB in {tmp_path}/m2build"]
    usage = json.loads(succeeds("cache", "show", "--json", environment=environment))
    assert (usage["bytes"], usage["bound"], usage["kinds"][0]["entries"]) == (1_000_000, 3 * 10**9, 2)
    assert succeeds("cache", "prune", environment=environment) == "removed 0 entries, 0.0 MB; 1.0 MB are left\n"
    pruned = json.loads(succeeds("cache", "prune", "--size", "0.5MB", "--json", environment=environment))
    assert (pruned["removed"], pruned["left"]["bytes"]) == ({"entries": 1, "bytes": 500_000}, 500_000)
    assert "0.0 MB are left" in succeeds("cache", "prune", "--size", "0", environment=environment)


def test_what_is_no_size_is_refused(environment: dict[str, str]) -> None:
    assert "--size 'much' is not a size" in refused(2, "cache", "prune", "--size", "much", environment=environment)
    environment["M2BUILD_CACHE_SIZE"] = "-1"
    for words in (("cache", "show"), ("image", "--tp", "8", "--base", "pypi:sglang==0.5.7", "-o", "oci:none")):
        assert "M2BUILD_CACHE_SIZE='-1' is not a size" in refused(2, *words, environment=environment)
