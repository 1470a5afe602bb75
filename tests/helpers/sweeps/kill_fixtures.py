"""What the sweeps of kills share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from helpers.sweeps.killing import Commands, commands
from helpers.sweeps.kills import quick_disk


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """A warm process of m2build whose forks are killed, on a disk that syncs at once."""
    with quick_disk(tmp_path_factory.mktemp("killed")) as disk, commands(disk / "state") as running:
        yield running
