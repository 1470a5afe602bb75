"""A cached derivation is not made again, and the cache's key covers everything that it depends on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from helpers.bases import SERVER_PATH, base_image, base_with_another_use, sources
from helpers.commands import imported, succeeds
from helpers.images import WatchedBlobs, image, tar
from helpers.kept_progress import Kept

from m2build.base.model import Base
from m2build.derivation import remembered
from m2build.derivation.image import build
from m2build.derivation.plan import Plan
from m2build.derivation.remembered import plan_all
from m2build.errors import LaunchError
from m2build.oci.image import Image, open_blob
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Selection

RECIPE = load_recipe("minimax-m2")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "m2build"


def base_elsewhere(sample: Image | None = None) -> tuple[Base, WatchedBlobs]:
    sample = sample or base_image()
    blobs = WatchedBlobs(sample.blobs)
    return Base.of(Image(sample.manifest, sample.config, blobs), sample.manifest.digest, "ghcr.io/a/b:c"), blobs


def planned(selection: Selection, base: Base, **environment: str) -> Plan:
    return plan_all([selection], base, environment=environment, progress=Silent())[0]


def ask(selection: Selection, base: Base, **environment: str) -> Image:
    return build(planned(selection, base, **environment))


def test_the_second_derivation_is_equal_and_reads_nothing() -> None:
    base, blobs = base_elsewhere()
    selection = RECIPE.select(profile="tp8")
    first = ask(selection, base)
    blobs.opened.clear()
    plan = planned(selection, base)
    second = build(plan)
    assert blobs.opened == []
    assert (second.manifest.raw, second.config.raw) == (first.manifest.raw, first.config.raw)
    assert [str(result.outcome) for result in plan.changeset.results] == ["applied", "applied"]
    for layer in second.manifest.layers:
        with open_blob(second.blobs, layer) as reader:
            reader.drain()


@pytest.mark.parametrize(("cheap", "kept"), [(1, ["results"]), (1 << 30, [])], ids=["large", "small"])
def test_what_is_derived_from_a_base_in_memory_is_cached_if_that_is_quicker(
    cheap: int,
    kept: list[str],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stand-in bases are in memory."""
    monkeypatch.setattr(remembered, "_CHEAP", cheap)
    sample, selection = base_image(), RECIPE.select(profile="tp8")
    first, second = (ask(selection, Base.of(sample, sample.manifest.digest, "a stand-in")) for _ in range(2))
    assert [path.name for path in cache.glob("results")] == kept
    assert second.manifest.raw == first.manifest.raw


def test_the_reasons_of_what_is_mentioned_are_cached_as_well() -> None:
    base, blobs = base_elsewhere(base_with_another_use())
    selection = RECIPE.select(profile="tp8")
    first = planned(selection, base)
    blobs.opened.clear()
    second = planned(selection, base)
    assert blobs.opened == []
    mentions = first.changeset.results[1].mentions
    assert mentions[0].reason == "it uses torch.compile in another way"
    assert second.changeset.results[1].mentions == mentions
    assert build(second).manifest.raw == build(first).manifest.raw


def test_the_other_images_of_a_recipe_are_cached_as_well(cache: Path) -> None:
    base, blobs = base_elsewhere()
    ask(RECIPE.select(profile="tp8"), base)
    shutil.rmtree(cache / "layers")
    blobs.opened.clear()
    others = [RECIPE.select(profile=profile, model=model) for model in RECIPE.models for profile in RECIPE.profiles]
    assert len({str(ask(other, base).manifest.digest) for other in others}) == 4
    assert blobs.opened == []


def test_another_selection_is_checked_without_reading_the_base_again() -> None:
    """A derivation serves every profile; that the server accepts its flags is one profile's."""
    base, blobs = base_elsewhere()
    ask(RECIPE.select(profile="tp8"), base)
    blobs.opened.clear()
    for _ in range(2):
        with pytest.raises(LaunchError, match="does not start with the launch flags of minimax-m2, tp8"):
            planned(load_recipe("minimax-m2", ["profiles.tp8.flags.ep-sise=8"]).select(profile="tp8"), base)
    planned(load_recipe("minimax-m2", ["profiles.tp8.flags.chunked-prefill-size=8192"]).select(profile="tp8"), base)
    assert blobs.opened == []


def test_what_the_server_refuses_is_not_remembered(cache: Path) -> None:
    base, _ = base_elsewhere()
    wrong = load_recipe("minimax-m2", ["profiles.tp8.flags.ep-sise=8"]).select(profile="tp8")
    for _ in range(2):
        with pytest.raises(LaunchError):
            planned(wrong, base)
    assert not (cache / "results").exists()
    ask(RECIPE.select(profile="tp8"), base)


def test_what_is_not_provable_is_said_each_time() -> None:
    sample = image(tar(*(entry for entry in sources() if not entry[0].name.endswith(SERVER_PATH))))
    base = Base.of(Image(sample.manifest, sample.config, WatchedBlobs(sample.blobs)), sample.manifest.digest, "a/b:c")
    notices: list[list[str]] = []
    for _ in range(2):
        told = Kept()
        plan_all([RECIPE.select(profile="tp8")], base, environment={}, progress=told)
        notices.append(told.notices)
    assert notices == 2 * [["launch flags not provable for this base: its sources have no sglang/srt/server_args.py"]]


