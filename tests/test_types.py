"""m2build's types as a consumer's mypy sees them, installed normally and with `-e` (PEP 561)."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from helpers.checkout import copy_checkout
from helpers.support import need_tool

pytestmark = pytest.mark.sweep

CONSUMER = """\
from typing import assert_type

import m2build
from m2build import errors, locking, patches, running, testing

recipe = m2build.load_recipe("minimax-m2")
assert_type(recipe, m2build.Recipe)
with m2build.Session(insecure=False) as session:
    assert_type(session, m2build.Session)
    base = session.base(recipe, "pypi:sglang==0.5.7")
    plan = session.plan(recipe.select(tp=8), base)
    assert_type(plan, m2build.Plan)
    assert_type(plan.changeset, patches.Changeset)
    assert_type(plan.changeset.diff(), bytes)
    assert_type(m2build.render(plan).dockerfile, str)
    assert_type(session.deliver(plan, "oci:out").reference, str)
    assert_type(locking.load_lock("m2build.lock"), m2build.Lock)
    assert_type(running.render_compose(running.Container(recipe.select(tp=8))), str)
    assert_type(session.inspect("oci:out"), m2build.Inspection)
    assert_type(session.verify("oci:out", base=base.place), m2build.Verification)
tree = patches.SourceTree.of({"app.py": ""})
assert_type(patches.RemoveDecorator("app", "torch.compile").apply(tree), patches.Rewrite)
try:
    m2build.Place.parse("")
except errors.UsageError as error:
    assert_type(error.hint, str | None)
print(testing.__doc__)
"""
MISTAKE = "\nm2build.load_recipy\n"


@pytest.mark.parametrize("options", [[], ["--editable"]], ids=["normally", "with -e"])
def test_a_consumer_sees_the_types(options: list[str], tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, *options, str(copy_checkout(tmp_path / "sources"))], check=True, capture_output=True)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    mypy = [need_tool("mypy"), "--strict", "--config-file=", f"--python-executable={python}"]
    said = []
    for text in (CONSUMER, CONSUMER + MISTAKE):
        (tmp_path / "consumer.py").write_text(text)
        run = subprocess.run([*mypy, "consumer.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
        said.append(run.stdout)
    assert said[0].startswith("Success")
    assert 'Module has no attribute "load_recipy"' in said[1]
