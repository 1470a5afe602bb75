"""The promise of the engines: the same plan gives images of the same content, with every engine."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import two_roots
from helpers.commands import m2build as m2build_command
from helpers.commands import succeeds
from helpers.engines.daemons import DockerEngine
from helpers.engines.deriving import config, derived, inspected
from helpers.images import symlink, tar
from helpers.registry.registries import run
from helpers.support import sampled

import m2build

pytestmark = pytest.mark.engine

OURS = {"docker": "--engine=docker", "podman": "--engine=podman", "remote": "--builder={}"}
BUILDERS = (*OURS, "bake", "classic", "buildah")
PROVEN = ["embedded", "docker", "podman", *(pytest.param(builder, marks=pytest.mark.sweep) for builder in BUILDERS[2:])]
"""Whose images are proven in each test run; the others' content is compared in each, and proven in the sweeps."""
EVERY = ("docker", "podman", "classic", "buildah")
"""The builders that are not elsewhere. In each test run the first is tried, in the sweeps the others."""


@dataclass(frozen=True)
class Bench:
    """One base, and each engine's image of it, built once.

    Attributes:
        base: its name.
        environment: that of Docker and podman.
        remote_builder: a remote builder.
        folder: where a Dockerfile can be rendered.
    """

    base: str
    environment: Mapping[str, str]
    remote_builder: str
    folder: Path
    _contents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def name(self, builder: str, profile: str = "tp8") -> str:
        """What an image is called in the registry."""
        return f"{self.base.rpartition('/')[0]}/{builder}:{profile}"

    def content(self, place: str) -> dict[str, Any]:
        """An image's content, by `m2build inspect`."""
        content: dict[str, Any] = inspected(self.environment, place)["content"]
        return content

    def of(self, builder: str) -> dict[str, Any]:
        """The content of the image that a builder pushed, read once."""
        if builder not in self._contents:
            self._contents[builder] = self.content(self.image(builder))
        return self._contents[builder]

    def image(self, builder: str) -> str:
        """The name of the image that a builder pushed."""
        return self.embedded if builder == "embedded" else self.built[builder]

    @cached_property
    def embedded(self) -> str:
        """What the embedded engine pushed; all others are compared with it."""
        derived(self.environment, "--tp", "8", "--base", self.base, "-t", self.name("embedded"), "--push")
        return self.name("embedded")

    @cached_property
    def built(self) -> dict[str, str]:
        """Builder -> its image, pushed."""
        context = self.folder / "context"
        succeeds("render", "--tp", "8", "--base", self.base, "-o", context)
        for builder, how in OURS.items():
            options = ["-t", self.name(builder), "--push", how.format(self.remote_builder)]
            derived(self.environment, "--tp", "8", "--base", self.base, *options)
        self.bake()
        for builder in ("classic", "buildah"):
            self.by_hand(builder, context, self.name(builder))
        return {builder: self.name(builder) for builder in BUILDERS} | {"bake": self.name("bake/minimax-m2.1")}

    def pushed(self, builder: str, what: str, *options: str) -> str:
        """An image with these options, pushed by a builder that is not elsewhere; returns its name."""
        name = self.name(f"{what}-{builder}")
        if builder in OURS:
            derived(self.environment, *options, "-t", name, "--push", OURS[builder])
        else:
            context = self.folder / f"{what}-{builder}"
            succeeds("render", *options, "-o", context)
            self.by_hand(builder, context, name)
        return name

    def by_hand(self, builder: str, context: Path, name: str) -> None:
        """Build and push a rendered Dockerfile with Docker's old builder, or with buildah."""
        if builder == "classic":
            classic = DockerEngine({**self.environment, "DOCKER_BUILDKIT": "0"})
            classic.run("build", "--tag", name, context)
            classic.run("push", name)
            return
        environment = {**os.environ, **self.environment}
        options = ["--format=docker", "--identity-label=false", "--network=none", "--no-hosts"]
        run("buildah", "bud", *options, f"--tag={name}", str(context), environment=environment)
        run("buildah", "push", name, environment=environment)

    def bake(self) -> None:
        """Both profiles by `docker buildx bake`, as the folder is."""
        folder, prefix = self.folder / "baked", self.name("bake").removesuffix(":tp8")
        succeeds("bake", "--tp", "4", "--tp", "8", "--base", self.base, "-t", prefix, "-o", folder)
        run("docker", "buildx", "bake", "--push", environment={**os.environ, **self.environment}, folder=folder)


