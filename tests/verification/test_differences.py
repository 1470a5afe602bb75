"""Differences of two images, and the way back to a base, without their common layers."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from helpers.bases import base_image
from helpers.cli.checkouts import quickly, store
from helpers.images import file, folder, image, tar
from helpers.registry.faultproxy import Proxy
from helpers.registry.registries import run, upload
from helpers.verification.forgery import Forgery
from helpers.verification.tampering import PATCHED, TAMPERINGS

import m2build
from m2build.errors import ContentError, UsageError
from m2build.oci.image import Image
from m2build.places.place import Place
from m2build.places.transports import read_image, write_image
from m2build.progress import Silent
from m2build.verification.difference import Difference, Unread

BASE = base_image()


def fetched(proxy: Proxy) -> list[int]:
    """The positions of the base's layers that were asked for; 3 is any other blob than a config."""
    ids = [str(layer.digest) for layer in BASE.manifest.layers]
    asked = [record.path.rpartition("/")[2] for record in proxy.seen("GET", "/blobs/")]
    return sorted(ids.index(digest) for digest in asked if digest in ids)


def of(*layers: bytes, place: str, **members: Any) -> None:
    write_image(image(*layers, **members), Place.parse(place), tag="", reference="", replace=False, progress=Silent())


def differences(before: tuple[bytes, ...], after: tuple[bytes, ...], folder: Path) -> Difference:
    of(BELOW, *before, place=f"oci:{folder}/a:1")
    of(BELOW, *after, place=f"oci:{folder}/b:1")
    with m2build.Session() as session:
        return session.diff(f"oci:{folder}/a:1", f"oci:{folder}/b:1")


BELOW = tar(folder("d"), file("d/x", b"x"), file("d/y", b"y"))


def test_layers_in_common_are_not_fetched(proxy: Proxy) -> None:
    base, prefix = f"{proxy.host}/team/sglang:rocm", f"{proxy.host}/team/differing"
    for size in ("4", "8"):
        quickly("image", "--tp", size, "--base", base, "-t", f"{prefix}:tp{size}", "--push")
    proxy.records.clear()
    with m2build.Session() as session:
        profiles = session.diff(f"{prefix}:tp4", f"{prefix}:tp8")
        assert (profiles.common, profiles.paths) == (4, ())
        assert "config.Entrypoint" in profiles.fields
        assert len(proxy.seen("GET", "/blobs/")) == 2, "the two configs"
        whole = session.diff(base, f"{prefix}:tp8")
    assert whole.common == 3
    assert fetched(proxy) == []
    change = next(path for path in whole.paths if path.path == PATCHED)
    assert change.before is Unread.COMMON, "what the base has there is in the common layers"
    assert any(path.path.endswith("/transformers.py") and path.after is None for path in whole.paths)


def test_the_diff_makes_one_image_of_the_other(tmp_path: Path) -> None:
    """By git, for files and config."""
    shared = (file("d/z", b"1\n2\n"), file("d/gone", b"old\n"), file("d/same", b"="), file("d/zeros", b"\0"))
    other = (file("d/z", b"1\n3\n"), file("d/new", b"new\n"), file("d/same", b"="), file("d/zeros", b"\0\0"))
    found = differences((tar(*shared),), (tar(*other),), tmp_path)
    tree = tmp_path / "tree"
    (tree / "rootfs/d").mkdir(parents=True)
    (tree / "config.json").write_text(json.dumps(found.before, indent=2) + "\n")
    (tree / "rootfs/d/z").write_bytes(b"1\n2\n")
    (tmp_path / "diff").write_bytes(
        b"".join(part for part in cut(found.diff()) if b"rootfs/d/gone" not in part and b"rootfs/d/new" not in part)
    )
    subprocess.run(["git", "apply", "../diff"], cwd=tree, check=True)
    assert json.loads((tree / "config.json").read_text()) == json.loads(json.dumps(found.after))
    assert (tree / "rootfs/d/z").read_bytes() == b"1\n3\n"
    states = {path.path: (path.document()["before"], path.document()["after"]) for path in found.paths}
    assert states["d/new"][0] == states["d/gone"][1] == "unread"
    assert states.keys() == {"d/z", "d/new", "d/gone", "d/zeros"}


def cut(diff: bytes) -> list[bytes]:
    """The parts of a diff, one a file."""
    return [b"diff --git" + part for part in diff.split(b"diff --git")[1:]]


CASES: dict[str, tuple[tuple[bytes, ...], tuple[bytes, ...], set[str]]] = {
    "nothing": ((), (), set()),
    "split otherwise": ((tar(file("d/x", b"1"), file("d/n")),), (tar(file("d/n")), tar(file("d/x", b"1"))), set()),
    "added and removed": ((tar(file("d/n")), tar(file("d/.wh.n"))), (tar(file("d/.wh.n")),), set()),
    "a mode": ((tar(file("d/x", b"x")),), (tar(file("d/x", b"x", mode=0o755)),), {"d/x"}),
    "removed": ((), (tar(file("d/.wh.x")),), {"d/x"}),
    "removed with its folder": ((tar(file("d/x")),), (tar(file(".wh.d")),), {"d", "d/x"}),
    "emptied": ((), (tar(file("d/.wh..wh..opq")),), {"d/*"}),
    "a file over a folder": ((tar(file("d/n")), tar(file("d", b"1"))), (tar(file("d", b"1")),), set()),
    "a file instead of a folder": ((tar(file("d/x")),), (tar(file("d", b"1")),), {"d", "d/x"}),
}


