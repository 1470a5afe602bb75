"""32 commands at once publish into one registry, with one cache: every name ends as a whole image."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.commands import m2build
from helpers.registry.registries import docker_registry, run, tag_digest, upload

pytestmark = pytest.mark.sweep

AT_ONCE = 32
RACE = "one tag for an image each"
NAMES = {
    "a tag each": ("{host}/tags:n{number}", False),
    "a repository each": ("{host}/repositories/n{number}:v1", False),
    "an image each": ("{host}/images:n{number}", True),
    "one tag for one image": ("{host}/one:v1", False),
    RACE: ("{host}/race:v1", True),
}
"""What they are called, and whether each is another image."""
CASES = AT_ONCE * len(NAMES)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        upload(host, "team/sglang", base_image(), "rocm")
        yield host


@pytest.mark.parametrize("kind", NAMES)
def test_each_name_is_a_whole_image(kind: str, host: str, tmp_path: Path) -> None:
    template, differs = NAMES[kind]
    names = [template.format(host=host, number=number) for number in range(AT_ONCE)]

    def publish(number: int) -> subprocess.CompletedProcess[str]:
        own = ("--env", f"NUMBER={number}") if differs else ()
        words = ("image", "--tp", "8", "--base", f"{host}/team/sglang:rocm", "-t", names[number], "--push", *own)
        return m2build(*words, environment={"XDG_CACHE_HOME": str(tmp_path)})

    with ThreadPoolExecutor(AT_ONCE) as pool:
        ended = list(pool.map(publish, range(AT_ONCE)))
    lost = [number for number, done in enumerate(ended) if done.returncode != 0]
    for number in lost:
        assert kind == RACE, ended[number].stderr
        assert "did another push move it?" in ended[number].stderr
    published = {pinned(names[number], ended[number].stdout) for number in range(AT_ONCE) if number not in lost}
    assert {f"{name.rpartition(':')[0]}@{named(name)}" for name in names} <= published
    assert len({name.partition("@")[2] for name in published}) == (AT_ONCE - len(lost) if differs else 1)
    for name in published:
        assert b"PASS" in run("crane", "validate", "--remote", name)
    for number in lost[:1]:
        again = publish(number)
        assert (again.returncode, again.stdout) == (0, f"{names[number].rpartition(':')[0]}@{named(names[number])}\n")


def pinned(name: str, printed: str) -> str:
    """The image that a command has printed, which has to be called so."""
    assert printed.startswith(f"{name.rpartition(':')[0]}@")
    return printed.strip()


def named(name: str) -> str | None:
    host, _, rest = name.partition("/")
    return tag_digest(host, *rest.rsplit(":", 1))
