"""`--dry-run` prints engine, destination and transfer, and writes nothing; then the build does just that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.bases import base_image
from helpers.commands import succeeds
from helpers.registry.faultproxy import fault_proxy
from helpers.registry.registries import crane_registry, tag_digest

BASE = base_image()
BELOW = sum(layer.size for layer in BASE.manifest.layers)


def foreseen(stocked: str, *destination: str, cwd: Path | None = None) -> dict[str, Any]:
    command = ("image", "--tp", "8", "--base", f"{stocked}/team/sglang:rocm", *destination, "--dry-run", "--json")
    document = json.loads(succeeds(*command, cwd=cwd))
    assert isinstance(document, dict)
    return document


def made(stocked: str, *destination: str, cwd: Path | None = None) -> dict[str, Any]:
    document = json.loads(
        succeeds("image", "--tp", "8", "--base", f"{stocked}/team/sglang:rocm", *destination, "--json", cwd=cwd)
    )
    assert isinstance(document, dict)
    return document


def test_to_a_registry_and_nothing_is_sent_there(stocked: str, tmp_path: Path) -> None:
    with crane_registry(tmp_path) as other, fault_proxy(other) as proxy:
        name = f"{proxy.host}/foreseen:tp8"
        said = foreseen(stocked, "-t", name, "--push")
        assert {method for method, _ in proxy.requests} <= {"GET", "HEAD"}
        done = made(stocked, "-t", name, "--push")
        assert said["engine"] == "embedded"
        assert said["destination"] == {"place": f"docker://{name}", "name": name, "before": None}
        assert said["manifest"] == done["containerimage.digest"]
        sent = done["m2build.transfer"]
        blobs = said["transfer"].pop("blobs")
        assert said["transfer"] == {
            "existing": 0, "mountable": 0, "copied": sent["uploaded"], "bytes": sent["bytes"], "isExact": True,
            "estimate": {"seconds": 1, "bytesPerSecond": 100_000_000},
        }  # fmt: skip
        assert blobs[: len(BASE.manifest.layers)] == [
            {"digest": str(layer.digest), "size": layer.size, "state": "copy"} for layer in BASE.manifest.layers
        ]
        assert said["refusal"] is None
        again = foreseen(stocked, "-t", name, "--push")
        assert again["destination"]["before"] == done["containerimage.digest"]
        assert (again["transfer"]["existing"], again["transfer"]["bytes"]) == (sent["uploaded"], 0)


def test_within_a_registry_what_can_be_mounted_does_not_count(stocked: str) -> None:
    name = f"{stocked}/mountable/m2:tp8"
    said = foreseen(stocked, "-t", name, "--push")["transfer"]
    assert tag_digest(stocked, "mountable/m2", "tp8") is None
    sent = made(stocked, "-t", name, "--push")["m2build.transfer"]
    assert (said["mountable"], said["copied"], said["bytes"]) == (sent["mounted"], sent["uploaded"], sent["bytes"])


@pytest.mark.parametrize("place", ["oci:out", "oci-archive:out.tar", "docker-archive:out.tar"])
def test_to_a_local_place(place: str, stocked: str, tmp_path: Path) -> None:
    said = foreseen(stocked, "-o", place, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []
    done = made(stocked, "-o", place, cwd=tmp_path)
    assert said["manifest"] == done["containerimage.digest"]
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    is_exact = not place.startswith("docker-archive")
    assert said["transfer"]["isExact"] == is_exact
    assert BELOW < said["transfer"]["bytes"] < size
    assert not is_exact or size - said["transfer"]["bytes"] < 16 << 10, (
        "an index and a marker, or headers, are all else"
    )


def test_a_thin_layout_is_small(stocked: str, tmp_path: Path) -> None:
    said = foreseen(stocked, "--engine", "embedded", cwd=tmp_path)
    assert said["destination"]["place"] == "oci:minimax-m2.1.oci:tp8"
    assert said["transfer"]["copied"] == 3, "a layer, a config, a manifest"
    assert list(tmp_path.iterdir()) == []


def test_the_text_for_people_says_the_same(stocked: str, tmp_path: Path) -> None:
    base = ("image", "--tp", "4", "--tp", "8", "--base", f"{stocked}/team/sglang:rocm")
    said = succeeds(*base, "-o", "oci:out", "--dry-run", cwd=tmp_path)
    first, second = said.split("\n\n")
    assert first.splitlines()[-3:-1] == ["engine      embedded", "to          oci:out:tp4"]
    assert second.splitlines()[-2] == "to          oci:out:tp8"
    assert second.splitlines()[-1].startswith("moves       ")
    assert second.splitlines()[-1].endswith(" bytes in 6 blobs; 0 are there")
    digest = succeeds(*base[:3], *base[5:], "-o", "oci:out", cwd=tmp_path).strip().partition("@")[2]
    output = succeeds(*base, "-o", "oci:out", "--dry-run", cwd=tmp_path).split("\n\n")[0].splitlines()
    assert output[-2] == f"            names {digest} now"
    assert output[-1] == "moves       0 bytes in 0 blobs; 6 are there"
