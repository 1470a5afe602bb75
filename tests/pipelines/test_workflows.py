"""The workflows of `m2build ci`: valid by the platforms' own schemas, and their scripts do what they say."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from helpers.bases import base_image
from helpers.cli.command_tree import find
from helpers.pipelines.jobs import Machine, documents, evaluated, scripts
from helpers.pipelines.schemas import actionlint, problems, shellcheck, tekton, vendored
from helpers.registry.http_servers import QuietHandler, host_of, serving_with
from helpers.registry.registries import docker_registry, tag_digest, upload

import m2build
from m2build import locking, pipelines
from m2build.base.model import Base
from m2build.errors import UsageError
from m2build.pipelines import Pipeline, Platform, render_pipeline
from m2build.pipelines.pins import PINS

PLAIN = Pipeline(
    names=("ghcr.io/team/m2:{profile}",),
    profiles=("tp4", "tp8"),
    models=("minimax-m2.1",),
    releases=("sglang>0.5.7",),
)
FULL = replace(
    PLAIN,
    names=("registry.example:5000/m2:{base_tag}-{profile}", "docker.io/team/m2:{profile}"),
    releases=("sglang>0.5.7", "vllm>=0.9,<1"),
    recipe="recipes/it's mine.yaml",
    overrides=("profiles.tp8.flags.port=9000", 'summary="a # b"'),
    lock="recipes/m2build.lock",
    base="registry.example:5000/sglang:v0.5.7",
    signer="cosign:env://COSIGN_PRIVATE_KEY",
    key="keys/cosign.pub",
    max_transfer="20GB",
    tag_policy="refuse",
    image="registry.example:5000/ci:1",
)
KEYLESS = replace(PLAIN, signer="cosign:keyless", image="registry.example:5000/ci:1")
STOCK = replace(PLAIN, releases=())
ODD = replace(
    FULL,
    names=("127.0.0.1:5000/m2:{profile}", "github.example/m2"),
    releases=("sglang",),
    recipe="recipes/it's $5, `x` 🚀 %% @{ x }@.yaml",
    lock='..locks/$HOME "🚀".lock',
    requirement="m2build # $CI_JOB_TOKEN 🚀",
)
VARIANTS = {"odd": ODD, "plain": PLAIN, "full": FULL, "keyless": KEYLESS, "stock": STOCK}
every_variant = pytest.mark.parametrize("variant", VARIANTS)


def jobs(pipeline: Pipeline, platform: Platform) -> dict[str, list[str]]:
    """The scripts of each job, by its name."""
    found = documents(render_pipeline(pipeline, platform))
    if platform == Platform.TEKTON:
        return {one["metadata"]["name"]: list(scripts(one)) for one in found if one["kind"] == "Task"}
    (document,) = found
    parts = document["jobs"] if platform == Platform.GITHUB else document
    return {name: list(scripts(part)) for name, part in parts.items()}


def github(pipeline: Pipeline) -> dict[str, Any]:
    (document,) = documents(render_pipeline(pipeline, "github"))
    return document


@every_variant
def test_github_takes_the_workflow(variant: str, tmp_path: Path) -> None:
    text = render_pipeline(VARIANTS[variant], "github")
    (tmp_path / "m2build.yaml").write_text(text)
    assert actionlint(tmp_path / "m2build.yaml") == ""
    assert problems(vendored("github-workflows"), documents(text)[0]) == []


@every_variant
def test_gitlab_takes_the_pipeline(variant: str) -> None:
    (document,) = documents(render_pipeline(VARIANTS[variant], "gitlab"))
    assert problems(vendored("gitlab-ci"), document) == []


@every_variant
def test_tekton_takes_the_resources(variant: str) -> None:
    for document in documents(render_pipeline(VARIANTS[variant], "tekton")):
        assert document["apiVersion"] == "tekton.dev/v1"
        assert problems(tekton(document["kind"]), document) == []


def test_the_schemas_see_mistakes(tmp_path: Path) -> None:
    """So that the tests above cannot pass by looking at nothing."""
    text = render_pipeline(PLAIN, "github").replace("runs-on:", "run-on:", 1)
    (tmp_path / "m2build.yaml").write_text(text)
    assert "run-on" in actionlint(tmp_path / "m2build.yaml")
    assert problems(vendored("github-workflows"), documents(text)[0])
    gitlab = render_pipeline(PLAIN, "gitlab").replace("interruptible: false", "interruptible: never")
    assert problems(vendored("gitlab-ci"), documents(gitlab)[0])
    task = documents(render_pipeline(PLAIN, "tekton").replace("script: |", "scripts: |", 1))[0]
    assert problems(tekton("Task"), task)


@pytest.mark.parametrize("platform", Platform)
def test_every_script_stops_at_the_first_failure_and_shellcheck_finds_nothing(platform: Platform) -> None:
    found = [script for pipeline in (FULL, KEYLESS) for job in jobs(pipeline, platform).values() for script in job]
    lines = [[line for line in script.splitlines() if not line.startswith("#!")] for script in found]
    assert {each[0] for each in lines} == {"set -euo pipefail"}
    assert shellcheck("\n".join(f"job_{number}() {{\n{one}\n}}" for number, one in enumerate(found))) == ""


@pytest.mark.parametrize("platform", Platform)
def test_no_secret_is_in_an_argument(platform: Platform) -> None:
    """Secrets are in the environment and in files; the shell's own printf is no process."""
    for job in jobs(FULL, platform).values():
        for line in "\n".join(job).splitlines():
            if re.search(r"_PASSWORD|_TOKEN|PRIVATE_KEY\b", line) and "env://" not in line:
                assert line.strip().startswith(("login ", "printf ")), line


