"""`m2build render` by command: custom templates, and contexts that appear whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.cli.checkouts import checkout
from helpers.commands import refused, succeeds

RENDER = ("render", "--tp", "8", "--unpinned", "--source", "dir:tree")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checkout(tmp_path / "tree")
    return tmp_path


def test_a_template_may_extend_ours(folder: Path) -> None:
    (folder / "mine.j2").write_text(
        '{% extends "m2build/Dockerfile.template" %}\n'
        '{% block end %}LABEL {{ "team" | name }}={{ "inference & \\"more\\"" | quoted }}\n{% endblock %}'
    )
    assert succeeds(*RENDER, "-o", "context", "--template", "mine.j2", cwd=folder) == "context\n"
    succeeds(*RENDER, "-o", "plain", cwd=folder)
    ours = (folder / "plain" / "Dockerfile").read_text()
    assert (folder / "context" / "Dockerfile").read_text() == f'{ours}LABEL "team"="inference & \\"more\\""\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM {{ bose | plain }}\n", "mine.j2:1: 'bose' is undefined"),
        ("\nFROM {{ base }}\n", "mine.j2:2: prints"),
        ("FROM {{ base | plain \n", "mine.j2:1: "),
        ("{{ title | plain }}\n", "mine.j2:1: a Dockerfile cannot express 'MiniMax-M2.1, tp8'"),
        ('{% include "/etc/passwd" %}\n', "mine.j2:1: the template '/etc/passwd' does not exist"),
    ],
)
def test_a_wrong_template_is_reported_with_its_line(text: str, message: str, folder: Path) -> None:
    (folder / "mine.j2").write_text(text)
    assert message in refused(2, *RENDER, "-o", "context", "--template", "mine.j2", cwd=folder)
    assert not (folder / "context").exists()


def test_what_exists_is_not_overwritten(folder: Path) -> None:
    (folder / "context").mkdir()
    (folder / "context" / "Dockerfile").write_text("FROM precious\n")
    assert "context exists already" in refused(2, *RENDER, "-o", "context", cwd=folder)
    assert (folder / "context" / "Dockerfile").read_text() == "FROM precious\n"
