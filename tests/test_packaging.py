"""The installed package holds what the repository holds."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest
from helpers.checkout import ROOT, copy_checkout

pytestmark = pytest.mark.sweep


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    sources = copy_checkout(folder / "sources")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(sources)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("m2build-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def test_the_wheel_holds_every_module_and_data_file(wheel_names: set[str]) -> None:
    expected = set()
    for folder, package in (("builder", "m2build"), ("patches", "m2build/patches"), ("recipes", "m2build/recipes")):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                expected.add(f"{package}/{path.relative_to(ROOT / folder).as_posix()}")
    installed = {name for name in wheel_names if ".dist-info/" not in name}
    assert installed == expected


def test_the_wheel_registers_command_and_codemods(wheel_names: set[str]) -> None:
    assert any(name.endswith(".dist-info/entry_points.txt") for name in wheel_names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel_names)
