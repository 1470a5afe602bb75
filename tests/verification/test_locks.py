"""`verify` with a lock: an honest one passes, and each change of one is caught by the key that was changed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.cli.checkouts import quickly, store
from helpers.commands import m2build as command
from helpers.commands import refused, succeeds
from helpers.images import image, tar
from helpers.registry.registries import docker_registry, upload
from helpers.support import sampled

import m2build
from m2build import locking
from m2build.locking.comparing import between
from m2build.locking.model import Lock
from m2build.oci.image import Image
from m2build.places.place import Place
from m2build.places.transports import read_image
from m2build.recipes.model import Selection
from m2build.verification.findings import KINDS

Document = dict[str, Any]
Way = tuple[str | int, ...]

RECIPE = m2build.load_recipe("minimax-m2")
BOTH = (RECIPE.select(tp=4), RECIPE.select(tp=8))
TP8 = "images.minimax-m2.1:tp8"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base in `base`, what was derived from it in `out`, and the lock of two images."""
    folder = tmp_path_factory.mktemp("locks")
    store(f"oci:{folder}/base:base")
    quickly("image", "--tp", "8", "--base", f"oci:{folder}/base:base", "-o", f"oci:{folder}/out:tp8")
    locking.write_lock(m2build.lock(BOTH, f"oci:{folder}/base:base"), folder / "m2build.lock")
    return folder


@pytest.fixture(scope="module")
def lock(workshop: Path) -> Lock:
    return locking.load_lock(workshop / "m2build.lock")


def found(workshop: Path, lock: Lock, wanted: Selection | None = None) -> list[tuple[str, str]]:
    verification = m2build.verify(f"oci:{workshop}/out:tp8", wanted, base=f"oci:{workshop}/base:base", lock=lock)
    return [(finding.id, finding.path) for finding in verification.findings]


def test_an_honest_lock_passes_with_more_images_than_the_one(workshop: Path, lock: Lock) -> None:
    assert found(workshop, lock) == []


