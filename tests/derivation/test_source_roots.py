"""Sources in several folders of a base, each with its series; folders that are found by a marker."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest
from helpers.bases import MODELS, ROOT, sources
from helpers.commands import m2build, refused
from helpers.images import Entry, WatchedBlobs, file, folder, image, symlink, tar
from helpers.kept_progress import Kept
from helpers.plans import derive
from helpers.two_roots import MARKER, NAMED, PACKAGES, base_of, kernels, opened, planned, recipe_file, selection_of

from m2build.base.open import open_base
from m2build.derivation.applied import applied_series
from m2build.derivation.image import build
from m2build.derivation.remembered import plan_all
from m2build.errors import PatchError, UsageError
from m2build.oci.image import Image, read_blob
from m2build.patches import load_series
from m2build.places.place import Place
from m2build.progress import Silent
from m2build.recipes.load import load_recipe

AUTO = {**NAMED, "kernels": {"root": "auto", "marker": MARKER, "series": "./kernels.yaml"}}


def layer(built: Image) -> dict[str, bytes]:
    """The files of the highest layer."""
    raw = gzip.decompress(read_blob(built.blobs, built.manifest.layers[-1]))
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        return {
            member.name: found.read() for member in archive if member.isreg() and (found := archive.extractfile(member))
        }


def test_each_root_has_its_series_its_account_and_its_labels(tmp_path: Path) -> None:
    plan = planned(selection_of(tmp_path))
    assert [(one.name, one.root, one.changeset.release) for one in plan.sources] == [
        ("sglang", ROOT, "0.5.7"),
        ("kernels", PACKAGES, "2.0"),
    ]
    built = build(plan)
    files = layer(built)
    assert files[f"{PACKAGES}/kernels/ops.py"] == b"VOLUME = 'loud'\n"
    assert b"#" in files[f"{MODELS}/minimax_m2.py"]
    for name, root in (("sglang", ROOT), ("kernels", PACKAGES)):
        account = f"opt/m2build/{name}"
        assert f"files below /{root},".encode() in files[f"{account}/README"]
        assert f"{name}: ".encode() in files["opt/m2build/README"]
        found = json.loads(files[f"{account}/changeset.json"])
        assert found["distribution"] == name
        assert found["files"]
    assert {path.split("/")[2] for path in files if path.startswith("opt/m2build/")} == {
        *("README", "init", "sglang", "kernels")
    }
    own = {key.removeprefix("dev.m2build."): value for key, value in built.config.labels.items()}
    assert (own["source-root.sglang"], own["source-root.kernels"]) == (f"/{ROOT}", f"/{PACKAGES}")
    assert (own["series.sglang"], own["series.kernels"]) == ("minimax-m2-rocm", "kernels-small")
    assert not {"series", "source-root"} & own.keys()
    assert list(plan.document()["sources"]) == ["sglang", "kernels"]
    owners = {change.path: plan.footing[change.old_path].uid for change in plan.changes}
    assert owners[f"{PACKAGES}/kernels/ops.py"] == 5
    with pytest.raises(UsageError, match="a changeset for each of sglang, kernels"):
        _ = plan.changeset


def test_one_root_gives_the_same_image_however_it_is_written(tmp_path: Path) -> None:
    """Its name is used nowhere: labels, account and digests are those of `source_root`."""
    base = base_of(folder("srv"))
    short = derive(load_recipe("minimax-m2").select(tp=8), opened(base), environment={}, progress=Silent())
    named = {"any": {"root": f"/{ROOT}", "series": "minimax-m2-rocm"}}
    auto = {"any": {"root": "auto", "marker": "sglang/__init__.py", "series": "minimax-m2-rocm"}}
    for given in (named, auto):
        recipe = load_recipe(str(recipe_file(tmp_path, given)), ["name=minimax-m2"])
        assert build(planned(recipe.select(tp=8), base)).manifest.raw == build(short).manifest.raw


FOUND: dict[str, tuple[str, list[Entry]]] = {
    "dist-packages": (PACKAGES, []),
    "site-packages": ("opt/venv/lib/python3.12/site-packages", []),
    "a checkout": ("sgl-workspace/kernels", []),
    "in a checkout": ("sgl-workspace/kernels/python", []),
    "beside one that is too deep": (PACKAGES, kernels("sgl-workspace/sglang/build/lib")),
    "through a link to a checkout": ("srv/kernels", [symlink("sgl-workspace/kernels", "../srv/kernels")]),
    "through a link to packages": ("data/all", [folder("opt"), symlink("opt/site-packages", "/data/all")]),
    "of one that two names lead to": (PACKAGES, [symlink("sgl-workspace/kernels", f"/{PACKAGES}")]),
}


@pytest.mark.parametrize("where", FOUND)
def test_a_root_is_found_by_its_marker(where: str, tmp_path: Path) -> None:
    root, more = FOUND[where]
    progress = Kept()
    base = base_of(*kernels(root), *more)
    (plan,) = plan_all([selection_of(tmp_path, AUTO)], opened(base), environment={}, progress=progress)
    assert plan.sources[1].root == root
    assert f"found {MARKER} in /{root}: its sources are read there" in progress.notices
    assert plan.labels["dev.m2build.source-root.kernels"] == f"/{root}"
    named = {**NAMED, "kernels": {**NAMED["kernels"], "root": f"/{root}"}}
    assert build(planned(selection_of(tmp_path, named), base)).manifest.digest == build(plan).manifest.digest


def test_a_root_that_upper_layers_hide_is_not_found(tmp_path: Path) -> None:
    """By a whiteout of the folder, or far above it, or by something else in its place."""
    other = "opt/venv/site-packages"
    for hidden in (
        file(f"{PACKAGES}/.wh.kernels"),
        file("usr/.wh.lib"),
        file("usr/lib/python3"),
        symlink("usr/lib", "/srv"),
        file(f"{PACKAGES}/kernels/.wh.__init__.py"),
    ):
        base = image(tar(*sources(), folder("opt")), tar(*kernels(), *kernels(other)), tar(hidden))
        assert planned(selection_of(tmp_path, AUTO), base).sources[1].root == other
        gone = image(tar(*sources(), folder("opt")), tar(*kernels()), tar(hidden))
        with pytest.raises(PatchError, match=rf"^{MARKER} is in none of the base's folders /sgl-workspace/\*, "):
            planned(selection_of(tmp_path, AUTO), gone)


def test_two_folders_with_the_marker_are_refused_and_named(tmp_path: Path) -> None:
    other = "sgl-workspace/kernels"
    with pytest.raises(PatchError) as caught:
        planned(selection_of(tmp_path, AUTO), base_of(*kernels(), *kernels(other)))
    assert str(caught.value) == f"{MARKER} is in several folders of the base: /{other} and /{PACKAGES}"
    assert caught.value.hint == ("name the folder: --set sources.kernels.root=/PATH --set sources.kernels.marker=null")


def test_without_the_marker_the_message_says_where_it_was_looked_for_and_where_it_is(tmp_path: Path) -> None:
    with pytest.raises(PatchError) as caught:
        planned(selection_of(tmp_path, AUTO), base_of(*kernels("srv/app"), *kernels("usr/share/x")))
    assert str(caught.value) == (
        f"{MARKER} is in none of the base's folders /sgl-workspace/*, /sgl-workspace/*/*, site-packages and "
        "dist-packages; it is in /srv/app and /usr/share/x"
    )


def test_no_account_takes_the_place_of_the_init(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="/opt/m2build/init is the init, so no folder's account can be called that"):
        selection_of(tmp_path, {"sglang": NAMED["sglang"], "init": NAMED["kernels"]})


@pytest.mark.parametrize("root", ["/srv/link", "/srv/link/sglang", "/srv"])
def test_roots_that_are_one_folder_or_in_one_another_through_links_are_refused(root: str, tmp_path: Path) -> None:
    links = [folder("srv"), symlink("srv/link", f"/{ROOT}")] if root != "/srv" else [symlink("srv", "/sgl-workspace")]
    nested = {**NAMED, "kernels": {**NAMED["kernels"], "root": root}}
    with pytest.raises(
        PatchError, match=f"the roots of sglang and kernels hold one another: /{ROOT} and /sgl-workspace"
    ):
        planned(selection_of(tmp_path, nested), base_of(*links))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (f"sources.kernels.root=/{ROOT}", "sources.kernels.root: it and the root of sglang hold one another"),
        ("sources.kernels.root=/sgl-workspace", "it and the root of sglang hold one another"),
        (f"sources.kernels.root=/{ROOT}/sglang", "it and the root of sglang hold one another"),
        ("sources.kernels.root=auto", "root: auto needs a marker"),
        ("sources.kernels.marker=a.py", "a marker is for root: auto, and this root is named"),
        ("series=minimax-m2-rocm", "series: each of `sources` has its own series"),
        ("base.source_root=/a", "base.source_root: `sources` name the folders"),
        ("bases={x: {summary: x, image: 'a.io/b:c', source_root: /a}}", "bases.x.source_root: `sources` name the"),
        ("sources={}", "base: the key 'source_root' is missing"),
    ],
)
def test_mistakes_in_sources_are_named(override: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_recipe(str(recipe_file(tmp_path)), [override])
    assert message in str(caught.value)


def test_what_is_for_one_root_is_refused_for_several(tmp_path: Path) -> None:
    recipe = load_recipe(str(recipe_file(tmp_path)))
    with pytest.raises(UsageError, match="one series is given for the 2 folders of sources: sglang, kernels"):
        applied_series(recipe, load_series("minimax-m2-rocm"))
    with pytest.raises(UsageError, match="is one folder of sources, and the recipe has 2: sglang, kernels"):
        open_base(Place.parse(f"dir:{tmp_path}"), roots=recipe.roots, platform="linux/amd64")


def test_a_remembered_plan_has_the_same_roots_and_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for a base that has another name, which nothing remembered may still say."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sample = base_of(*kernels())
    blobs = WatchedBlobs(sample.blobs)
    stored = Image(sample.manifest, sample.config, blobs)
    selection, first, second = selection_of(tmp_path, AUTO), Kept(), Kept()
    (derived,) = plan_all([selection], opened(stored), environment={}, progress=first)
    assert blobs.opened
    blobs.opened.clear()
    (again,) = plan_all([selection], opened(stored, "a.io/other:c"), environment={}, progress=second)
    assert blobs.opened == []
    assert again.sources[1].root == derived.sources[1].root
    assert build(again).manifest.layers == build(derived).manifest.layers
    assert first.notices == second.notices != []
    assert [one.changeset.origin for one in again.sources] == ["a.io/other:c"] * 2
    elsewhere = {**AUTO, "kernels": {**AUTO["kernels"], "marker": "sglang/__init__.py"}}
    with pytest.raises(PatchError, match="hold one another"):
        plan_all([selection_of(tmp_path, elsewhere)], opened(stored), environment={}, progress=first)


def test_sources_from_elsewhere_are_given_by_name(tmp_path: Path) -> None:
    recipe = recipe_file(tmp_path, AUTO)
    for name, entries, root in (("sglang", sources(), ROOT), ("kernels", kernels("k"), "k")):
        for info, data in entries:
            path = tmp_path / name / info.name.removeprefix(root).lstrip("/")
            if info.isreg():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
    given = [f"--source={name}=dir:{tmp_path}/{name}" for name in ("sglang", "kernels")]
    render = ("render", "--recipe", str(recipe), "--tp", "8", "--unpinned")
    assert (
        "found kernels/__init__.py in /sgl-workspace/kernels"
        in m2build(*render, *given, "-o", f"{tmp_path}/out").stderr
    )
    text = (tmp_path / "out/Dockerfile").read_text()
    assert "cd /sgl-workspace/kernels;" in text
    assert f"cd /{ROOT};" in text
    assert (tmp_path / "out/account/kernels/README").exists()
    for wrong, message in (
        (given[:1], "has its sources in 2 folders, sglang, kernels, and places are given for sglang"),
        (["--source=pypi:sglang==0.5.7"], "and places are given for one"),
        ([*given, given[0]], "--source has the same name twice"),
        ([given[0], "--source=dir:x"], "several --source need names"),
    ):
        assert message in refused(2, *render, *wrong, "-o", f"{tmp_path}/no")
