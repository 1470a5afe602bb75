"""The lock as a file: what is in it, in which order, how it is read, and its schema."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import yaml
from helpers.locking.locks import CHANGED, RECIPE, RELEASE, TP8, published_base

import m2build
from m2build import locking
from m2build.base.model import Base
from m2build.derivation.derive import derive_all
from m2build.derivation.overlay import make_overlay
from m2build.derivation.plan import Plan
from m2build.errors import BaseChangedError, PatchError, UsageError
from m2build.locking.made import lock_of
from m2build.oci.image import Image
from m2build.patches.tree import SourceTree
from m2build.progress import Silent


@pytest.fixture(scope="module")
def image(sglang_tree: SourceTree) -> Image:
    return published_base(sglang_tree)


@pytest.fixture(scope="module")
def plans(image: Image) -> tuple[Plan, ...]:
    base = Base.of(image, image.manifest.digest, "registry.example/sglang:rocm")
    return derive_all([RECIPE.select(tp=4), TP8], base, environment={}, progress=Silent())[0]


@pytest.fixture(scope="module")
def lock(plans: tuple[Plan, ...]) -> m2build.Lock:
    return lock_of(plans)


def test_it_holds_the_base_by_name_and_by_digest(lock: m2build.Lock, image: Image) -> None:
    base = yaml.safe_load(lock.yaml())["base"]
    assert base["image"] == "registry.example/sglang:rocm"
    assert base["digest"] == str(image.manifest.digest)
    assert base["platform"] == "linux/amd64"


def test_each_file_has_its_digests_its_mode_and_its_layer(lock: m2build.Lock, plans: tuple[Plan, ...]) -> None:
    files = lock.sources["sources"].files
    layers = [str(layer.digest) for layer in plans[0].base.image.manifest.layers] if plans[0].base.image else []
    found = {file.renamed_from or path: file for path, file in files.items()}
    assert sorted(found) == CHANGED
    assert {path: layers.index(str(file.layer)) for path, file in found.items()} == {
        **dict.fromkeys(CHANGED[:-1], 1),
        CHANGED[-1]: 2,
    }
    for change in plans[0].changeset.changes:
        locked = files[change.path]
        for state, file in ((locked.before, change.before), (locked.after, change.after)):
            assert state
            assert file
            assert state.sha256 == hashlib.sha256(file.content).hexdigest()
            assert state.mode == "0640"


def test_diffs_codemods_overlay_and_plans_are_there_by_digest(lock: m2build.Lock, plans: tuple[Plan, ...]) -> None:
    source = lock.sources["sources"]
    assert source.diff == hashlib.sha256(plans[0].changeset.diff()).hexdigest()
    codemods = resources.files("m2build.patches.codemods")
    for patch in source.patches.values():
        code = codemods.joinpath(f"{patch.codemod.replace('-', '_')}.py").read_bytes()
        assert patch.code == hashlib.sha256(code).hexdigest()
        assert patch.diff
    assert {key: (image.plan, image.overlay) for key, image in lock.images.items()} == {
        f"minimax-m2.1:{plan.selection.profile_id}": (str(plan.digest), str(make_overlay(plan).diff_id))
        for plan in plans
    }


def test_the_release_is_named_whose_files_the_base_has(lock: m2build.Lock) -> None:
    assert lock.sources["sources"].published == f"pypi:{RELEASE}"


def test_what_is_pinned_of_the_release_is_in_its_wheel(sglang_tree: SourceTree) -> None:
    series = m2build.patches.load_series("minimax-m2-rocm")
    changes = m2build.patches.apply_series(series, sglang_tree).changes
    pins = json.loads(resources.files("m2build.patches").joinpath("pinned.json").read_bytes())
    assert {change.old_path: change.before.sha256 for change in changes if change.before} == pins[RELEASE]["files"]


def test_a_base_with_another_file_than_the_release_names_none(plans: tuple[Plan, ...], sglang_tree: SourceTree) -> None:
    older = sglang_tree[CHANGED[2]].content + b"# ours\n"
    other = published_base(sglang_tree.replaced({CHANGED[2]: m2build.patches.SourceFile.of(older)}))
    base = Base.of(other, other.manifest.digest, None)
    plans, _ = derive_all([TP8], base, environment={}, progress=Silent())
    assert lock_of(plans).sources["sources"].published is None


def test_reading_gives_the_same_lock(lock: m2build.Lock, tmp_path: Path) -> None:
    locking.write_lock(lock, tmp_path / "m2build.lock")
    assert locking.load_lock(tmp_path / "m2build.lock") == lock
    assert (tmp_path / "m2build.lock").read_text() == lock.yaml()


def test_the_shipped_schema_is_that_of_the_model_and_fits(lock: m2build.Lock) -> None:
    """After a change: `m2build lock --schema > recipes/lock.schema.json`."""
    shipped = resources.files("m2build.recipes").joinpath("lock.schema.json").read_text(encoding="utf-8")
    assert shipped == m2build.Lock.schema_text()
    jsonschema.Draft202012Validator.check_schema(json.loads(shipped))
    validator = jsonschema.Draft202012Validator(json.loads(shipped))
    validator.validate(yaml.safe_load(lock.yaml()))
    mistaken = yaml.safe_load(lock.yaml().replace("digest: sha256:", "digest: sha1:"))
    assert not validator.is_valid(mistaken)


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ("version: 1", "version: 2", "m2build.lock:3:1: version: Input should be 1"),
        ("  platform:", "  platfrom:", "unknown key 'platfrom'; did you mean 'platform'?"),
        ("mode: '0640'", "mode: rw", "String should match pattern"),
        ("outcome: applied", "outcome: done", "Input should be 'applied'"),
    ],
)
def test_a_mistake_is_named_with_its_line(was: str, now: str, words: str, lock: m2build.Lock, tmp_path: Path) -> None:
    place = tmp_path / "m2build.lock"
    place.write_text(lock.yaml().replace(was, now, 1))
    with pytest.raises(UsageError) as error:
        locking.load_lock(place)
    assert words in str(error.value)
    assert str(error.value).startswith(f"{place}:")


def test_a_file_is_replaced_on_request_only(lock: m2build.Lock, tmp_path: Path) -> None:
    place = tmp_path / "m2build.lock"
    place.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        locking.write_lock(lock, place)
    assert place.read_text() == "mine"
    locking.write_lock(lock, place, update=True)
    assert locking.load_lock(place) == lock
    assert [path.name for path in tmp_path.iterdir()] == ["m2build.lock"]


DIFFERENT = {
    "base": ("  manifest: sha256:", "  manifest: sha256:0", BaseChangedError, "base.manifest is sha256:"),
    "a patch": ("definition: ", "definition: 0", PatchError, ".rename-transformers-module.definition is "),
    "its code": ("code: ", "code: 0", PatchError, ".rename-transformers-module.code is "),
    "a file before": (
        "- before:\n            sha256: ",
        "- before:\n            sha256: 0",
        PatchError,
        ".changes.sglang/srt/models/deepseek_ocr.py.before.sha256 is ",
    ),
    "a folder's owner": ("uid: 7", "uid: 8", PatchError, "footing.sgl-workspace.uid is 7; locked: 8"),
    "a plan": ("plan: sha256:", "plan: sha256:0", PatchError, "images.minimax-m2.1:tp4.plan is sha256:"),
    "m2build": ("m2build: ", "m2build: 9", PatchError, "m2build is "),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_a_difference_is_refused_by_its_key(what: str, lock: m2build.Lock, tmp_path: Path) -> None:
    was, now, kind, words = DIFFERENT[what]
    text = lock.yaml().replace(was, now, 1)
    if text.count(was) and now.endswith("0"):
        at = text.index(now) + len(now)
        end = text.index("\n", at)
        text = text[: end - 1] + text[end:]  # as many digits as before
    (tmp_path / "m2build.lock").write_text(text)
    with pytest.raises((BaseChangedError, PatchError)) as error:
        locking.load_lock(tmp_path / "m2build.lock").check(lock)
    assert type(error.value) is kind
    assert words in error.value.message
    assert "m2build lock --update" in (error.value.hint or "")


def test_a_lock_with_more_images_fits_one_of_them(lock: m2build.Lock, plans: tuple[Plan, ...]) -> None:
    lock.check(lock_of(plans[:1]))
    with pytest.raises(PatchError, match=r"images\.minimax-m2\.1:tp4 is there; locked: missing"):
        lock_of(plans[1:]).check(lock)
