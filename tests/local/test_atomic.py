"""Files and folders appear whole or leave no trace, the folders above them included."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from m2build.local.atomic import atomic_file, atomic_folder


@pytest.mark.parametrize("is_folder", [True, False])
def test_folders_that_were_made_on_the_way_go_again(tmp_path: Path, *, is_folder: bool) -> None:
    (tmp_path / "mine").mkdir()
    target = tmp_path / "mine" / "a" / "b" / "c"
    with suppress(KeyboardInterrupt), (atomic_folder if is_folder else atomic_file)(target):
        assert target.parent.is_dir()
        raise KeyboardInterrupt
    assert list((tmp_path / "mine").iterdir()) == []


def test_folders_that_others_use_meanwhile_stay(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), atomic_file(tmp_path / "a" / "b"):
        (tmp_path / "a" / "others").touch()
        raise KeyboardInterrupt
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["others"]