@pytest.mark.parametrize("case", CASES)
def test_layers_above_are_one_view(case: str, tmp_path: Path) -> None:
    before, after, expected = CASES[case]
    assert {path.path for path in differences(before, after, tmp_path).paths} == expected


def test_the_command_prints_a_diff_or_json(tmp_path: Path) -> None:
    of(BELOW, tar(file("d/x", b"1\n"), file("d/z", b"\0")), place=f"oci:{tmp_path}/a:1")
    of(BELOW, tar(file("d/x", b"2\n")), place=f"oci:{tmp_path}/b:1", config={"User": "x"})
    places = (f"oci:{tmp_path}/a:1", f"oci:{tmp_path}/b:1")
    lines = quickly("diff", *places).splitlines()
    assert lines[0] == "# common layers, not read: 1"
    assert lines[1].startswith("# /d/z: file 0644 0:0 sha256:")
    assert lines[1].endswith(" -> as in the common layers")
    assert {"-1", "+2", '+    "User": "x",', "--- a/rootfs/d/x"} <= set(lines)
    assert quickly("diff", places[0], places[0]) == "# common layers, not read: 2\n"
    document = json.loads(quickly("diff", *places, "--json"))
    assert (document["commonLayers"], [path["path"] for path in document["paths"]]) == (1, ["/d/x", "/d/z"])
    assert "config.User" in document["fields"]


def test_the_base_is_named_by_digest_without_reading_a_layer(proxy: Proxy) -> None:
    base, name = f"{proxy.host}/team/sglang:rocm", f"{proxy.host}/team/reverted:tp8"
    quickly("image", "--tp", "8", "--base", base, "-t", name, "--push")
    proxy.records.clear()
    assert quickly("revert", name) == f"{base}@{BASE.manifest.digest}\n"
    assert fetched(proxy) == []
    lines = quickly("revert", name, "-t", f"{proxy.host}/team/serving:stable").splitlines()
    assert lines[1] == f"{proxy.host}/team/serving@{BASE.manifest.digest}"
    assert run("crane", "digest", f"{proxy.host}/team/serving:stable").decode().strip() == str(BASE.manifest.digest)
    document = json.loads(quickly("revert", name, "--json"))
    assert (document["layers"], document["layersAbove"], document["tagged"]) == (3, 1, None)
    upload(proxy.host, "team/sglang", image(BELOW), "other")
    with m2build.Session() as session, pytest.raises(ContentError, match=r"is not .* with layers on top: "):
        session.revert(name, base=f"{proxy.host}/team/sglang:other")


def test_a_base_that_is_no_longer_below_is_refused(tmp_path: Path) -> None:
    store(f"oci:{tmp_path}/base:base")
    base = f"oci:{tmp_path}/base:base"
    quickly("image", "--tp", "8", "--base", base, "-o", f"oci:{tmp_path}/out:tp8")
    honest: Image = read_image(Place.parse(f"oci:{tmp_path}/out:tp8"), "linux/amd64").image
    with m2build.Session() as session:
        reverted = session.revert(f"oci:{tmp_path}/out:tp8", base=base)
        assert reverted.reference == f"{base}@{reverted.digest}"
        with pytest.raises(UsageError, match="do not name its base in a registry"):
            session.revert(f"oci:{tmp_path}/out:tp8")
        for number, case in enumerate(("swapped layers", "a re-ordered history", "an altered layer of the base")):
            forged = Forgery.of(honest, 3)
            TAMPERINGS[case].edit(forged)
            forged.write(tmp_path / str(number))
            with pytest.raises(ContentError, match="with layers on top"):
                session.revert(f"oci:{tmp_path}/{number}", base=base)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"uid": 5}, "/d/x: file 0644 0:0 sha256:… -> file 0644 5:0 sha256:…"),
        (
            {"pax_headers": {"SCHILY.xattr.user.a": "1"}},
            "/d/x: file 0644 0:0 sha256:… -> file 0644 0:0 sha256:… user.a=31",
        ),
        (
            {"pax_headers": {"SCHILY.xattr.security.capability": "1"}},
            "/d/x: file 0644 0:0 sha256:… -> file 0644 0:0 sha256:… 31",
        ),
    ],
)
def test_what_a_diff_of_text_cannot_tell_is_a_note(other: dict[str, Any], told: str, tmp_path: Path) -> None:
    found = differences((tar(file("d/x", b"1")),), (tar(file("d/x", b"1", **other)),), tmp_path)
    assert [re.sub("[0-9a-f]{64}", "…", note) for note in found.notes()] == [told]


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"author": "x"}, "more.author"),
        ({"os.version": "10"}, "more.os.version"),
        ({"config": {"Labels": {"a": ""}}}, "config.Labels"),
        ({"config": {"StopTimeout": 1}}, "config.StopTimeout"),
        ({"config": {"Hostname": "x"}}, "config.Hostname"),
    ],
)
def test_every_member_of_a_config_is_compared(members: dict[str, Any], field: str, tmp_path: Path) -> None:
    for name, one in (("a", {"config": {}}), ("b", {"config": {}, **members})):
        of(BELOW, place=f"oci:{tmp_path}/{name}:1", **one)
    with m2build.Session() as session:
        assert session.diff(f"oci:{tmp_path}/a:1", f"oci:{tmp_path}/b:1").fields == (field,)
