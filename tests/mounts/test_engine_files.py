"""What is written for Docker, podman and Compose: the options, the Compose file, and the files that they mount."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.bases import ROOT
from helpers.images import Entry, file, folder
from helpers.mounts.compose import composed
from helpers.mounts.planned import FOLDER, NAME, adding, deleting, planned, written
from helpers.support import need_tool

from m2build.derivation.plan import Plan
from m2build.errors import UsageError
from m2build.mounts.render import render_mounts
from m2build.patches import Codemod, RenameModule, write_tree
from m2build.patches.codemods.replace_text import ReplaceText
from m2build.recipes.load import load_recipe

SCRIPT = b"#!/bin/sh\n"
FILES = {"pkg/__init__.py": b"", "pkg/a.py": b"x = 1\n", "pkg/old.py": b"y = 1\n"}
EDIT, DELETE = ReplaceText("pkg/a.py", "1", "2"), deleting("pkg/old.py", b"y = 1\n")
ODD = 'pkg/it\'s $5, a "name" $${X} é.py'


def mounted(plan: Plan) -> dict[str, str]:
    """The sources of the `--volume` options by their targets; a source in the folder is relative to it."""
    found = {}
    for line in written(plan, "volumes")["volumes.txt"].content.decode().splitlines():
        source, target, access = line.removeprefix("--volume=").split(":")
        assert access == "ro"
        found[target.removeprefix(f"/{ROOT}/")] = source.removeprefix(f"{FOLDER}/")
    return found


def at(path: str) -> str:
    return f"files/{ROOT}/{path}"


def bytecode(*names: str) -> list[Entry]:
    return [folder(f"{ROOT}/pkg/__pycache__"), *(file(f"{ROOT}/pkg/__pycache__/{name}", b"\x6f") for name in names)]


@pytest.mark.parametrize(
    ("codemods", "extra", "expected"),
    [
        ([EDIT], (), {"pkg/a.py": at("pkg/a.py")}),
        ([DELETE], (), {"pkg/old.py": "/dev/null"}),
        ([RenameModule("pkg.old", "pkg.new")], (), {"pkg/new.py": at("pkg/new.py"), "pkg/old.py": "/dev/null"}),
        ([adding("pkg/deep/er/new.py", b"")], (), {"pkg/deep/er/new.py": at("pkg/deep/er/new.py")}),
        ([adding(ODD, b"z")], (), {ODD: at(ODD)}),
        (
            [EDIT],
            bytecode("a.cpython-310.pyc", "old.cpython-310.pyc"),
            {
                "pkg/a.py": at("pkg/a.py"),
                "pkg/__pycache__/a.cpython-310.pyc": at("pkg/__pycache__/a.cpython-310.pyc"),
            },
        ),
        ([EDIT], bytecode("a.cpython-310.pyc"), {"pkg/a.py": at("pkg/a.py"), "pkg/__pycache__": "no-bytecode"}),
    ],
    ids=["edited", "deleted", "renamed", "in new folders", "odd name", "old bytecode", "nothing but old bytecode"],
)
def test_each_changed_path_has_one_mount(
    codemods: list[Codemod], extra: tuple[Entry, ...], expected: Mapping[str, str]
) -> None:
    assert mounted(planned(FILES, *codemods, extra=extra)) == expected


def test_the_mounted_files_are_those_of_the_change_and_everybody_can_read_them() -> None:
    """In the base they have mode 0640, and belong to a user who need not exist where they are mounted."""
    extra = bytecode("a.cpython-310.pyc", "old.cpython-310.pyc")
    files = written(planned(FILES, EDIT, adding("pkg/run.sh", SCRIPT, "0700"), extra=extra), "volumes")
    laid = {path: (one.content, one.mode) for path, one in files.items() if path.startswith("files/")}
    assert laid == {
        at("pkg/a.py"): (b"x = 2\n", 0o644),
        at("pkg/run.sh"): (SCRIPT, 0o755),
        at("pkg/__pycache__/a.cpython-310.pyc"): (b"", 0o644),
    }
    assert files["account/before.sha256"].content.endswith(b"  pkg/a.py\n")


def test_the_folder_over_bytecode_is_written() -> None:
    files = written(planned(FILES, EDIT, extra=bytecode("a.cpython-310.pyc")), "volumes")
    assert [path for path in files if path.startswith("no-bytecode/")] == ["no-bytecode/README"]


def test_bash_reads_an_option_a_line() -> None:
    options = written(planned(FILES, adding(ODD, b"z"), EDIT), "volumes")["volumes.txt"].content
    script = "mapfile -t mounts; printf '%s\\0' \"${mounts[@]}\""
    done = subprocess.run([need_tool("bash"), "-c", script], input=options, capture_output=True, check=True)
    target = f"/{ROOT}/{ODD}"
    assert f"--volume={FOLDER}/files{target}:{target}:ro".encode() in done.stdout.split(b"\0")
    assert done.stdout.count(b"\0") == 2


@pytest.mark.parametrize("form", ["volumes", "compose"])
def test_a_folder_that_goes_is_refused(form: str) -> None:
    files = {"pkg/__init__.py": b"", "pkg/old/__init__.py": b"", "pkg/old/a.py": b""}
    plan = planned(files, RenameModule("pkg.old", "pkg.new"))
    with pytest.raises(UsageError, match=f"the folder /{ROOT}/pkg/old has to go, and a mount cannot hide") as caught:
        written(plan, form)
    assert caught.value.hint is not None
    assert "--form image-volume" in caught.value.hint


@pytest.mark.parametrize(
    ("form", "name"), [("volumes", "a:b"), ("volumes", "a\nb"), ("volumes", "a\x1bb"), ("compose", "a\nb")]
)
def test_names_that_a_form_cannot_hold_are_refused(form: str, name: str) -> None:
    with pytest.raises(UsageError, match=r"has the character '.+', which (--volume|a Compose file) cannot hold"):
        written(planned(FILES, adding(f"pkg/{name}", b"")), form)


def test_a_folder_that_volume_cannot_name_is_refused() -> None:
    with pytest.raises(UsageError, match="'/srv/a:b' has the character ':', which --volume cannot hold"):
        render_mounts(planned(FILES, EDIT), "volumes", Path("/srv/a:b"))


@pytest.mark.parametrize("form", ["volumes", "compose", "configmap", "image-volume"])
def test_without_a_change_there_is_nothing_to_mount(form: str) -> None:
    with pytest.raises(UsageError, match="change no file of the base"):
        written(planned({"pkg/a.py": b"x = 2\n"}, EDIT), form)


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no form 'helm' of mounts") as caught:
        render_mounts(planned(FILES, EDIT), "helm", FOLDER)
    assert caught.value.hint == "choose one of volumes, compose, configmap, image-volume"


def test_compose_reads_the_fragment_as_it_is_meant(tmp_path: Path) -> None:
    """Paths with `$` among them, which Compose would take for variables."""
    plan = planned(FILES, EDIT, DELETE, adding(ODD, b"z"))
    write_tree(written(plan, "compose"), tmp_path / "mounts")
    (server,) = composed(tmp_path / "mounts" / "compose.yaml")["services"].values()
    assert server["image"] == f"{NAME}@{plan.base.manifest_digest}"
    assert server["entrypoint"] == list(plan.selection.command)
    sources = {volume["target"].removeprefix(f"/{ROOT}/"): volume for volume in server["volumes"]}
    assert {path: volume["source"] for path, volume in sources.items()} == {
        "pkg/a.py": f"{tmp_path}/mounts/{at('pkg/a.py')}",
        ODD: f"{tmp_path}/mounts/{at(ODD)}",
        "pkg/old.py": "/dev/null",
    }
    for volume in sources.values():
        assert (volume["type"], volume["read_only"]) == ("bind", True)
        assert "create_host_path" not in volume["bind"], "Compose prints it only if it makes missing folders"
    assert all(Path(volume["source"]).exists() for volume in sources.values())


def test_compose_runs_the_profile_as_the_image_would(tmp_path: Path) -> None:
    plan = planned(FILES, EDIT)
    recipe = load_recipe("minimax-m2", ["workdir=/srv/$X", "user=1000"])
    mine = replace(plan, selection=recipe.select(tp=4, env={"A": "$HOME is 1"}))
    write_tree(written(mine, "compose"), tmp_path / "mounts")
    (server,) = composed(tmp_path / "mounts" / "compose.yaml")["services"].values()
    assert server["environment"] == {"A": "$HOME is 1"}
    assert (server["working_dir"], server["user"]) == ("/srv/$X", "1000")
    assert server["entrypoint"] == list(mine.selection.command)
    assert server["init"] is True, "the stock image has none of its own"


def test_a_file_of_ones_own_extends_the_fragment(tmp_path: Path) -> None:
    """As docs/mounts.md shows it; paths stay relative to the fragment."""
    write_tree(written(planned(FILES, EDIT), "compose"), tmp_path / "mounts")
    own = {"services": {"mine": {"extends": {"file": "mounts/compose.yaml", "service": "server"}, "privileged": True}}}
    (tmp_path / "compose.yaml").write_text(json.dumps(own))
    (service,) = composed(tmp_path / "compose.yaml")["services"].values()
    assert service["privileged"]
    assert [volume["source"] for volume in service["volumes"]] == [f"{tmp_path}/mounts/{at('pkg/a.py')}"]