def test_actions_are_pinned_by_commit_with_the_version_beside_it() -> None:
    used = re.findall(r"uses: (.+)", render_pipeline(FULL, "github"))
    assert {re.split("@", line)[0] for line in used} == PINS.keys()
    assert [line for line in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_jobs_get_the_least_permissions() -> None:
    workflow = github(KEYLESS)
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "drift": {"contents": "read", "issues": "write"},
        "publish": {"contents": "read", "packages": "write", "id-token": "write"},
        "verify": {"contents": "read", "packages": "read"},
    }
    elsewhere = github(FULL)["jobs"]["publish"]["permissions"]
    assert elsewhere == {"contents": "read"}


@pytest.mark.parametrize("platform", Platform)
def test_a_requirement_reaches_the_job_as_it_is(platform: Platform) -> None:
    """GitLab puts variables into variables unless it is kept from it."""
    text = json.dumps(documents(render_pipeline(ODD, platform)), ensure_ascii=False)
    assert json.dumps(ODD.requirement, ensure_ascii=False) in text
    assert ('"expand": false' in text) == (platform == Platform.GITLAB)


@pytest.mark.parametrize("platform", Platform)
def test_what_is_given_reaches_the_commands_word_for_word(platform: Platform, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.program("m2build", 'printf "%s\\n" "$#" "$@" >> words; touch images.txt metadata.json')
    publish = "m2build-publish" if platform == Platform.TEKTON else "publish"
    script = jobs(FULL, platform)[publish][-1]
    command = script[script.index("m2build image") :].partition("\ncat images.txt")[0]
    assert machine.run(command).code == 0
    count, *words = (tmp_path / "words").read_text().splitlines()
    assert int(count) == len(words)
    assert words == [
        *("image", "--recipe", FULL.recipe, "--set", FULL.overrides[0], "--set", FULL.overrides[1]),
        *("--model", "minimax-m2.1", "--profile", "tp4", "--profile", "tp8", "--base", FULL.base),
        *("--lock", FULL.lock, "--locked", "-t", FULL.names[0], "-t", FULL.names[1]),
        *("--push", "--tag-policy", "refuse", "--max-transfer", "20GB"),
        *("--attest", "--sign", FULL.signer, "--metadata-file", "metadata.json"),
    ]


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize(("first", "second", "ends"), [(0, 0, 0), (0, 14, 0), (14, 0, 0), (8, 14, 8)])
def test_drift_is_no_failure_of_the_job_and_a_failure_is(
    platform: Platform, first: int, second: int, ends: int, tmp_path: Path
) -> None:
    """GitHub and GitLab open an issue; Tekton has none, so that there the task fails."""
    machine = Machine(tmp_path)
    machine.program("m2build", f'echo "page of $*"; case $* in *vllm*) exit {second} ;; *) exit {first} ;; esac')
    machine.program("curl", "cat > sent")
    for name in ("python3", "pip"):
        machine.program(name, "")
    name = "m2build-drift" if platform == Platform.TEKTON else "drift"
    script = jobs(FULL, platform)[name][1 if platform == Platform.GITHUB else 0]
    found = machine.run(script, {"REQUIREMENT": "m2build", "DRIFT_TOKEN": "t0ken", "CI_API_V4_URL": "http://none",
                                 "CI_PROJECT_ID": "1", "CI_PIPELINE_ID": "2"})  # fmt: skip
    drifted = 14 in (first, second) and not ends
    assert found.code == (14 if drifted and platform == Platform.TEKTON else ends), found.stderr
    if not ends:
        assert (tmp_path / "drift.md").read_text().count("page of") == 2
    match platform:
        case Platform.GITHUB if not ends:
            assert found.outputs["code"] == ("14" if drifted else "0")
            assert found.written["GITHUB_STEP_SUMMARY"].count("page of") == 2
        case Platform.GITLAB:
            assert (tmp_path / "sent").exists() == drifted


@pytest.mark.parametrize(("known", "expected"), [("", "create"), ("7", "edit 7")])
def test_github_keeps_one_issue(known: str, expected: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.program("gh", f'if [ "$2" = list ]; then printf %s "{known}"; fi')
    step = github(PLAIN)["jobs"]["drift"]["steps"][-1]
    assert machine.run(step["run"], evaluated(step["env"], {})).code == 0
    assert [call.partition(" --")[0] for call in machine.calls] == ["gh issue list", f"gh issue {expected}"]
    assert machine.calls[1].endswith("--body-file drift.md")


@pytest.fixture
def gitlab() -> Iterator[tuple[str, list[tuple[str, str | None, str]]]]:
    """GitLab's API for issues: its address, and what it got: path, token, body."""
    received: list[tuple[str, str | None, str]] = []

    class Handler(QuietHandler):
        def serve(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.path, self.headers["PRIVATE-TOKEN"], body))
            self.send_response_only(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving_with(Handler) as server:
        yield host_of(server), received


def test_gitlab_opens_an_issue_with_the_page(
    gitlab: tuple[str, list[tuple[str, str | None, str]]], tmp_path: Path
) -> None:
    """With the real curl; the token is in a header that no process has as an argument."""
    host, received = gitlab
    machine = Machine(tmp_path)
    machine.program("m2build", "printf '# Drift & more\\n- 100%% äö\\n'; exit 14")
    environment = {"DRIFT_TOKEN": "t0ken", "CI_API_V4_URL": f"http://{host}/api/v4", "CI_PROJECT_ID": "12",
                   "CI_PIPELINE_ID": "34"}  # fmt: skip
    (script,) = jobs(PLAIN, Platform.GITLAB)["drift"]
    found = machine.run(script, environment)
    assert (found.code, found.stderr) == (0, "")
    ((path, token, body),) = received
    assert (path, token) == ("/api/v4/projects/12/issues", "t0ken")
    assert parse_qs(body) == {
        "title": ["Newer releases differ from the lock, pipeline 34"],
        "description": ["# Drift & more\n- 100% äö\n"],
    }


def test_gitlab_logs_in_by_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.program("pip", "")
    secrets = {f"{host}_{kind}": f"{host} '\"\\ {kind}" for host in ("REGISTRY_EXAMPLE_5000", "DOCKER_IO")
               for kind in ("USERNAME", "PASSWORD")}  # fmt: skip
    (script,) = jobs(FULL, Platform.GITLAB)[".login"]
    found = machine.run(script, {"REQUIREMENT": "m2build", **secrets})
    assert (found.code, found.stdout) == (0, "")
    path = tmp_path / ".docker/config.json"
    assert path.stat().st_mode & 0o777 == 0o600
    found_in_file = json.loads(path.read_text())["auths"]
    assert {host: base64.b64decode(entry["auth"]).decode() for host, entry in found_in_file.items()} == {
        host: f"{secrets[f'{name}_USERNAME']}:{secrets[f'{name}_PASSWORD']}"
        for host, name in (
            ("registry.example:5000", "REGISTRY_EXAMPLE_5000"),
            ("https://index.docker.io/v1/", "DOCKER_IO"),
        )
    }


PENDING: tuple[str, ...] = ()
"""Options that `m2build image` gets elsewhere at this time: what it takes by itself must not be left out."""


def test_no_option_is_pending_without_need() -> None:
    known = {name for option in find(("image",)).params for name in option.opts}
    assert [option for option in PENDING if option in known] == [], "the workflow is run with it from now on"


def test_githubs_jobs_publish_and_verify(tmp_path: Path) -> None:
    """The real scripts, the real command and a real registry."""
    recipe, machine = m2build.load_recipe("minimax-m2"), Machine(tmp_path)
    (tmp_path / "registry").mkdir()
    with docker_registry(tmp_path / "registry") as host:
        upload(host, "team/sglang", base_image(), "rocm")
        base = f"{host}/team/sglang:rocm"
        with m2build.Session() as session:
            lock = session.lock([recipe.select(tp=8)], base)
        locking.write_lock(lock, tmp_path / "m2build.lock")
        pipeline = pipelines.pipeline_of(lock, Pipeline(names=(f"{host}/team/m2:{{profile}}",), base=base))
        workflow = github(pipeline)["jobs"]
        machine.real(without=PENDING)
        publish = machine.run(workflow["publish"]["steps"][-1]["run"])
        assert publish.code == 0, publish.stderr
        assert publish.stdout == f"{host}/team/m2@{tag_digest(host, 'team/m2', 'tp8')}\n"
        assert publish.outputs["images"] == publish.stdout.strip()
        assert json.loads(publish.outputs["metadata"]) == json.loads((tmp_path / "metadata.json").read_text())
        step = workflow["verify"]["steps"][-1]
        known = {"needs.publish.outputs.images": publish.outputs["images"]}
        verify = machine.run(step["run"], evaluated(step["env"], known))
        assert verify.code == 0, verify.stderr
        assert "proven   every difference" in verify.stdout


def test_what_is_left_empty_comes_from_the_lock() -> None:
    recipe = m2build.load_recipe("minimax-m2")
    tree = base_image()
    base = Base.of(tree, tree.manifest.digest, None)
    with m2build.Session() as session:
        lock = session.lock([recipe.select(tp=4), recipe.select(tp=8)], base)
    asked = Pipeline(names=("registry.example/m2",))
    found = pipelines.pipeline_of(lock, asked)
    assert (found.profiles, found.models, found.releases) == (("tp4", "tp8"), ("minimax-m2.1",), ("sglang>0.5.7",))
    assert pipelines.pipeline_of(lock, replace(asked, profiles=("tp8",), releases=("sglang",))).releases == ("sglang",)
    with pytest.raises(UsageError, match=r"the lock has no image of minimax-m2\.1 with profile tp2"):
        pipelines.pipeline_of(lock, replace(asked, profiles=("tp2",)))


@pytest.mark.parametrize("platform", Platform)
def test_one_image_that_is_not_proven_fails_the_job(platform: Platform, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.program("m2build", "case $2 in *bad*) exit 5 ;; esac")
    for name in ("python3", "pip"):
        machine.program(name, "")
    images = "r/m2@good\nr/m2@bad\nr/m2@other"
    (tmp_path / "images.txt").write_text(f"{images}\n")
    script = jobs(PLAIN, platform)["m2build-verify" if platform == Platform.TEKTON else "verify"][-1]
    found = machine.run(script, {"IMAGES": images, "REQUIREMENT": "m2build"})
    assert found.code == 5
    seen = [call for call in machine.calls if call.startswith("m2build verify")]
    assert [call.split()[2] for call in seen] == ["r/m2@good", "r/m2@bad"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"names": ("ghcr.io/m2:${{ github.sha }}",)}, "the platform would evaluate"),
        ({"base": "registry.example/$(params.x)"}, "the platform would evaluate"),
        ({"recipe": "a\nb"}, "is not on one line"),
        ({"names": ("ghcr.io/m2:{profil}",)}, "there is no field 'profil'"),
        ({"names": ()}, "publishes images under a name"),
        ({"lock": "/etc/m2build.lock"}, "is not in the repository"),
        ({"key": "../cosign.pub"}, "is not in the repository"),
        ({"lock": "recipes/../../m2build.lock"}, "is not in the repository"),
        ({"image": "a b"}, "'a b' is not an image reference"),
        ({"tag_policy": "keep"}, "there is no tag policy 'keep'"),
        ({"releases": ("sglang @ file:x",)}, "is not a name with a version specifier"),
        ({"names": ("a-b.example/m2", "a.b.example/m2")}, "would both have the secrets A_B_EXAMPLE_USERNAME"),
        ({"signer": "gpg:key"}, "'gpg:key' is not a signer"),
        ({"max_transfer": "a lot"}, "'a lot' is not a size"),
    ],
)
def test_what_a_workflow_cannot_hold_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        replace(PLAIN, **changes)  # type: ignore[arg-type]


def test_signing_needs_an_image_with_cosign() -> None:
    pipeline = replace(PLAIN, signer="cosign:keyless")
    assert "cosign-installer" in render_pipeline(pipeline, "github")
    with pytest.raises(UsageError, match="has no cosign"):
        render_pipeline(pipeline, "gitlab")