def leaves(value: object, way: Way = ()) -> Iterator[Way]:
    """The ways to all values of a document that hold no others."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    yield from (found for key, inner in pairs for found in leaves(inner, (*way, key)))
    if not isinstance(value, dict | list):
        yield way


def changed(document: Document, way: Way, value: object) -> Document:
    """A document with another value at the end of a way; None takes what is there away."""
    result = copy.deepcopy(document)
    holder: Any = result
    for key in way[:-1]:
        holder = holder[key]
    if value is None:
        del holder[way[-1]]
    else:
        holder[way[-1]] = value
    return result


def test_every_value_of_a_lock_is_compared(lock: Lock) -> None:
    """Changed, or taken away: one difference, at its key."""
    honest = lock.document
    ways = list(leaves(honest))
    assert len(ways) > 100
    for way in ways:
        (one,) = between(changed(honest, way, "another"), honest)
        assert one.locked == "another", way
        assert between(changed(honest, way, None), honest), way


def digits(character: str, count: int = 64) -> str:
    return character * count


TAMPERINGS: dict[str, tuple[Way, object, str, str]] = {
    "another base": (("base", "digest"), f"sha256:{digits('0')}", "lock-base", "base.digest"),
    "another config": (("base", "config"), f"sha256:{digits('1')}", "lock-base", "base.config"),
    "another name": (("base", "image"), "registry.example/a:b", "lock-base", "base.image"),
    "another platform": (("base", "platform"), "linux/arm64", "lock-base", "base.platform"),
    "another diff": (("sources", "sources", "diff"), digits("2"), "lock-sources", "sources.sources.diff"),
    "another release": (("sources", "sources", "release"), "9", "lock-sources", "sources.sources.release"),
    "an owner": (("footing", "opt", "uid"), 77, "lock-sources", "footing.opt.uid"),
    "a hidden path": (("hidden",), ["etc/passwd"], "lock-sources", "hidden"),
    "another plan": (("images", "minimax-m2.1:tp8", "plan"), f"sha256:{digits('3')}", "lock-image", f"{TP8}.plan"),
    "another overlay": (
        ("images", "minimax-m2.1:tp8", "overlay"), f"sha256:{digits('4')}", "lock-image", f"{TP8}.overlay",
    ),
    "an image lost": (("images", "minimax-m2.1:tp8"), None, "lock-image", TP8),
    "another time": (("created",), "1999-01-01T00:00:00Z", "lock-other", "created"),
    "another version": (("m2build",), "9.9", "lock-other", "m2build"),
    "another recipe": (("recipe",), "mine", "lock-other", "recipe"),
}  # fmt: skip
"""What is done to a lock: which value, what it becomes (None to remove it); and the finding."""


def tampered(lock: Lock, way: Way, value: object) -> Lock:
    return Lock.model_validate(changed(lock.document, way, value), strict=False)


@pytest.mark.parametrize("case", sampled(TAMPERINGS, every=2))
def test_a_changed_lock_is_caught_and_named(case: str, workshop: Path, lock: Lock) -> None:
    way, value, *expected = TAMPERINGS[case]
    assert found(workshop, tampered(lock, way, value)) == [tuple(expected)]


@pytest.mark.parametrize("part", ["definition", "code", "diff", "detail"])
def test_a_changed_patch_or_file_is_caught_and_named(part: str, workshop: Path, lock: Lock) -> None:
    (name,) = lock.sources
    patch, path = next(iter(lock.sources[name].patches)), next(iter(lock.sources[name].files))
    of_patch = tampered(lock, ("sources", name, "patches", patch, part), digits("5"))
    assert found(workshop, of_patch) == [("lock-sources", f"sources.{name}.patches.{patch}.{part}")]
    if part == "diff":
        of_file = tampered(lock, ("sources", name, "files", path, "before", "sha256"), digits("6"))
        assert found(workshop, of_file) == [("lock-sources", f"sources.{name}.files.{path}.before.sha256")]


def test_every_kind_of_finding_about_a_lock_has_a_case() -> None:
    assert {case[2] for case in TAMPERINGS.values()} == {kind for kind in KINDS if kind.startswith("lock-")}


def test_a_tampered_image_and_a_tampered_lock_that_agree_are_caught(workshop: Path, lock: Lock) -> None:
    """Flags of another image, in both: the lock is compared with what the recipe gives, not with the image."""
    other = m2build.load_recipe("minimax-m2", ["profiles.tp8.flags.port=9"]).select(tp=8)
    with m2build.Session() as session:
        plan = session.plan(other, session.base(f"oci:{workshop}/base:base"))
        session.deliver(plan, f"oci:{workshop}/forged:tp8")
    agreeing = m2build.lock([other], f"oci:{workshop}/base:base")
    verification = m2build.verify(f"oci:{workshop}/forged:tp8", base=f"oci:{workshop}/base:base", lock=agreeing)
    ids = {(finding.id, finding.path) for finding in verification.findings}
    assert ("lock-image", f"{TP8}.plan") in ids
    assert "config-entrypoint" in {kind for kind, _ in ids}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


def test_the_base_is_the_locked_one_when_its_tag_has_moved(workshop: Path, host: str, tmp_path: Path) -> None:
    name, place = f"{host}/team/sglang:rocm", f"oci:{tmp_path}/out:tp8"
    base = read_image(Place.parse(f"oci:{workshop}/base:base"), "linux/amd64").image
    upload(host, "team/sglang", base, "rocm")
    lock = m2build.lock(BOTH, name)
    quickly("image", "--tp", "8", "--base", name, "-o", place)
    other: Image = image(tar())
    upload(host, "team/sglang", other, "rocm")
    assert m2build.verify(place, BOTH[1], base=name, lock=lock).findings == ()
    assert "base-other" in {finding.id for finding in m2build.verify(place, BOTH[1], base=name).findings}
    moved = tampered(lock, ("base", "digest"), str(other.manifest.digest))
    assert {finding.id for finding in m2build.verify(place, BOTH[1], base=name, lock=moved).findings} >= {
        "base-other", "base-layers",
    }  # fmt: skip


def test_by_command(workshop: Path) -> None:
    """Only a lock that is named is read: the exit code does not depend on the folder."""
    words = ("verify", "oci:out:tp8", "--base", "oci:base:base")
    shown = succeeds(*words, "--lock", "m2build.lock", cwd=workshop).splitlines()
    assert shown[-2] == "lock     m2build.lock agrees"
    text = (workshop / "m2build.lock").read_text()
    (workshop / "bad").mkdir()
    (workshop / "bad/m2build.lock").write_text(text.replace("version: 1\nm2build: ", "version: 1\nm2build: 9"))
    run = command(*words, "--lock", "bad/m2build.lock", cwd=workshop)
    assert (run.returncode, run.stdout.splitlines()[-1][:20]) == (5, "lock-other  m2build:")
    here = ("verify", "oci:../out:tp8", "--base", "oci:../base:base")
    assert "lock " not in succeeds(*here, cwd=workshop / "bad")
    assert "there is no lock none" in refused(2, *words, "--lock", "none", cwd=workshop)
