"""Which engine builds, and the messages about those that cannot: what was found, what is needed, how to get it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.engines.programs import OLD_DOCKER, script
from helpers.kept_progress import Kept

from m2build.engines.choice import EngineRequest, choose_engine
from m2build.engines.docker import Docker
from m2build.engines.model import Engine, Order
from m2build.engines.podman import Podman
from m2build.errors import EngineError
from m2build.places.place import Place, PlaceKind
from m2build.programs.program import Program
from m2build.progress import Silent

NEW = OLD_DOCKER.replace("20.10.24+dfsg1", "28.5.2")
VERSION, BUILDX = "version*", "buildx' 'version"
BUILDX_29 = (BUILDX, "echo github.com/docker/buildx 0.29.1 abc")
REGISTRY = Place.parse("registry.example/sglang:v1")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a shell and nothing else; programs can be added."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "sh").symlink_to("/bin/sh")
    (tmp_path / "sleep").symlink_to("/bin/sleep")
    return tmp_path


def problem(engine: Engine) -> tuple[str, str]:
    with pytest.raises(EngineError) as caught:
        engine.probe()
    return str(caught.value), str(caught.value.hint)


def test_an_engine_that_is_not_installed(programs: Path) -> None:
    for engine, site in ((Docker(), "docs.docker.com/engine/install"), (Podman(), "podman.io/docs/installation")):
        message, hint = problem(engine)
        assert message == f"{engine.name} is not installed: no command {engine.name} on PATH"
        assert site in hint


def test_a_daemon_that_does_not_answer(programs: Path) -> None:
    script(programs, "docker", (VERSION, "echo '{\"Server\":null}'; echo 'Cannot connect to the daemon' >&2; exit 1"))
    message, hint = problem(Docker())
    assert "does not answer" in message
    assert "Cannot connect to the daemon" in message
    assert "systemctl start docker" in hint
    assert "DOCKER_HOST" in hint


@pytest.mark.parametrize(
    "said",
    [
        "permission denied while trying to connect to the docker API at unix:///run/user/docker.sock",
        "permission denied while trying to connect to the Docker daemon socket at unix:///run/user/docker.sock: Get",
    ],
)
def test_a_socket_that_may_not_be_used(said: str, programs: Path) -> None:
    script(programs, "docker", (VERSION, f"echo '{said}' >&2; exit 1"))
    message, hint = problem(Docker())
    assert message == "you have no permission to use Docker's socket /run/user/docker.sock"
    assert "group docker" in hint


def test_a_docker_that_is_too_old(programs: Path) -> None:
    script(programs, "docker", (VERSION, f"echo '{OLD_DOCKER}'"), BUILDX_29)
    message, hint = problem(Docker())
    assert "docker 20.10.24+dfsg1 is too old: 23.0 or newer is needed" in message
    assert "SOURCE_DATE_EPOCH" in message
    assert "docs.docker.com" in hint


def test_a_docker_without_buildx_or_with_an_old_one(programs: Path) -> None:
    script(
        programs,
        "docker",
        (VERSION, f"echo '{NEW}'"),
        (BUILDX, "echo \"docker: 'buildx' is not a command\" >&2; exit 1"),
    )
    message, hint = problem(Docker())
    assert "docker has no buildx" in message
    assert "github.com/docker/buildx" in hint
    script(programs, "docker", (VERSION, f"echo '{NEW}'"), (BUILDX, "echo github.com/docker/buildx v0.8.2 6224def"))
    assert "docker's buildx v0.8.2 is too old: 0.10 or newer" in problem(Docker())[0]


def test_a_builder_that_does_not_exist(programs: Path) -> None:
    missing = ("buildx' 'inspect*", "echo 'ERROR: no builder \"fleet\" found' >&2; exit 1")
    script(programs, "docker", BUILDX_29, missing)
    message, hint = problem(Docker("fleet", needs_daemon=False))
    assert (
        message == 'the builder fleet cannot be used: `docker buildx inspect` failed: ERROR: no builder "fleet" found'
    )
    assert "docker buildx ls" in hint


def test_a_builder_elsewhere_needs_no_daemon(programs: Path) -> None:
    script(programs, "docker", BUILDX_29, ("buildx' 'inspect*", "echo Name: fleet"))
    assert Docker("fleet", needs_daemon=False).probe() == "buildx 0.29.1, the builder fleet"


def test_a_docker_command_that_is_podman(programs: Path) -> None:
    """As in Debian's package podman-docker; m2build then uses it as podman."""
    podman = ((VERSION, 'echo \'{"Client":{"Version":"4.3.1"}}\''), (BUILDX, "echo buildah 1.28.2"))
    script(programs, "docker", *podman)
    script(programs, "podman", *podman)
    message, hint = problem(Docker())
    assert "the command docker is not Docker: its version lists no server" in message
    assert "--engine podman" in hint
    assert choose() == "podman"


def test_a_version_that_is_not_a_number_is_accepted(programs: Path) -> None:
    script(
        programs, "docker", (VERSION, f"echo '{NEW.replace('28.5.2', 'dev')}'"), (BUILDX, "echo buildx v0.0.0+unknown")
    )
    assert Docker().probe() == "docker dev, buildx v0.0.0+unknown"


