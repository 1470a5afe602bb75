"""`m2build lock`, and `m2build image` with a lock: which file, what is written, and how a difference ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.commands import m2build, refused, succeeds

from m2build.oci.image import Image
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent

LOCK = ("lock", "--tp", "8", "--base", "oci:base:base")
IMAGE = ("image", "--tp", "8", "--base", "oci:base:base", "-o", "oci:out", "--replace")


def store(image: Image, folder: Path) -> None:
    names = {"tag": "base", "reference": "base"}
    write_image(image, Place.parse(f"oci:{folder / 'base'}"), **names, replace=True, progress=Silent())


@pytest.fixture
def here(tmp_path: Path) -> Path:
    store(base_image(), tmp_path)
    return tmp_path


def test_it_never_overwrites_a_file_without_update(here: Path) -> None:
    assert succeeds(*LOCK, cwd=here) == "m2build.lock\n"
    before = (here / "m2build.lock").read_bytes()
    assert "m2build.lock exists already" in refused(2, *LOCK, cwd=here)
    (here / "m2build.lock").write_text("version: 1\n")
    assert succeeds(*LOCK, "--update", cwd=here) == "m2build.lock\n"
    assert (here / "m2build.lock").read_bytes() == before
    assert succeeds(*LOCK, "--locked", cwd=here) == "m2build.lock\n"


def test_an_image_with_the_lock_of_the_working_directory_writes_no_lock(here: Path) -> None:
    succeeds(*LOCK, cwd=here)
    before = (here / "m2build.lock").read_bytes()
    locked = succeeds(*IMAGE, cwd=here)
    assert locked == succeeds(*IMAGE, "--locked", cwd=here)
    assert locked != succeeds(*IMAGE, "--no-lock", cwd=here), "its label says that the layers were read"
    assert (here / "m2build.lock").read_bytes() == before


def test_another_base_ends_with_3_and_another_patch_with_4(here: Path) -> None:
    succeeds(*LOCK, cwd=here)
    for command in (IMAGE, LOCK):
        words = refused(4, *command, "--set", "profiles.tp8.flags.port=9", "--locked", cwd=here)
        assert "the lock does not describe this image: images.minimax-m2.1:tp8.plan is sha256:" in words
    store(base_image(annotations={"a": "b"}), here)
    for command in (IMAGE, LOCK):
        words = refused(3, *command, "--locked", cwd=here)
        assert "the lock does not describe this image: base." in words
        assert "run `m2build lock --update`" in words
    run = m2build(*IMAGE, cwd=here)
    assert run.returncode == 0
    assert "the lock does not describe this image: base.manifest is sha256:" in run.stderr


def test_the_lock_of_a_recipe_is_beside_it(here: Path) -> None:
    (here / "mine").mkdir()
    (here / "mine/recipe.yaml").write_text("name: mine\nextends: minimax-m2\n")
    chosen = ("--recipe", "mine/recipe.yaml")
    assert "there is no lock mine/m2build.lock" in refused(2, *IMAGE, *chosen, "--locked", cwd=here)
    assert succeeds(*LOCK, *chosen, cwd=here) == "mine/m2build.lock\n"
    succeeds(*IMAGE, *chosen, "--locked", cwd=here)
    named = (*IMAGE, "--lock", "mine/m2build.lock", "--locked")
    assert "recipe is minimax-m2; locked: mine" in refused(4, *named, cwd=here)
    (here / "mine/m2build.lock").rename(here / "m2build.lock")
    run = m2build(*IMAGE, cwd=here)
    assert run.returncode == 0
    assert "m2build.lock is the lock of the recipe mine, and is not used for minimax-m2" in run.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*IMAGE, "--no-lock", "--locked"), "--no-lock contradicts"),
        ((*LOCK, "--update", "--locked"), "--update writes the lock"),
        ((*IMAGE, "--lock", "none.lock"), "there is no lock none.lock"),
    ],
)
def test_options_that_do_not_fit_are_refused(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    assert message in refused(2, *words, cwd=tmp_path)
