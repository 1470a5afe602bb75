"""The instructions of a rendered Dockerfile, as other tools read them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import Any

import pytest
from helpers.bases import base_image
from helpers.rendering.dockerfiles import NAME, complaints, instructions, labels_of, only, plan_for, unquoted
from helpers.support import need_tool, sampled

from m2build import labels
from m2build.derivation.image import build
from m2build.derivation.plan import Plan
from m2build.oci.image import Image
from m2build.oci.media_types import DOCKER
from m2build.rendering.context import render

BASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "empty": {"config": {}},
    "busy": {
        "config": {
            "User": "app:staff", "Shell": ["/bin/bash", "-o", "pipefail", "-c"], "Cmd": ["/bin/bash"],
            "ExposedPorts": {"22/tcp": {}}, "Volumes": {"/data": {}, "/sgl": {}}, "WorkingDir": "/w",
            "Labels": {**dict.fromkeys((*labels.DROPPED, *labels.KEPT), "base"), "dev.m2build.old": "x", "a": "b"},
        }
    },
}  # fmt: skip


def sample(which: str) -> Image:
    return base_image(DOCKER if which == "plain" else base_image().manifest.types, **BASES[which])


def runtime(plan: Plan) -> dict[str, Any]:
    found = json.loads(build(plan).config.raw)["config"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("profile", sampled(["tp4", "tp8"], every=2))
@pytest.mark.parametrize("which", BASES)
def test_hadolint_reports_nothing(which: str, profile: str) -> None:
    assert complaints(render(plan_for(sample(which), profile=profile))) == ""


def test_hadolint_would_report_the_waived_rule() -> None:
    """Without the waiver in the template, it reports the `cd`."""
    context = render(plan_for(sample("busy")))
    assert "DL3003" in complaints({"Dockerfile": context["Dockerfile"].replace(b"# hadolint ignore=DL3003", b"#")})


def test_shellcheck_accepts_the_script_as_posix() -> None:
    script = only(instructions(render(plan_for())), "RUN").value[0]
    command = [need_tool("shellcheck"), "--shell=sh", "--severity=style", "-"]
    run = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert run.stdout == ""
    assert run.returncode == 0


@pytest.mark.parametrize("profile", ["tp4", "tp8"])
@pytest.mark.parametrize("which", BASES)
def test_the_configuration_is_that_of_the_embedded_engine(which: str, profile: str) -> None:
    base = sample(which)
    plan = plan_for(base, profile=profile)
    parsed, expected = instructions(render(plan)), runtime(plan)
    assert list(only(parsed, "ENTRYPOINT").value) == expected["Entrypoint"]
    assert only(parsed, "ENTRYPOINT").json
    assert (list(only(parsed, "CMD").value), only(parsed, "CMD").json) == ([], True)
    inherited = BASES[which].get("config", {}).get("ExposedPorts", {})
    assert {*only(parsed, "EXPOSE").value} | inherited.keys() == expected["ExposedPorts"].keys()
    assert health_of(only(parsed, "HEALTHCHECK")) == expected["Healthcheck"]
    inherited = base.config.labels
    merged = {key: value for key, value in (inherited | labels_of(parsed)).items() if value}
    assert merged == expected["Labels"]


def health_of(instruction: Any) -> dict[str, Any]:
    """The `Healthcheck` of a config; Go's durations are in nanoseconds there."""
    assert instruction.json
    names = {"interval": "Interval", "timeout": "Timeout", "start-period": "StartPeriod"}
    found: dict[str, Any] = {"Test": list(instruction.value), "StartPeriod": 0}
    for flag in instruction.flags:
        key, value = flag.removeprefix("--").split("=")
        if key == "retries":
            found["Retries"] = int(value)
        else:
            assert value.endswith("s")
            assert value != "0s"  # not every parser takes it
            found[names[key]] = int(value[:-1]) * 10**9
    return found


def test_only_labels_of_the_base_are_emptied() -> None:
    own = labels_of(instructions(render(plan_for(sample("empty")))))
    assert "" not in own.values()
    busy = labels_of(instructions(render(plan_for(sample("busy")))))
    emptied = {key for key, value in busy.items() if not value}
    assert emptied == {*labels.DROPPED, "dev.m2build.old"} - own.keys()
    assert busy.keys() - own.keys() == emptied


def test_a_start_period_of_none_is_left_out() -> None:
    plan = plan_for()
    health = plan.selection.recipe.health.model_copy(update={"start_period": 0})
    recipe = plan.selection.recipe.model_copy(update={"health": health})
    plan = replace(plan, selection=replace(plan.selection, recipe=recipe))
    assert health_of(only(instructions(render(plan)), "HEALTHCHECK")) == runtime(plan)["Healthcheck"]


def test_the_base_is_pinned_to_its_manifest() -> None:
    """With an index's digest, an engine on another architecture would use another image."""
    plan = plan_for()
    parsed = instructions(render(replace(plan, base=replace(plan.base, digest=plan.digest))))
    assert only(parsed, "FROM").value == (f"{NAME}@{plan.base.manifest_digest}",)
    untagged = replace(plan, base=replace(plan.base, name="docker.io/lmsysorg/sglang"))
    expected = f"docker.io/lmsysorg/sglang@{plan.base.manifest_digest}"
    assert only(instructions(render(untagged)), "FROM").value == (expected,)


def test_the_build_is_one_copy_and_one_run_and_leaves_user_and_shell_as_they_were() -> None:
    plain = [instruction.cmd for instruction in instructions(render(plan_for()))]
    assert plain == ["FROM", "LABEL", "COPY", "RUN", "LABEL", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"]
    parsed = instructions(render(plan_for(sample("busy"))))
    around = [(instruction.cmd, instruction.value) for instruction in parsed if instruction.cmd in {"USER", "SHELL"}]
    config = BASES["busy"]["config"]
    assert around[:2] == [("SHELL", ("/bin/sh", "-c")), ("USER", ("0:0",))]
    assert around[2:] == [("USER", (config["User"],)), ("SHELL", tuple(config["Shell"]))]
    assert [instruction.cmd for instruction in parsed][3:8] == ["SHELL", "USER", "RUN", "USER", "SHELL"]


def test_only_the_base_is_downloaded() -> None:
    context = render(plan_for(sample("busy")))
    parsed = instructions(context)
    assert {instruction.cmd for instruction in parsed}.isdisjoint({"ADD", "ARG", "ENV"})
    assert not context["Dockerfile"].lower().startswith((b"# syntax", b"#syntax", b"# escape", b"# check"))
    copy = only(parsed, "COPY")
    assert (copy.flags, copy.value) == (("--chown=0:0",), ("account/", "/opt/m2build/"))


def test_the_unquoting_helper_sees_variables() -> None:
    assert unquoted('\'a\\$b\'"c\\"\\\\\\$d\\e"f\\ g') == 'a\\$bc"\\$d\\ef g'
    with pytest.raises(AssertionError, match="taken for a variable"):
        unquoted('"a $HOME"')
