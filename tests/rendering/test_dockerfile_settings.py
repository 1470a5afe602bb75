"""Settings of any value: the Dockerfile, as BuildKit reads it, comes to the embedded engine's config."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest
from helpers.bases import base_image
from helpers.rendering.dockerfiles import complaints, instructions, labels_of, only, plan_for, unquoted
from helpers.support import in_shares
from hypothesis import example, given, settings
from hypothesis import strategies as st

from m2build.derivation.config import derive_config
from m2build.derivation.plan import Plan
from m2build.oci.digest import Digest
from m2build.recipes.settings import Settings
from m2build.rendering.context import render

BASE = base_image(
    config={
        "Env": ["PATH=/usr/bin:/bin", "A=of the base", "B=2"], "User": "app", "WorkingDir": "/opt",
        "Labels": {"maintainer": "x", "a": "b"}, "Shell": ["/bin/bash", "-c"],
    }
)  # fmt: skip
PLAN = plan_for(BASE)
CONTROL = {*map(chr, (*range(32), *range(127, 160)))} - {"\t"}
SNIPPETS = [
    "$HOME",
    "${X:-y}",
    "\\n",
    "\\\\",
    '"',
    "'",
    "`id`",
    " # x",
    "<<EOF",
    "=",
    " ",
    "\t",
    "\u2028",
    "é",
    "字",
    "😀",
]
VALUES = st.lists(
    st.one_of(st.sampled_from(SNIPPETS), st.characters(codec="utf-8", exclude_characters=CONTROL)),
    max_size=8,
).map("".join)
FOLDERS = VALUES.map(lambda text: "/" + text.replace("/", "").replace("\t", "").replace(".", "")).map(
    lambda path: path if path == "/" or path.strip("/") else "/x"
)


def with_settings(plan: Plan, given: Settings) -> Plan:
    return replace(plan, selection=replace(plan.selection, given=given))


def built(plan: Plan) -> dict[str, Any]:
    config = derive_config(plan, Digest.of(b"")).document()["config"]
    assert isinstance(config, dict)
    return config


def words_of(parsed: list[Any], kind: str) -> list[tuple[str, str]]:
    words = [unquoted(word) for instruction in parsed if instruction.cmd == kind for word in instruction.value]
    return list(zip(words[::2], words[1::2], strict=True))


@in_shares(20)
@settings(max_examples=12, deadline=None)
@given(
    env=st.dictionaries(st.sampled_from(["A", "B", "X", "_y", "PATH"]), VALUES, max_size=4),
    labels=st.dictionaries(st.sampled_from(["a", "maintainer", "com.example/x"]), VALUES, max_size=3),
    workdir=FOLDERS | st.none(),
    user=st.sampled_from([None, "0", "app", "1000:1001", "www-data:staff"]),
)
@example(env={"A": "\\"}, labels={"a": '"'}, workdir="/a \\", user="0")
@example(env={"A": "", "X": " "}, labels={"a": ""}, workdir="/$a '\"`", user=None)
def test_any_settings_come_out_as_the_embedded_engine_sets_them(
    share: int, env: dict[str, str], labels: dict[str, str], workdir: str | None, user: str | None
) -> None:
    plan = with_settings(PLAN, Settings.model_construct(env=env, labels=labels, workdir=workdir, user=user))
    parsed, config = instructions(render(plan)), built(plan)
    assert words_of(parsed, "ENV") == list(env.items())
    given_env = dict(variable.split("=", 1) for variable in BASE.config.variables) | env
    assert dict(variable.split("=", 1) for variable in config["Env"]) == given_env
    kept = {key: value for key, value in labels_of(parsed).items() if value}
    inherited = {key: value for key, value in BASE.config.labels.items() if key not in labels_of(parsed)}
    assert kept | inherited == {key: value for key, value in config["Labels"].items() if value}
    places = [instruction.original.partition(" ")[2] for instruction in parsed if instruction.cmd == "WORKDIR"]
    assert [unquoted(place) for place in places] == ([workdir] if workdir else [])
    assert config["WorkingDir"] == (workdir or "/opt")
    assert [only_user for only_user in parsed if only_user.cmd == "USER"][-1].value == (user or "app",)
    assert config["User"] == (user or "app")


def test_variables_are_set_after_the_last_step_that_runs_and_folders_are_made_by_root() -> None:
    """LD_PRELOAD or PATH would decide what the patches are applied with."""
    plan = with_settings(PLAN, Settings(env={"PATH": "/nowhere"}, workdir="/a b", user="7"))
    parsed = instructions(render(plan))
    order = [instruction.cmd for instruction in parsed]
    assert order == [
        "FROM", "LABEL", "COPY", "SHELL", "USER", "RUN", "USER", "SHELL", "WORKDIR", "ENV", "LABEL", "LABEL",
        "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD",
    ]  # fmt: skip
    assert "mkdir -p '/a b';" in only(parsed, "RUN").value[0]


@pytest.mark.parametrize("user", ["0", "root", "1000:1000", "app", None])
def test_hadolint_reports_nothing(user: str | None) -> None:
    given = Settings(env={"A": "1"}, labels={"x": "y"}, annotations={"x": "a 'b'"}, workdir="/a b", user=user)
    assert complaints(render(with_settings(PLAN, given))) == ""


def test_annotations_are_named_for_the_build() -> None:
    text = render(with_settings(PLAN, Settings(annotations={"com.example.a": "it's $x"}))).dockerfile
    (line,) = [line for line in text.splitlines() if "--annotation" in line]
    assert line.startswith("# ")
    assert shlex.split(line.partition("--annotation ")[2]) == ["com.example.a=it's $x"]


def test_without_settings_the_dockerfile_has_no_line_more() -> None:
    kinds = {instruction.cmd for instruction in instructions(render(plan_for()))}
    assert kinds.isdisjoint({"ENV", "WORKDIR", "USER"})
    assert "annotation" not in render(plan_for()).dockerfile
