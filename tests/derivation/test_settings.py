"""Settings in a derived image: config, manifest, plan, and the working directory that the base may lack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.bases import base_image, sources
from helpers.images import Entry, WatchedBlobs, folder, image, symlink, tar
from helpers.kept_progress import Kept
from helpers.plans import derive

from m2build.base.model import Base
from m2build.derivation.image import build
from m2build.derivation.plan import Plan
from m2build.derivation.remembered import plan_all
from m2build.errors import PatchError
from m2build.inspection.content import read_content
from m2build.oci.image import Image
from m2build.oci.media_types import DOCKER
from m2build.progress import Silent
from m2build.recipes.load import load_recipe
from m2build.recipes.model import Selection


def selection(*overrides: str, **given: Mapping[str, str]) -> Selection:
    return load_recipe("minimax-m2", overrides).select(tp=8, **given)  # type: ignore[arg-type]


def planned(chosen: Selection, base: Image) -> Plan:
    return derive(chosen, Base.of(base, base.manifest.digest, "ghcr.io/a/b:c"), environment={}, progress=Silent())


def runtime(plan: Plan) -> dict[str, object]:
    found: dict[str, object] = json.loads(build(plan).config.raw)["config"]
    return found


def test_the_config_and_the_manifest_have_what_is_set() -> None:
    base = base_image(
        config={"Env": ["PATH=/bin", "A=0", "B=0"], "User": "app", "Labels": {"keep": "k", "team": "old"}}
    )
    given = selection(
        "workdir=/opt", "user=7", env={"A": "1", "C": "a=b"}, labels={"team": "t"}, annotations={"a.b": "c"}
    )
    plan = planned(given, base)
    config = runtime(plan)
    assert config["Env"] == ["PATH=/bin", "A=1", "B=0", "C=a=b"]
    assert (config["User"], config["WorkingDir"]) == ("7", "/opt")
    labels = config["Labels"]
    assert isinstance(labels, dict)
    assert (labels["keep"], labels["team"], "a.b" in labels) == ("k", "t", False)
    assert build(plan).manifest.annotations["a.b"] == "c"
    assert "a.b" not in build(planned(given, base_image(DOCKER))).manifest.annotations


def test_each_setting_changes_the_plans_digest_and_none_keeps_it() -> None:
    base = base_image()
    cases = [
        selection(), selection(env={"A": "1"}), selection(env={"A": "2"}), selection(env={"A": "1", "B": "1"}),
        selection(env={"B": "1", "A": "1"}), selection(labels={"A": "1"}), selection(annotations={"A": "1"}),
        selection("workdir=/opt"), selection("user=app"),
    ]  # fmt: skip
    digests = [planned(case, base).digest for case in cases]
    assert len({*digests}) == len(cases)
    assert planned(selection("env={}", "labels={}"), base).digest == digests[0]
    assert "env" not in planned(cases[0], base).document()


WORKDIRS: dict[str, tuple[list[Entry], tuple[str, ...]]] = {
    "/": ([], ()),
    "/tmp": ([folder("tmp", mode=0o1777)], ()),
    "/new/deep": ([], ("new/deep", "new")),
    "/opt/new": ([folder("opt", uid=5)], ("opt/new",)),
    "/link/new": ([folder("opt"), symlink("link", "/opt")], ("opt/new",)),
}


@pytest.mark.parametrize("workdir", WORKDIRS)
def test_a_working_directory_is_made_where_the_base_lacks_it_and_else_left_alone(workdir: str) -> None:
    entries, unmade = WORKDIRS[workdir]
    plan = planned(selection(f"workdir={workdir}"), image(tar(*sources(), *entries)))
    assert plan.unmade == unmade
    changed = read_content(build(plan), 1, Silent()).changed
    others = {path for path in changed if not path.startswith(("sgl-workspace", "opt/m2build"))} - {"opt"}
    assert others == {*unmade}


def test_a_working_directory_that_is_a_file_is_refused() -> None:
    with pytest.raises(PatchError, match="the working directory /bin/sh is a file in the base"):
        planned(selection("workdir=/bin/sh"), base_image())
    with pytest.raises(PatchError, match="/bin/sh is a file in the base; the overlay needs a folder there"):
        planned(selection("workdir=/bin/sh/x"), base_image())


def test_profiles_with_other_folders_are_derived_together_and_remembered_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    sample = base_image()
    blobs = WatchedBlobs(sample.blobs)
    base = Base.of(Image(sample.manifest, sample.config, blobs), sample.manifest.digest, "ghcr.io/a/b:c")
    recipe = load_recipe("minimax-m2", ["profiles.tp4.workdir=/new", "profiles.tp8.workdir=/bin"])
    chosen = [recipe.select(tp=4), recipe.select(tp=8)]
    first = plan_all(chosen, base, environment={}, progress=Silent())
    assert [plan.unmade for plan in first] == [("new",), ()]
    blobs.opened.clear()
    for again in (chosen, chosen[::-1], chosen[:1], chosen[1:]):
        plans = plan_all(again, base, environment={}, progress=Silent())
        expected = {plan.selection.profile_id: build(plan).manifest.digest for plan in first}
        assert all(build(plan).manifest.digest == expected[plan.selection.profile_id] for plan in plans)
    assert blobs.opened == []


def test_variables_that_decide_which_code_runs_are_noticed_once() -> None:
    sample = base_image()
    base = Base.of(sample, sample.manifest.digest, "ghcr.io/a/b:c")
    heard = Kept()
    both = [selection(env={"PYTHONPATH": "/x", "A": "1"}), selection(env={"LD_PRELOAD": "/x"})]
    recipe = both[0].recipe
    both = [Selection(recipe, one.profile_id, one.model_id, one.given) for one in both]
    plan_all(both, base, environment={}, progress=heard)
    (notice,) = heard.notices
    assert "the image sets LD_PRELOAD, PYTHONPATH" in notice
    heard = Kept()
    plan_all([selection(env={"A": "1"})], base, environment={}, progress=heard)
    assert heard.notices == []