@pytest.fixture(scope="module", params=["base", pytest.param("debian_base", marks=pytest.mark.sweep)])
def bench(
    request: pytest.FixtureRequest,
    both: Mapping[str, str],
    remote_builder: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Bench:
    """A bench for a small base in Docker's media types, and for Debian in OCI's."""
    return Bench(request.getfixturevalue(request.param), both, remote_builder, tmp_path_factory.mktemp("rendered"))


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_builder_produces_the_same_content(builder: str, bench: Bench) -> None:
    assert bench.of(builder) == bench.of("embedded")
    assert config(bench.built[builder])["rootfs"] != config(bench.embedded)["rootfs"], "it is an image of its own"


@pytest.mark.parametrize("builder", ["embedded", *BUILDERS])
def test_the_bases_layers_and_history_are_an_equal_prefix(builder: str, bench: Bench) -> None:
    below = config(bench.base)
    above = config(bench.image(builder))
    height = len(below["rootfs"]["diff_ids"])
    assert above["rootfs"]["diff_ids"][:height] == below["rootfs"]["diff_ids"]
    assert len(above["rootfs"]["diff_ids"]) > height
    assert above["history"][: len(below["history"])] == below["history"]


@pytest.mark.parametrize("builder", PROVEN)
def test_every_builders_image_is_proven_from_recipe_and_base(builder: str, bench: Bench) -> None:
    with m2build.Session(platform="linux/amd64") as session:
        proven = session.verify(bench.image(builder), base=bench.base)
    assert proven.findings == ()
    assert proven.content == bench.of(builder)["digest"]


@pytest.mark.parametrize("builder", [*OURS, "bake"])
def test_the_time_of_the_image_is_the_plans(builder: str, bench: Bench) -> None:
    """Where m2build controls it; with the other builders, every build has another time."""
    assert config(bench.built[builder])["created"] == config(bench.embedded)["created"] == "1970-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def odd_base(base: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A base without its working directory, whose sources can also be reached through a link."""
    layer = tmp_path_factory.mktemp("odd") / "layer.tar"
    layer.write_bytes(tar(symlink("srv/link", "../sgl-workspace")))
    name = f"{base.rpartition('/')[0]}/odd:v1"
    run("crane", "append", f"--base={base}", f"--new_layer={layer}", f"--new_tag={name}")
    run("crane", "mutate", name, "--workdir=/absent/deep", f"--tag={name}")
    return name


@pytest.mark.parametrize("builder", sampled(EVERY, every=4))
def test_a_missing_workdir_and_a_linked_source_root_make_no_difference(
    builder: str, odd_base: str, both: Mapping[str, str], tmp_path: Path
) -> None:
    """Engines create the working directory, some to run a command, some at every step; so all images have it."""
    bench = Bench(odd_base, both, "", tmp_path)
    options = ["--tp", "8", "--base", odd_base, "--set", "base.source_root=/srv/link/sglang/python"]
    derived(both, *options, "-t", bench.name("odd-embedded"), "--push")
    content = bench.content(bench.pushed(builder, "odd", *options))
    assert content == bench.content(bench.name("odd-embedded"))
    assert [path for path in content["changed"] if path.startswith(("/absent", "/srv"))] == ["/absent", "/absent/deep"]


@pytest.mark.parametrize("builder", sampled(EVERY, every=4))
def test_sources_in_several_folders_are_the_same_in_every_builders_image(
    builder: str, base: str, both: Mapping[str, str], tmp_path: Path
) -> None:
    """m2build itself finds one of them by its marker; it is named where an engine builds the image."""
    (tmp_path / "layer.tar").write_bytes(tar(*two_roots.kernels()))
    wide = f"{base.rpartition('/')[0]}/wide:{builder}"
    run("crane", "append", f"--base={base}", f"--new_layer={tmp_path}/layer.tar", f"--new_tag={wide}")
    bench = Bench(wide, both, "", tmp_path)
    options = ["--tp", "8", "--base", wide, "--recipe", str(two_roots.recipe_file(tmp_path))]
    marked = ("--set", "sources.kernels.root=auto", "--set", f"sources.kernels.marker={two_roots.MARKER}")
    ours = bench.name(f"wide-embedded-{builder}")
    derived(both, *options, *marked, "-t", ours, "--push", said=f"m2build: found {two_roots.MARKER} in /")
    content = bench.content(bench.pushed(builder, "wide", *options))
    assert content == bench.content(ours)
    assert f"/{two_roots.PACKAGES}/kernels/ops.py" in content["changed"]
    assert "/opt/m2build/kernels/README" in content["changed"]
    if builder == "docker":  # in its store there are no layers to look at: the image is copied out
        run("docker", "pull", wide, environment={**os.environ, **both})
        stored = ["--tp", "8", "--base", f"docker-daemon:{wide}", "--recipe", str(tmp_path / "two.yaml"), *marked]
        lines = derived(both, *stored, "--engine", "docker", "--dry-run", said="m2build: found")
        assert f"sources     /{two_roots.PACKAGES} (kernels)" in lines


ODD = {
    "QUOTES": "a \"b\" 'c' `d`", "DOLLARS": "$HOME ${X:-y} $$ \\$X", "BACKSLASHES": "\\ \\\\ \\n \\", "EMPTY": "",
    "BLANKS": " \t a  b \t ", "MARKS": "# <<EOF & | ; * ? ~ {} [] = ! %", "UNICODE": "é 字 😀 \u2028 \u00a0",
}  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that sets everything, with values that a Dockerfile has to quote."""
    recipe = tmp_path_factory.mktemp("settings") / "settings.yaml"
    changes = {
        "extends": "minimax-m2",
        "env": ODD,
        "labels": {f"com.example.{name.lower()}": value for name, value in ODD.items()},
        "workdir": "/absent/a $b 'c' \"d\" é",
        "profiles": {"tp8": {"env": {"PROFILE": "8", "QUOTES": "'"}, "user": "1000:1001"}},
    }
    recipe.write_text(yaml.safe_dump(changes, sort_keys=False))
    return recipe


@pytest.fixture(
    scope="module",
    params=[("EMPTY=full", "LAST=1"), pytest.param(("LAST=1", "EMPTY=full"), marks=pytest.mark.sweep)],
    ids=["first", "last"],
)
def busy_base(base: str, request: pytest.FixtureRequest) -> str:
    """A base with variables, one of which the recipe sets as well, and with a user of its own.

    crane writes several variables of one call in any order, so each gets a call.
    """
    name = f"{base.rpartition('/')[0]}/busy:{request.param[0].partition('=')[0].lower()}"
    run("crane", "mutate", base, "--user=7:7", "--workdir=/opt", f"--tag={name}")
    for variable in request.param:
        run("crane", "mutate", name, f"--env={variable}", f"--tag={name}")
    return name


@pytest.mark.parametrize("builder", sampled(EVERY, every=4))
def test_settings_of_any_value_are_the_same_in_every_builders_image(
    builder: str, settings: Path, busy_base: str, both: Mapping[str, str], tmp_path: Path
) -> None:
    bench = Bench(busy_base, both, "", tmp_path)
    options = ["--tp", "8", "--base", busy_base, "--recipe", str(settings), "--env", "FROM_HERE= x "]
    ours = f"settings-{busy_base.rpartition(':')[2]}"
    derived(both, *options, "-t", bench.name(ours), "--push")
    content = bench.content(bench.pushed(builder, ours, *options))
    assert content == bench.content(bench.name(ours))
    assert {**ODD, "QUOTES": "'", "PROFILE": "8", "FROM_HERE": " x "}.items() <= dict(
        variable.split("=", 1) for variable in content["runtime"]["Env"]
    ).items()
    assert content["runtime"]["User"] == "1000:1001"
    assert content["changed"]["/absent"] == {"kind": "folder", "mode": "0755", "owner": "0:0"}


@pytest.mark.parametrize("builder", sampled(["docker", "podman"], every=2))
def test_an_image_without_patches_is_the_same_from_every_builder(builder: str, bench: Bench) -> None:
    options = ["--profile", "tp8ep8", "--recipe", "minimax-m2.5", "--base", bench.base]
    said = "m2build: no byte of the sources changes: the series is sglang-stock, and it has no patches"
    names = [bench.name("stock"), bench.name(f"stock-{builder}")]
    derived(bench.environment, *options, "-t", names[0], "--push", said=said)
    derived(bench.environment, *options, "-t", names[1], "--push", OURS[builder], said=said)
    content = bench.content(names[0])
    assert content == bench.content(names[1])
    assert all(path.startswith("/opt") for path in content["changed"])


def test_another_plan_has_another_content(bench: Bench) -> None:
    name = bench.name("embedded", "tp4")
    derived(bench.environment, "--tp", "4", "--base", bench.base, "-t", name, "--push")
    four, eight = bench.content(name), bench.of("embedded")
    assert four["digest"] != eight["digest"]
    assert four["changed"] == eight["changed"], "the profiles share every file"


@pytest.mark.parametrize(
    ("engine", "place"),
    [
        ("docker", "docker-daemon:kept/{1}:tp8"),
        pytest.param("docker", "oci-archive:{}/out.tar", marks=pytest.mark.sweep),
        pytest.param("docker", "docker-archive:{}/out.tar", marks=pytest.mark.sweep),
        ("podman", "containers-storage:localhost/kept/{1}:tp8"),
        pytest.param("podman", "oci:{}/out", marks=pytest.mark.sweep),
    ],
)
def test_an_engine_gives_the_same_content_in_every_place(engine: str, place: str, bench: Bench, tmp_path: Path) -> None:
    """In its own store, and in layouts and archives."""
    where = place.format(tmp_path, secrets.token_hex(4))
    derived(bench.environment, "--tp", "8", "--base", bench.base, f"--engine={engine}", "-o", where)
    assert bench.content(where) == bench.of("embedded")
    done = m2build_command("verify", where, "--base", bench.base, environment=bench.environment)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
