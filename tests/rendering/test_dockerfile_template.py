"""A user's own template: what it can use, and the errors for its mistakes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.rendering.dockerfiles import instructions, only, plan_for

from m2build.errors import UsageError
from m2build.rendering.context import render
from m2build.rendering.template import SHIPPED, shipped_template

REPOSITORY = Path(__file__).parents[2]


def rendered(template: str) -> str:
    return render(plan_for(), template, name="mine.j2")["Dockerfile"].decode()


def test_the_shipped_template_is_the_one_in_the_repositorys_root() -> None:
    assert shipped_template() == (REPOSITORY / "Dockerfile.template").read_text(encoding="utf-8")
    assert rendered(shipped_template()) == render(plan_for())["Dockerfile"].decode()


def test_every_variable_and_filter_exists() -> None:
    lines = ["FROM {{ base | plain }}", "RUN echo {{ title | sh }} {{ port | plain }}", "CMD {{ entrypoint | json }}"]
    parsed = instructions({"Dockerfile": rendered("\r\n".join([*lines, ""])).encode()})
    assert only(parsed, "RUN").value == ("echo 'MiniMax-M2.1, tp8' 8000",)
    assert only(parsed, "CMD").value == plan_for().selection.entrypoint


def test_a_constant_can_be_printed_through_a_filter() -> None:
    assert rendered("{{ ('a b' | sh) if port else '' }} {{ 'c d' | quoted }}\n") == "'a b' \"c d\"\n"


def test_a_template_can_extend_the_shipped_one() -> None:
    text = rendered(
        "{% extends 'm2build/Dockerfile.template' %}\n{% block end %}ENV a={{ title | quoted }}\n{% endblock %}"
    )
    assert text == render(plan_for())["Dockerfile"].decode() + 'ENV a="MiniMax-M2.1, tp8"\n'


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("FROM x\nRUN {{ nothing | sh }}\n", "mine.j2:2: 'nothing' is undefined"),
        ("FROM x\nRUN {{ nothing }}\n", "mine.j2:2: 'nothing' is undefined"),
        ("{% if nothing %}{% endif %}", "mine.j2:1: 'nothing' is undefined"),
        ("\n\n{{ health.never | plain }}", "mine.j2:3: 'dict object' has no attribute 'never'"),
        ("a\nb\n{% for %}\n", "mine.j2:3: "),
        ("{{ title | shell }}", "mine.j2:1: No filter named 'shell'"),
        ("FROM x\n{{ title }}\n", "mine.j2:2: prints 'MiniMax-M2.1, tp8' without a filter"),
        ("{{ title | sh | upper }}", "mine.j2:1: prints \"'MINIMAX-M2.1, TP8'\" without"),
        ("{{ 'a b' }}", "mine.j2:1: prints 'a b' without a filter"),
        ("{{ (title | sh) ~ title }}", "mine.j2:1: prints "),
        ("{{ true }}", "mine.j2:1: prints 'True' without a filter"),
        ("{{ title | plain }}", "mine.j2:1: a Dockerfile cannot express 'MiniMax-M2.1, tp8'"),
        ("{{ labels | quoted }}", "mine.j2:1: a Dockerfile cannot express"),
        ("{{ title | json }}", "mine.j2:1: a Dockerfile cannot express 'MiniMax-M2.1, tp8': this takes a list"),
        ("{{ title + 1 }}", "mine.j2:1: "),
        ("{{ 1 // 0 }}", "mine.j2:1: "),
        ("x\n{% include '/etc/passwd' %}", "mine.j2:2: the template '/etc/passwd' does not exist"),
        ("{% extends 'mine.j2' %}", "mine.j2:1: "),
        ("{{ ''.__class__.__mro__ | plain }}", "mine.j2:1: access to attribute '__class__'"),
        ("{{ [1, 2] | random | plain }}", "mine.j2:1: No filter named 'random'"),
        ("{{ lipsum() | comment }}", "mine.j2:1: 'lipsum' is undefined"),
        ("{{ labels.append(1) | plain }}", "mine.j2:1: "),
    ],
)
def test_a_mistake_in_a_template_is_reported_with_its_line(template: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        rendered(template)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_a_mistake_in_the_shipped_template_is_reported_with_its_line() -> None:
    with pytest.raises(UsageError, match=rf"^{SHIPPED}:\d+: a Dockerfile cannot express"):
        rendered("{% extends 'm2build/Dockerfile.template' %}{% set version = 'a b' %}")


def test_jinja2_is_imported_when_it_is_used() -> None:
    script = "import sys, m2build.rendering.context; print('jinja2' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
