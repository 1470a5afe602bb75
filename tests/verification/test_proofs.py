"""Honest images pass, wherever they are and whatever made them; what the recipe does not say, does not."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import jsonschema
import pytest
from helpers.bases import SERVER_PATH, base_image
from helpers.cli.checkouts import checkout, quickly, store
from helpers.images import file, folder, tar
from helpers.registry.faultproxy import Proxy
from helpers.verification.forgery import Forgery, sha256
from helpers.verification.tampering import TAMPERINGS

import m2build
from m2build.derivation.image import put_on
from m2build.oci.manifest import build_manifest
from m2build.patches import Codemod, FileChange, Patch, Rewrite, Series, SourceFile, SourceTree
from m2build.patches import Finding as PatchFinding
from m2build.patches.changeset import apply_series
from m2build.patches.codemods.replace_text import ReplaceText
from m2build.patches.loading import load_series
from m2build.places.place import Place
from m2build.places.transports import read_image, write_image
from m2build.progress import Silent
from m2build.verification.settled import settled_findings

SCHEMA = json.loads((Path(__file__).parents[1] / "helpers/verification/sarif-2.1.0-rtm.5.json").read_text("utf-8"))
"""The published schema, as the npm package @microsoft/jest-sarif (MIT) holds it."""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base in `base`, and what was derived from it in `out`."""
    folder = tmp_path_factory.mktemp("workshop")
    store(f"oci:{folder}/base:base")
    quickly("image", "--tp", "8", "--base", f"oci:{folder}/base:base", "-o", f"oci:{folder}/out:tp8")
    return folder


@pytest.mark.parametrize("place", ["oci-archive:{}/out.tar", "docker-archive:{}/out.tar"])
def test_an_image_in_an_archive_passes(place: str, workshop: Path, tmp_path: Path) -> None:
    """A Docker archive holds other layers than the base: unpacked ones."""
    where, base = place.format(tmp_path), f"oci:{workshop}/base:base"
    quickly("image", "--tp", "8", "--base", base, "-o", where)
    proven = m2build.verify(where, base=base)
    assert (proven.findings, proven.base_layers) == ((), 3)
    assert proven.content == str(m2build.inspect(f"oci:{workshop}/out:tp8").content.digest)  # type: ignore[union-attr]


def test_an_altered_layer_of_the_base_in_an_archive_is_found(workshop: Path, tmp_path: Path) -> None:
    """Its digest in the archive is its own, so that only its diff_id shows it."""
    image = read_image(Place.parse(f"oci:{workshop}/out:tp8"), "linux/amd64").image
    where = f"docker-archive:{tmp_path}/out.tar"
    write_image(image, Place.parse(where), tag="", reference="a:b", replace=False, progress=Silent())
    data = (tmp_path / "out.tar").read_bytes()
    assert data.count(b"#!") == 1
    (tmp_path / "out.tar").write_bytes(data.replace(b"#!", b"#?"))
    found = m2build.verify(where, base=f"oci:{workshop}/base:base").findings
    assert [finding.id for finding in found] == ["layer-damaged"]


def test_an_image_in_a_registry_passes_and_each_layer_is_fetched_once(proxy: Proxy) -> None:
    base, name = (f"{proxy.host}/team/{rest}" for rest in ("sglang:rocm", "minimax:tp8"))
    quickly("image", "--tp", "8", "--base", base, "-t", name, "--push")
    proxy.records.clear()
    assert m2build.verify(name, base=base).findings == ()
    asked = Counter(record.path.rpartition("/")[2] for record in proxy.seen("GET", "/blobs/"))
    assert {asked[str(layer.digest)] for layer in base_image().manifest.layers} == {1}


