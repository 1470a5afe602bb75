"""Files and folders appear whole or leave no trace, including the folders above them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from m2build.local.atomic import atomic_file, atomic_folder


@pytest.mark.parametrize("is_folder", [True, False])
def test_new_parent_folders_are_removed_on_failure(tmp_path: Path, *, is_folder: bool) -> None:
    (tmp_path / "mine").mkdir()
    target = tmp_path / "mine" / "a" / "b" / "c"
    with suppress(KeyboardInterrupt), (atomic_folder if is_folder else atomic_file)(target):
        assert target.parent.is_dir()
        raise KeyboardInterrupt
    assert list((tmp_path / "mine").iterdir()) == []


def test_parent_folders_in_use_by_others_stay(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), atomic_file(tmp_path / "a" / "b"):
        (tmp_path / "a" / "others").touch()
        raise KeyboardInterrupt
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["others"]
