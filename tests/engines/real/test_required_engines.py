"""With `--require-engines`, a skip anywhere is a failure, in one process and in several."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.support import sampled

ROOT = Path(__file__).parents[3]
FILES = {
    "tests/engines/real/test_engine.py": """
        import pytest
        @pytest.mark.engine
        def test_with_an_engine(): pass
    """,
    "tests/engines/real/test_ways.py": """
        import pytest
        @pytest.mark.skip(reason="by a mark")
        def test_mark(): pass
        def test_call(): pytest.skip("by a call")
        @pytest.fixture
        def wanting(): pytest.skip("by a fixture")
        def test_fixture(wanting): pass
    """,
    "tests/test_module.py": """
        import pytest
        pytest.skip("by a module", allow_module_level=True)
    """,
    "tests/test_other.py": "        def test_passes(): pass",
}


def said_by_pytest(folder: Path, *options: str) -> str:
    """What pytest prints for these files, with the hooks and the settings of this repository."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(re.sub("^ {8}", "", text, flags=re.MULTILINE))
    command = [sys.executable, "-m", "pytest", f"--config-file={ROOT}/pyproject.toml", f"--rootdir={folder}"]
    plugins = ["-p", "helpers.choosing", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    done = subprocess.run(
        [*command, *plugins, "--verbose", "--continue-on-collection-errors", *options, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What it prints without the option, with two processes."""
    return said_by_pytest(tmp_path_factory.mktemp("without"), "--numprocesses=2")


def test_without_the_option_skips_are_skips(without: str) -> None:
    assert "1 passed, 5 skipped in" in without
    assert "needs container engines: pytest --require-engines runs it" in without


@pytest.mark.parametrize("processes", sampled(["0", "2"], every=2))
def test_with_the_option_skips_are_failures(processes: str, tmp_path: Path) -> None:
    said = said_by_pytest(tmp_path, f"--numprocesses={processes}", "--require-engines")
    assert "1 failed, 2 passed, 3 errors in" in said
    for way in ("a mark", "a call", "a fixture", "a module"):
        assert f"Skipped: by {way}" in said


def test_the_engines_are_used_by_one_of_the_processes_only(without: str) -> None:
    ran = {file: worker for worker, file in re.findall(r"^\[(gw\d)\] .* (tests/\S+?)::", without, re.MULTILINE)}
    assert (
        ran["tests/engines/real/test_engine.py"] == ran["tests/engines/real/test_ways.py"] != ran["tests/test_other.py"]
    )