def test_the_base_is_what_its_name_means_now(workshop: Path, tmp_path: Path) -> None:
    base = read_image(Place.parse(f"oci:{workshop}/base:base"), "linux/amd64").image
    config = base.config.document()
    config["config"] = base.config.runtime | {"Env": ["NEW=1"]}
    forged = json.dumps(config).encode()
    descriptor = replace(base.manifest.config, digest=type(base.manifest.digest).of(forged), size=len(forged))
    moved = replace(
        base,
        manifest=build_manifest(base.manifest.types, descriptor, base.manifest.layers, {}),
        config=type(base.config)(forged),
    )
    write_image(moved, Place.parse(f"oci:{tmp_path}/base:base"), tag="", reference="", replace=False, progress=Silent())
    found = m2build.verify(f"oci:{workshop}/out:tp8", base=f"oci:{tmp_path}/base:base").findings
    (other,) = [finding for finding in found if finding.id == "base-other"]
    assert str(base.manifest.digest) in other.message
    assert str(moved.manifest.digest) in other.message


def test_the_users_cache_is_neither_read_nor_written(workshop: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with m2build.Session(cache=cache) as session:
        assert session.verify(f"oci:{workshop}/out:tp8", base=f"oci:{workshop}/base:base").passes
    assert not cache.exists()


def test_a_thin_image_passes(proxy: Proxy, tmp_path: Path) -> None:
    """It leaves out the base's layers, which its manifest names."""
    base = f"{proxy.host}/team/sglang:rocm"
    quickly("image", "--tp", "8", "--base", base, "-o", f"oci:{tmp_path}/thin:tp8")
    for layer in base_image().manifest.layers:
        (tmp_path / "thin/blobs/sha256" / layer.digest.hex).unlink(missing_ok=True)
    assert m2build.verify(f"oci:{tmp_path}/thin:tp8", base=base).findings == ()


@pytest.mark.parametrize("digest", ["that it was pulled by", "unknown"])
def test_an_image_that_names_its_base_by_layers_passes(digest: str, workshop: Path, tmp_path: Path) -> None:
    """As engines build from their own stores, in which a base has no manifest, and after a build no digest either."""
    base = f"oci:{workshop}/base:base"
    with m2build.Session() as session:
        found = session.base(base)
        assert found.image
        known = replace(found, by_layers=True, digest=None if digest == "unknown" else found.digest)
        derived = put_on(found.image, session.plan(m2build.load_recipe("minimax-m2").select(tp=8), known))
        for label in ("dev.m2build.base.manifest", "dev.m2build.base.config"):
            assert label not in derived.config.labels
        write_image(
            derived, Place.parse(f"oci:{tmp_path}/out:1"), tag="", reference="", replace=False, progress=Silent()
        )
        assert session.verify(f"oci:{tmp_path}/out:1", base=base).findings == ()
        forged = Forgery.of(read_image(Place.parse(f"oci:{tmp_path}/out:1"), "linux/amd64").image, 3)
        forged.labels["dev.m2build.base.chain-id"] = sha256(b"another base")
        forged.write(tmp_path / "forged")
        (finding,) = session.verify(f"oci:{tmp_path}/forged", base=base).findings
        assert (finding.id, finding.path) == ("config-label", "dev.m2build.base.chain-id")


def test_an_image_whose_labels_leave_out_the_manifest_is_found(workshop: Path, tmp_path: Path) -> None:
    """It was made from a base with a manifest: its plan is not the one of a base without."""
    forged = Forgery.of(read_image(Place.parse(f"oci:{workshop}/out:tp8"), "linux/amd64").image, 3)
    for label in ("dev.m2build.base.manifest", "dev.m2build.base.config"):
        del forged.labels[label]
    forged.write(tmp_path / "forged")
    found = m2build.verify(f"oci:{tmp_path}/forged", base=f"oci:{workshop}/base:base").findings
    assert ("config-label", "dev.m2build.plan.digest") in {(finding.id, finding.path) for finding in found}


TIMES = {"1700000000": {"SOURCE_DATE_EPOCH": "1700000000"}, "the image's": {}}


@pytest.mark.parametrize("time", TIMES)
def test_the_time_of_an_image_is_its_own(
    time: str, workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = f"oci:{workshop}/base:base"
    with monkeypatch.context() as patched:
        patched.setenv("SOURCE_DATE_EPOCH", "1700000000")
        quickly("image", "--tp", "8", "--base", base, "-o", f"oci:{tmp_path}/out:tp8")
    with m2build.Session(environment=TIMES[time]) as session:
        assert session.verify(f"oci:{tmp_path}/out:tp8", base=base).findings == ()
    with m2build.Session(environment={"SOURCE_DATE_EPOCH": "1"}) as session:
        assert "config-other" not in {
            finding.id for finding in session.verify(f"oci:{tmp_path}/out:tp8", base=base).findings
        }
        assert not session.verify(f"oci:{tmp_path}/out:tp8", base=base).passes


def test_what_is_set_for_one_image_has_to_be_said(workshop: Path, tmp_path: Path) -> None:
    base, where = f"oci:{workshop}/base:base", f"oci:{tmp_path}/out:tp8"
    quickly("image", "--tp", "8", "--env", "HF_HOME=/models", "--base", base, "-o", where)
    unsaid = m2build.verify(where, base=base).findings
    assert ("config-env", "HF_HOME") in {(finding.id, finding.path) for finding in unsaid}
    recipe = m2build.load_recipe("minimax-m2")
    assert m2build.verify(where, recipe.select(tp=8, env={"HF_HOME": "/models"}), base=base).findings == ()
    assert "config-entrypoint" in {
        finding.id for finding in m2build.verify(where, recipe.select(tp=4), base=base).findings
    }


def test_a_series_of_ones_own_has_to_be_said(workshop: Path, tmp_path: Path) -> None:
    change = ReplaceText("sglang/_version.py", "0.5.7", "0.5.8")
    patch = Patch.of(change, id="more", summary="A change", why="Why.", author="Jo", last_update="2026-11-27")
    series = load_series("minimax-m2-rocm").extended(patch, id="mine")
    base, where = f"oci:{workshop}/base:base", f"oci:{tmp_path}/out:tp8"
    with m2build.Session() as session:
        plan = session.plan(m2build.load_recipe("minimax-m2").select(tp=8), session.base(base), series=series)
        session.deliver(plan, where)
        said, unsaid = (session.verify(where, base=base, series=one).findings for one in (series, None))
    assert said == ()
    assert "path-extra" in {finding.id for finding in unsaid}


@pytest.mark.parametrize("name", m2build.recipe_names())
def test_the_image_of_every_shipped_recipe_passes(name: str, tmp_path: Path) -> None:
    """On a stand-in base."""
    recipe = m2build.load_recipe(name)
    (series,) = recipe.series_names.values()
    package = load_series(series).distribution
    tree = checkout(tmp_path / "tree") if package == "sglang" else tmp_path / "tree"
    (tree / package).mkdir(parents=True, exist_ok=True)
    (tree / package / "__init__.py").write_text("__version__ = '0.5.7'\n")
    (tree / SERVER_PATH).unlink(missing_ok=True)  # the recipes have flags of newer releases, too
    for profile in list(recipe.profiles)[:2]:
        with m2build.Session() as session:
            plan = session.plan(recipe.select(profile=profile), session.base(recipe, f"dir:{tree}"))
            session.deliver(plan, f"oci:{tmp_path}/out:{profile}")
        proven = m2build.verify(f"oci:{tmp_path}/out:{profile}", base=f"dir:{tree}")
        assert (proven.findings, proven.recipe, proven.profile) == ((), name, profile)


TWO = """
name: two
extends: minimax-m2
base: {source_root: null}
series: null
sources:
  server: {root: /sgl-workspace/sglang/python, series: minimax-m2-rocm}
  other: {root: /srv/other, series: vllm-stock}
"""


def test_every_folder_of_sources_is_verified(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(TWO)
    store(f"oci:{tmp_path}/base:base", tar(folder("srv"), folder("srv/other"), file("srv/other/vllm/__init__.py")))
    recipe = m2build.load_recipe(f"{tmp_path}/two.yaml")
    base, where = f"oci:{tmp_path}/base:base", f"oci:{tmp_path}/out:1"
    with m2build.Session() as session:
        session.deliver(session.plan(recipe.select(tp=8), session.base(recipe, base)), where)
        assert session.verify(where, recipe, base=base).findings == ()
        (unknown,) = session.verify(where, base=base).findings
    assert (unknown.id, unknown.path) == ("origin-unknown", "dev.m2build.recipe")


def test_all_shipped_recipes_are_for_the_platform_that_is_taken_without_one() -> None:
    assert {m2build.load_recipe(name).base.platform for name in m2build.recipe_names()} == {"linux/amd64"}


def test_the_platform_is_the_recipes(tmp_path: Path) -> None:
    tree = checkout(tmp_path / "tree")
    recipe = m2build.load_recipe("minimax-m2", ("base.platform=linux/arm64",))
    with m2build.Session() as session:
        session.deliver(
            session.plan(recipe.select(tp=8), session.base(recipe, f"dir:{tree}")), f"oci:{tmp_path}/out:tp8"
        )
        assert session.verify(f"oci:{tmp_path}/out:tp8", recipe, base=f"dir:{tree}").findings == ()
        other = session.verify(f"oci:{tmp_path}/out:tp8", base=f"dir:{tree}").findings
    assert "image-platform" in {finding.id for finding in other}


def test_a_stand_in_does_not_pass_for_the_recipes_base(tmp_path: Path) -> None:
    tree = checkout(tmp_path / "tree")
    quickly("image", "--tp", "8", "--base", f"dir:{tree}", "-o", f"oci:{tmp_path}/out:tp8")
    (found,) = m2build.verify(f"oci:{tmp_path}/out:tp8").findings
    assert (found.id, found.path) == ("base-other", "dev.m2build.base.stand-in")


@dataclass(frozen=True)
class Growing:
    """A codemod that is never done."""

    def apply(self, tree: SourceTree) -> Rewrite:
        old = tree["a.py"]
        change = FileChange("a.py", old, "a.py", SourceFile.of(old.content + b"#\n"))
        return Rewrite(PatchFinding.CHANGED, "one more", (change,))


@pytest.mark.parametrize(("codemod", "expected"), [(Growing(), ["grow"]), (ReplaceText("a.py", "1", "2"), [])])
def test_patches_that_are_never_done_are_found(codemod: Codemod, expected: list[str]) -> None:
    patch = Patch.of(codemod, id="grow", summary="A change", why="Because.", author="Jo", last_update="2026-11-27")
    tree = SourceTree.of({"a.py": "x = 1\n"})
    series = Series.of(patch, id="small", summary="A small series", distribution="pkg")
    found = list(settled_findings(apply_series(series, tree), tree))
    assert [finding.path for finding in found] == expected
    assert {finding.id for finding in found} <= {"patch-unsettled"}


@pytest.mark.parametrize("case", ["nothing", "an extra file", "an edited label", "a cut overlay", "another platform"])
def test_the_log_is_valid_sarif(case: str, workshop: Path, tmp_path: Path) -> None:
    forged = Forgery.of(read_image(Place.parse(f"oci:{workshop}/out:tp8"), "linux/amd64").image, 3)
    if case != "nothing":
        TAMPERINGS[case].edit(forged)
    forged.write(tmp_path / "a b")
    verification = m2build.verify(f"oci:{tmp_path}/a b", base=f"oci:{workshop}/base:base")
    log = json.loads(json.dumps(verification.sarif()))
    jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(log)
    (run,) = log["runs"]
    assert [result["ruleId"] for result in run["results"]] == [finding.id for finding in verification.findings]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