CHANGES: dict[str, Callable[[Selection, Base], tuple[Selection, Base, dict[str, str]]]] = {
    "profile": lambda _, base: (RECIPE.select(profile="tp4"), base, {}),
    "model": lambda _, base: (RECIPE.select(profile="tp8", model="minimax-m2"), base, {}),
    "recipe": lambda _, base: (
        load_recipe("minimax-m2", ["profiles.tp8.flags.port=9"]).select(profile="tp8"), base, {}),
    "time": lambda selection, base: (selection, base, {"SOURCE_DATE_EPOCH": "1"}),
    "name": lambda selection, base: (selection, replace(base, name="ghcr.io/a/b:d"), {}),
    "digest": lambda selection, base: (selection, replace(base, digest=base.config_digest), {}),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_any_other_input_is_derived_again(change: str) -> None:
    base, _ = base_elsewhere()
    selection = RECIPE.select(profile="tp8")
    first = ask(selection, base)
    other_selection, other_base, environment = CHANGES[change](selection, base)
    assert ask(other_selection, other_base, **environment).manifest.digest != first.manifest.digest
    assert ask(selection, base).manifest.digest == first.manifest.digest


def test_a_changed_series_of_the_same_name_is_derived_again(tmp_path: Path) -> None:
    text = succeeds("patch", "list", "--json")
    series = tmp_path / "mine.yaml"
    series.write_text(text)  # JSON is YAML
    base, _ = base_elsewhere()
    selection = load_recipe("minimax-m2", [f"series={series}"]).select(profile="tp8")
    first = ask(selection, base)
    series.write_text(text.replace('"style": "comment"', '"style": "delete"'))
    assert ask(selection, base).manifest.layers[-1] != first.manifest.layers[-1]


@pytest.mark.parametrize("what", ["m2build", "libcst", "packaging", "Python"])
def test_what_other_code_has_derived_is_derived_again(what: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, blobs = base_elsewhere()
    selection = RECIPE.select(profile="tp8")
    first = ask(selection, base)
    shutil.rmtree(cache / "layers")
    blobs.opened.clear()
    match what:
        case "m2build":
            monkeypatch.setattr("m2build.derivation.remembered._own_code", lambda: "other")
        case "Python":
            monkeypatch.setattr("sys.version_info", (3, 11, 99))
        case _:
            known = version
            monkeypatch.setattr(
                "m2build.derivation.remembered.version", lambda name: "0" if name == what else known(name)
            )
    assert ask(selection, base).manifest.raw == first.manifest.raw
    assert blobs.opened != []


def test_a_damaged_entry_is_derived_again(cache: Path) -> None:
    base, blobs = base_elsewhere()
    selection = RECIPE.select(profile="tp8")
    first = ask(selection, base)
    kept = {path: path.read_bytes() for path in (cache / "results").iterdir()}
    for path, content in kept.items():
        path.write_bytes(content[:-3])
    shutil.rmtree(cache / "layers")
    blobs.opened.clear()
    assert ask(selection, base).manifest.raw == first.manifest.raw
    assert {path: path.read_bytes() for path in (cache / "results").iterdir()} == kept
    assert blobs.opened != []


def test_without_room_nothing_is_kept_and_the_image_is_the_same(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, _ = base_elsewhere()
    kept = build(planned(RECIPE.select(tp=8), base))
    monkeypatch.setenv("M2BUILD_CACHE_SIZE", "0")
    shutil.rmtree(cache)
    assert build(planned(RECIPE.select(tp=8), base)).manifest.raw == kept.manifest.raw
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_with_other_packages_codemods_nothing_is_cached(cache: Path, tmp_path: Path) -> None:
    """Their code may change while their version stays."""
    write_image(
        base_image(), Place.parse(f"oci:{tmp_path}/base:v1"), tag="", reference="", replace=False, progress=Silent()
    )
    info = tmp_path / "site" / "theirs-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[m2build.codemods]\ntheirs = m2build.patches.codemods.rename_module:RenameModule\n"
    )
    arguments = ("image", "--tp", "8", "--base", f"oci:{tmp_path}/base:v1")
    succeeds(*arguments, "-o", f"oci:{tmp_path}/one", environment={"PYTHONPATH": str(tmp_path / "site")})
    assert not (cache / "results").exists()
    succeeds(*arguments, "-o", f"oci:{tmp_path}/two")
    assert (cache / "results").exists()


def test_a_cached_derivation_imports_nothing_that_derives(cache: Path, tmp_path: Path) -> None:
    write_image(
        base_image(), Place.parse(f"oci:{tmp_path}/base:v1"), tag="", reference="", replace=False, progress=Silent()
    )
    arguments = ("image", "--tp", "8", "--base", f"oci:{tmp_path}/base:v1", "-o")
    derived = imported(*arguments, f"oci:{tmp_path}/one")
    assert {"libcst", "m2build.derivation.derive", "m2build.layers.cache"} <= derived
    again = imported(*arguments, f"oci:{tmp_path}/two")
    assert (cache / "results").exists()
    assert again & {"libcst", "jinja2", "python_on_whales", "urllib3", "m2build.derivation.derive"} == set()
    assert again & {"m2build.layers.filesystem", "m2build.layers.cache", "m2build.engines.docker"} == set()
    assert again & {"m2build.launch.check", "m2build.launch.flags.extract", "m2build.launch.flags.parsing"} == set()
    assert again & {"m2build.patches.registry", "m2build.patches.running", "m2build.patches.codemods"} == set()