def test_an_old_podman(programs: Path) -> None:
    script(programs, "podman", (VERSION, 'echo \'{"Client":{"Version":"3.0.1"}}\''))
    assert "podman 3.0.1 is too old: 4.0 or newer" in problem(Podman())[0]


def test_an_engine_that_never_answers_is_not_waited_for(programs: Path) -> None:
    script(programs, "docker", (VERSION, "exec sleep 60"))
    with pytest.raises(EngineError, match="did not answer within"):
        Program("docker").ask("version", seconds=0.2)


def chosen(base: str = "registry.example/sglang:v1", place: str | None = None, *, load: bool = False) -> list[str]:
    """The engine, and the notices about those that were passed over."""
    request = EngineRequest(None, None, Place.parse(place) if place else None, load, Place.parse(base))
    noticed = Kept()
    engine = choose_engine(request, noticed)
    return [engine.name, *noticed.notices]


def choose(place: str | None = None, *, base: str = "registry.example/sglang:v1", load: bool = False) -> str:
    return chosen(base, place, load=load)[0]


NO_DOCKER = "docker is not installed: no command docker on PATH; building without it"
NO_PODMAN = "podman is not installed: no command podman on PATH; building without it"


def test_an_engine_that_is_passed_over_is_reported_with_the_reason(programs: Path) -> None:
    assert chosen() == ["embedded", NO_DOCKER, NO_PODMAN]
    assert chosen("containers-storage:x:y") == ["embedded", NO_PODMAN]
    assert chosen("dir:x") == ["embedded", "no container engine can pull dir:x; building without it"]
    script(programs, "docker", (VERSION, "echo 'permission denied to connect at unix:///d.sock' >&2; exit 1"))
    assert chosen()[1:] == ["you have no permission to use Docker's socket /d.sock; building without it", NO_PODMAN]
    script(programs, "docker", (VERSION, "echo 'Cannot connect to the Docker daemon' >&2; exit 1"))
    assert chosen()[1].startswith("the docker daemon does not answer: `docker version --format={{json .}}` failed: C")
    script(programs, "docker", (VERSION, f"echo '{OLD_DOCKER}'"))
    script(programs, "podman", (VERSION, 'echo \'{"Client":{"Version":"4.3.1"}}\''))
    engine, why = chosen()
    assert engine == "podman"
    assert why.startswith("docker 20.10.24+dfsg1 is too old: 23.0 or newer is needed, for a BuildKit that")


def test_engines_are_not_mentioned_if_none_was_expected(programs: Path) -> None:
    assert chosen(place="oci:out") == ["embedded"]
    script(programs, "docker", (VERSION, f"echo '{NEW}'"), BUILDX_29)
    assert chosen() == ["docker"]


def test_docker_comes_before_podman_and_podman_before_none(programs: Path) -> None:
    assert choose() == "embedded"
    script(programs, "podman", (VERSION, 'echo \'{"Client":{"Version":"4.3.1"}}\''))
    assert choose() == "podman"
    script(programs, "docker", (VERSION, f"echo '{OLD_DOCKER}'"))
    assert choose() == "podman", "a docker that is too old is passed over"
    script(programs, "docker", (VERSION, f"echo '{NEW}'"), BUILDX_29)
    assert choose() == choose(load=True) == "docker"


def test_the_embedded_engine_builds_for_explicit_destinations_except_stores(programs: Path) -> None:
    script(programs, "podman", (VERSION, 'echo \'{"Client":{"Version":"4.3.1"}}\''))
    script(programs, "docker", (VERSION, f"echo '{NEW}'"), BUILDX_29)
    for place in ("oci:out", "oci-archive:out.tar", "docker-archive:out.tar", "registry.example/x:y"):
        assert choose(place) == "embedded"
    assert choose("docker-daemon:x:y") == "docker"
    assert choose("containers-storage:x:y") == "podman"


def test_a_base_in_an_engines_store_is_built_by_that_engine(programs: Path) -> None:
    script(programs, "podman", (VERSION, 'echo \'{"Client":{"Version":"4.3.1"}}\''))
    script(programs, "docker", (VERSION, f"echo '{NEW}'"), BUILDX_29)
    assert choose(base="containers-storage:x:y") == "podman"
    assert choose(base="docker-daemon:x:y") == "docker"
    assert choose(base="pypi:sglang==0.5.7") == choose(base="oci:sglang") == "embedded"


def test_to_load_without_any_engine_names_what_is_missing(programs: Path) -> None:
    with pytest.raises(EngineError) as caught:
        choose(load=True)
    assert "docker is not installed" in str(caught.value)
    assert "podman is not installed" in str(caught.value)


def test_a_program_whose_output_is_no_longer_read_is_ended(programs: Path) -> None:
    script(programs, "docker", ("build", "echo $$; exec sleep 60"))
    lines = Program("docker").lines("build")
    process = int(next(lines))
    lines.close()  # type: ignore[attr-defined]  # a generator
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_docker_that_writes_no_metadata(programs: Path, tmp_path: Path) -> None:
    """Nothing is guessed, by a tag or otherwise."""
    script(programs, "docker", ("buildx' 'build*", "exit 0"))
    order = Order(Place(PlaceKind.DOCKER_DAEMON, "a:b"), "a:b", "linux/amd64", 0)
    with pytest.raises(EngineError, match="its metadata file is missing"):
        Docker().build(tmp_path, order, Silent())
