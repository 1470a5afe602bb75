"""`m2build image --push`, killed at everything that it sends and changes: the tag names a whole image, and a rerun
completes it."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator

import pytest
from helpers.bases import base_image
from helpers.registry.registries import docker_registry, run
from helpers.support import need_tool
from helpers.sweeps.killing import Call, Commands

from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent

pytestmark = pytest.mark.sweep

SENDS = 16
"""Moments at which it is killed, half of them for each name: the n-th time that one of its threads sends something."""
CHANGES = 25
"""Every other call that changes local files: the cache, of which nothing is there at the beginning."""
CASES = SENDS + CHANGES
_MOST = 100


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.mark.parametrize("is_there", [False, True], ids=["a new name", "a tag that moves"])
def test_a_kill_at_everything_that_is_sent(is_there: bool, killable: Commands, host: str) -> None:  # noqa: FBT001
    place = Place.parse(f"oci:{killable.folder}/work/base-{is_there}:v1")
    write_image(base_image(), place, tag="", reference="", replace=False, progress=Silent())
    push = ("image", "--base", str(place), "--push", "--progress", "quiet")
    cases = 0
    for number in range(1, _MOST):
        name = f"{host}/killed-{is_there}-{number}".lower()
        if is_there:
            killable.run((*push, "--tp", "4", "-t", f"{name}:v1"))
        old = run("crane", "digest", f"{name}:v1") if is_there else b""
        code = killable.end_at((*push, "--tp", "8", "-t", f"{name}:v1"), Call("sendto", number))
        killed = code == -signal.SIGKILL
        assert killed or code == 0, killable.said
        found = _tag(name)
        killable.run((*push, "--tp", "8", "-t", f"{name}:v1"))
        new = run("crane", "digest", f"{name}:v1")
        assert new != old
        assert found in (old, new), f"killed at request {number}"
        run("crane", "validate", f"--remote={name}:v1")
        if not killed:
            break
        cases += 1
    assert cases >= SENDS // 2, cases


def test_a_kill_at_every_changing_call(killable: Commands, host: str) -> None:
    place = Place.parse(f"oci:{killable.folder}/work/base-cold:v1")
    write_image(base_image(), place, tag="", reference="", replace=False, progress=Silent())
    push = ("image", "--base", str(place), "--push", "--progress", "quiet", "--tp", "8", "-t")
    empty(killable)
    calls = killable.calls((*push, f"{host}/killed-cold:v1"))[::2]
    assert len(calls) >= CHANGES
    new = run("crane", "digest", f"{host}/killed-cold:v1")
    for number, call in enumerate(calls):
        empty(killable)
        name = f"{host}/killed-cold-{number}"
        killable.kill_at((*push, f"{name}:v1"), call)
        assert _tag(name) in (b"", new), f"killed at {call}"
        killable.run((*push, f"{name}:v1"))
        assert run("crane", "digest", f"{name}:v1") == new
        assert list((killable.folder / "tmp").iterdir()) == [], f"killed at {call}"


def empty(killable: Commands) -> None:
    """Leave nothing in the cache and in `TMPDIR`."""
    for folder in ("cache", "tmp"):
        shutil.rmtree(killable.folder / folder)
        (killable.folder / folder).mkdir()


def _tag(name: str) -> bytes:
    """The digest that the tag names, after a check that the image is whole; empty if there is no such tag."""
    asked = subprocess.run([need_tool("crane"), "digest", f"{name}:v1"], capture_output=True, check=False)
    if asked.returncode != 0:
        assert b"UNKNOWN" in asked.stderr or b"404" in asked.stderr, asked.stderr
        return b""
    run("crane", "validate", f"--remote={name}:v1")
    return asked.stdout
