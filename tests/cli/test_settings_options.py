"""`--env`, `--label` and `--annotation`, spelled as docker and buildx spell them."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from helpers.bases import base_image
from helpers.cli.checkouts import store
from helpers.commands import m2build, refused, succeeds

from m2build.cli.settings import Given, setting
from m2build.errors import UsageError
from m2build.oci.media_types import DOCKER
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent


def given(*words: str) -> Given:
    """What a command gets."""

    @click.command()
    @setting
    def command(given: Given) -> None:
        found.append(given)

    found: list[Given] = []
    command.main(list(words), standalone_mode=False)
    return found[0]


def test_each_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_HERE", "a=b ")
    words = ["--env", "A=1", "--env", "FROM_HERE", "--env=E=", "--label", "l=a=b", "--label", "empty"]
    words += ["--annotation", "x.y=1", "--annotation", "manifest:z=a:b=c", "--env", "A=2"]
    assert given(*words) == {
        "env": {"A": "2", "FROM_HERE": "a=b ", "E": ""},
        "labels": {"l": "a=b", "empty": ""},
        "annotations": {"x.y": "1", "z": "a:b=c"},
    }
    assert given() == {"env": {}, "labels": {}, "annotations": {}}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--annotation", "index:a=geheim"], "the level index cannot be annotated here: an image has no index"),
        (["--annotation", "manifest,index:a=geheim"], "the level index cannot"),
        (["--annotation", "manifest-descriptor:a=geheim"], "it belongs to the index that lists the image"),
        (["--annotation", "index-descriptor:a=geheim"], "the level index-descriptor cannot"),
        (["--annotation", "manifest[linux/amd64]:a=geheim"], "an image has one platform, which --platform chooses"),
        (["--annotation", "manifst:a=geheim"], "there is no level 'manifst'; did you mean 'manifest'?"),
        (["--annotation", "a.b"], "--annotation 'a.b' has no value"),
        (["--env", "NOT_SET_HERE"], "--env 'NOT_SET_HERE' has no value, and there is no such variable here"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_without_the_value(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        given(*words)
    assert message in str(caught.value)
    assert caught.value.hint
    assert "geheim" not in f"{caught.value} {caught.value.hint}"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settings")
    store(f"oci:{folder}/base:base")
    return folder


def test_an_image_has_them_and_inspect_shows_them(workshop: Path) -> None:
    words = ["--tp", "4", "--tp", "8", "--base", "oci:base:base", "-o", "oci:out", "--env", "HF_HOME=/a b"]
    words += ["--label", "com.example.team=x", "--annotation", "com.example.run=7", "--set", "profiles.tp8.user=7:70"]
    succeeds("image", *words, cwd=workshop)
    lines = succeeds("inspect", "oci:out:tp8", cwd=workshop).splitlines()
    shown = [
        "env         HF_HOME=/a b",
        "label       com.example.team=x",
        "annotation  com.example.run=7",
        "user        7:70",
    ]
    assert [line for line in lines if line in shown] == shown
    assert not [line for line in lines if line.startswith("label       dev.m2build")]
    document = json.loads(succeeds("inspect", "--json", "oci:out:tp4", cwd=workshop))["settings"]
    assert document["env"]["HF_HOME"] == "/a b"
    assert document["labels"]["com.example.team"] == "x"
    assert document["annotations"]["com.example.run"] == "7"
    assert "user" not in document


def test_render_and_bake_take_them_too(workshop: Path) -> None:
    source = ["--unpinned", "--source", "pypi:sglang==0.5.7", "--env", "A=$x", "--label", "l=1", "--annotation", "a=2"]
    succeeds("render", "--tp", "8", *source, "-o", "context", cwd=workshop)
    text = (workshop / "context" / "Dockerfile").read_text()
    assert '    A="\\$x"\n' in text
    assert '"l"="1"' in text
    succeeds("bake", "--tp", "8", *source, "-o", "baked", cwd=workshop)
    (image,) = json.loads((workshop / "baked" / "docker-bake.json").read_text())["target"]["images"]["matrix"]["image"]
    assert image["labels"]["l"] == "1"
    assert "manifest,manifest-descriptor:a=2" in image["annotations"]


def test_recipe_show_tells_settings_as_json() -> None:
    document = json.loads(succeeds("recipe", "show", "--tp", "8", "--json", "--set", "env.A=1"))
    assert document["env"] == {"A": "1"}


def test_a_credential_stops_the_command_before_anything_is_read(workshop: Path) -> None:
    told = refused(2, "image", "--tp", "8", "--base", "oci:nowhere", "--env", "HF_TOKEN=geheim", cwd=workshop)
    assert "env.HF_TOKEN: looks like a credential, as its name ends in TOKEN" in told
    assert "geheim" not in told


def test_annotations_that_a_base_of_dockers_kind_cannot_take_are_noticed(tmp_path: Path) -> None:
    write_image(
        base_image(DOCKER),
        Place.parse(f"oci:{tmp_path}/base:v1"),
        tag="",
        reference="",
        replace=False,
        progress=Silent(),
    )
    done = m2build("image", "--tp", "8", "--base", "oci:base:v1", "-o", "oci:out", "--annotation", "a=1", cwd=tmp_path)
    assert done.returncode == 0
    assert "the image gets no annotations (a)" in done.stderr
    done = m2build("image", "--tp", "8", "--base", "oci:base:v1", "-o", "oci:out2", cwd=tmp_path)
    assert done.stderr == ""
