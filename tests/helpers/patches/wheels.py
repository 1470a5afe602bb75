"""Small wheels."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

NAME = "demo_pkg-1.2-py3-none-any.whl"
MEMBERS = {
    "demo_pkg/__init__.py": "",
    "demo_pkg/data.txt": "data\r\n" * 9,
    "demo_pkg-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.2\n",
    "demo_pkg-1.2.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "demo_pkg-1.2.dist-info/RECORD": "",
    "demo_pkg-1.2.data/scripts/run": "#!python\n",
}


def wheel(members: Mapping[str, str] = MEMBERS, *, mode: int = 0o644) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10))
            info.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def only_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new folder of wheels as pip's only source, and an own cache beside it."""
    index = folder / "index"
    index.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    return index
