"""Images on other bases: what `rebase` gives is what deriving on the new base gives; anything else is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.bases import MODELS, ROOT, base_image
from helpers.cli.checkouts import everything, quickly, quickly_refused, store
from helpers.images import file, folder, image, tar
from helpers.registry.registries import upload
from helpers.verification.forgery import Forgery

import m2build
from m2build.errors import ContentError, PatchError, UsageError
from m2build.places.place import Place
from m2build.places.transports import read_image

NEWER = tar(file(f"{ROOT}/sglang/_version.py", b"__version__ = '0.5.8'\n"), file("etc/new", b"1"))
GONE = tar(file(f"{MODELS}/.wh.transformers.py"), file(f"{MODELS}/.wh.kimi_linear.py"))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base in `base`, what was derived from it in `out`, a newer base, and one that has lost a module."""
    folder = tmp_path_factory.mktemp("workshop")
    store(f"oci:{folder}/base:base")
    store(f"oci:{folder}/newer:base", NEWER)
    store(f"oci:{folder}/gone:base", GONE)
    quickly("image", "--tp", "8", "--base", f"oci:{folder}/base:base", "-o", f"oci:{folder}/out:tp8")
    return folder


def test_the_image_is_the_one_that_the_new_base_gives(workshop: Path, tmp_path: Path) -> None:
    newer, place = f"oci:{workshop}/newer:base", f"oci:{workshop}/out:tp8"
    fresh = quickly("image", "--tp", "8", "--base", newer, "-o", f"oci:{tmp_path}/fresh:tp8")
    moved = quickly("rebase", place, "--old-base", f"oci:{workshop}/base:base", "--base", newer,
                    "-o", f"oci:{tmp_path}/moved:tp8")  # fmt: skip
    assert moved.rpartition("@")[2] == fresh.rpartition("@")[2]
    found = read_image(Place.parse(f"oci:{tmp_path}/moved:tp8"), "linux/amd64").image
    assert len(found.manifest.layers) == 4 + 1, "one overlay, on the new base's four layers"
    assert m2build.verify(f"oci:{tmp_path}/moved:tp8", base=newer).passes
    plan = quickly("rebase", place, "--old-base", f"oci:{workshop}/base:base", "--base", newer, "--dry-run",
                   "-o", f"oci:{tmp_path}/none:tp8")  # fmt: skip
    assert found.config.labels["dev.m2build.plan.digest"] in plan
    assert not (tmp_path / "none").exists()


def test_a_patch_that_does_not_apply_there_is_named_and_nothing_is_written(workshop: Path, tmp_path: Path) -> None:
    words = ("--old-base", f"oci:{workshop}/base:base", "--base", f"oci:{workshop}/gone:base")
    said = quickly_refused(4, "rebase", f"oci:{workshop}/out:tp8", *words, "-o", f"oci:{tmp_path}/moved")
    assert "rename-transformers-module" in said
    assert everything(tmp_path) == {}


def test_what_recipe_and_base_do_not_explain_is_refused(workshop: Path, tmp_path: Path) -> None:
    """It would be lost: neither a layer on top nor a variable that is not repeated can be derived anew."""
    honest = read_image(Place.parse(f"oci:{workshop}/out:tp8"), "linux/amd64").image
    forged = Forgery.of(honest, 3)
    forged.above.append(tar(folder("srv"), file("srv/added")))
    forged.write(tmp_path / "forged")
    base, newer = f"oci:{workshop}/base:base", f"oci:{workshop}/newer:base"
    quickly("image", "--tp", "8", "--env", "HF_HOME=/models", "--base", base, "-o", f"oci:{tmp_path}/set:tp8")
    with m2build.Session() as session:
        with pytest.raises(ContentError, match="the difference would be lost: path-extra, /srv"):
            session.rebase(f"oci:{tmp_path}/forged", newer, old_base=base, to="oci:none").foresee()
        with pytest.raises(ContentError, match="HF_HOME"):
            [*session.rebase(f"oci:{tmp_path}/set:tp8", newer, old_base=base, to=f"oci:{tmp_path}/none").deliver()]
        assert not (tmp_path / "none").exists()
        said = m2build.load_recipe("minimax-m2").select(tp=8, env={"HF_HOME": "/models"})
        (forecast,) = session.rebase(f"oci:{tmp_path}/set:tp8", newer, said, old_base=base, to="oci:none").foresee()
        assert "HF_HOME=/models" in forecast.image.config.variables  # type: ignore[union-attr]
        with pytest.raises(UsageError, match="no model of the recipe"):
            session.rebase(f"oci:{workshop}/out:tp8", newer, m2build.load_recipe("minimax-m2.5"), old_base=base)


def test_a_derived_image_is_no_base(workshop: Path) -> None:
    """An overlay is never put on another one."""
    place, base = f"oci:{workshop}/out:tp8", f"oci:{workshop}/base:base"
    with m2build.Session() as session, pytest.raises(PatchError, match="itself derived by m2build"):
        session.rebase(place, place, old_base=base, to="oci:none").foresee()


def test_the_new_base_is_looked_at_before_the_old_one_is_read(workshop: Path) -> None:
    said = quickly_refused(2, "rebase", f"oci:{workshop}/out:tp8", "--old-base", "oci:absent", "--base", "oci:nowhere")
    assert "the directory nowhere does not exist" in said


def test_an_old_base_without_a_name_has_to_be_said(workshop: Path) -> None:
    with m2build.Session() as session, pytest.raises(UsageError) as caught:
        session.rebase(f"oci:{workshop}/out:tp8", f"oci:{workshop}/newer:base")
    assert caught.value.hint == "add --old-base PLACE"


def test_the_labels_name_the_old_base_by_digest(stocked: str) -> None:
    """Also after its tag has moved."""
    base, name = f"{stocked}/team/moving:v1", f"{stocked}/team/m2:tp8"
    upload(stocked, "team/moving", base_image(), "v1")
    quickly("image", "--tp", "8", "--base", base, "-t", name, "--push")
    upload(stocked, "team/moving", image(tar()), "v1")
    with m2build.Session() as session:
        (forecast,) = session.rebase(name, f"{stocked}/team/sglang:rocm", to="oci:none").foresee()
    assert forecast.plan.base.name == f"{stocked}/team/sglang:rocm"
