"""If anything stops the writing half-way, the folder is unchanged: no file changed, none left behind."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.patches.series_files import ADDED, DECORATOR, RENAME, apply_changeset, file_series, series_of
from helpers.patches.trees import read, tree_of, write
from helpers.support import in_shares, sampled

from m2build.errors import StorageError
from m2build.patches.applying import revert_directory
from m2build.patches.changeset import apply_series
from m2build.patches.registry import load_codemods
from m2build.patches.writing import write_files

FILES = {
    "pkg/__init__.py": "from . import old\n",
    "pkg/old/__init__.py": "",
    "pkg/old/deep/one.py": "import pkg.old\n",
    "pkg/old/deep/table.txt": "1\n",
    "pkg/norm.py": "import torch\n@torch.compile\ndef f(): ...\n",
    "pkg/files/__init__.py": "version = '1.5'\n",
    "pkg/files/old.py": "value = 1\n",
}
SERIES = series_of(RENAME, DECORATOR).extended(
    *file_series("pkg/files", "add", "delete", "replace").patches, id="longer"
)
TREE = tree_of(FILES)
CHANGESET = apply_series(SERIES, TREE, load_codemods())


@pytest.fixture(autouse=True)
def _fast_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of runs, none of which has to survive a loss of power."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


REAL_OPEN = os.open
SHARES = 4


class Fault:
    """Passes the calls that change files, except the one at `position`."""

    CALLS = ((os, ("replace", "unlink", "rmdir", "mkdir", "fchmod", "chmod", "open")),)

    def __init__(self, patch: pytest.MonkeyPatch, position: int, stop: BaseException, *, late: bool) -> None:
        self.count, self.position, self.stop, self.late = 0, position, stop, late
        for module, names in self.CALLS:
            for name in names:
                patch.setattr(module, name, self._wrapped(getattr(module, name)))

    def _wrapped(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if real is REAL_OPEN and not arguments[1] & os.O_CREAT:
                return real(*arguments, **options)
            self.count += 1
            if self.count != self.position:
                return real(*arguments, **options)
            result = real(*arguments, **options) if self.late else None
            if real is REAL_OPEN and isinstance(result, int):
                os.close(result)
            raise self.stop

        return call


State = tuple[dict[str, tuple[bytes, int]], set[str]]


def state(folder: Path) -> State:
    """The sources, and which files the record has; an empty folder is no record."""
    found = read(folder)
    found.pop(".m2build/", None)
    record = {path for path in found if path.startswith(".m2build")}
    return {path: found[path] for path in found if path not in record}, record


def prepared(folder: Path, action: str) -> tuple[Path, Callable[[], object]]:
    """A fresh folder, and the operation on it."""
    write(TREE, folder)
    if action == "apply":
        return folder, lambda: apply_changeset(CHANGESET, folder)
    if action == "revert":
        apply_changeset(CHANGESET, folder)
        return folder, lambda: revert_directory("longer", folder)
    return folder, lambda: write_files({"a/b": b"1", "c": b"2"}, folder / "new")


@in_shares(SHARES)
@pytest.mark.parametrize("stop", ["fails", "interrupted"])
@pytest.mark.parametrize("action", ["apply", "revert", "write"])
def test_every_step_can_fail(action: str, stop: str, share: int, tmp_path: Path) -> None:
    """One run for each call that touches the file system, which fails there or is interrupted right after it.

    What fails leaves everything as it was; what is interrupted may also be done already. A folder that is changed has
    a whole record, and a record is never there in part.
    """
    error = OSError(28, "No space left on device") if stop == "fails" else KeyboardInterrupt()
    folder, act = prepared(tmp_path / "whole", action)
    before = state(folder)
    act()
    after = state(folder)
    stopped = 0
    for position in itertools.count(1 + share, SHARES):
        folder, act = prepared(tmp_path / str(position), action)
        with pytest.MonkeyPatch.context() as patch:
            fault = Fault(patch, position, error, late=stop == "interrupted")
            try:
                act()
            except StorageError:
                allowed = [before]
            except KeyboardInterrupt:
                # Reverted already, and not yet without the record: it tells of nothing that is still to be done.
                allowed = [before, after, (after[0], before[1])]
            else:
                allowed = [after, (after[0], before[1])]
        stopped += allowed[0] is before
        assert state(folder) in allowed, f"{stop}: call {position}"
        if fault.count < position:
            break
        shutil.rmtree(folder)
    assert stopped >= {"apply": 40, "revert": 20, "write": 4}[action] // SHARES


SCRIPT = """
import os, signal, sys
from m2build.cli import main
real, calls = os.replace, []
def replace(*arguments, **options):
    calls.append(arguments)
    if len(calls) == {position}:
        os.kill(os.getpid(), signal.{signal})
    return real(*arguments, **options)
os.replace = replace
sys.exit(main(sys.argv[1:]))
"""


def arguments(tmp_path: Path, verb: str) -> list[str]:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(SERIES.model_dump(mode="json")))
    (tmp_path / "new.py").write_bytes(ADDED)
    return ["patch", verb, "--series", str(tmp_path / "mine.yaml"), "--source", str(tmp_path / "tree")]


@pytest.mark.parametrize("position", sampled([1, 2, 4], every=3))
def test_ctrl_c_in_the_middle(position: int, tmp_path: Path) -> None:
    """A real signal, while the record is put in place, and while the files are."""
    folder = write(TREE, tmp_path / "tree")
    state = read(folder)
    script = SCRIPT.format(position=position, signal=signal.SIGINT.name)
    command = [sys.executable, "-c", script, *arguments(tmp_path, "apply")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 130, done
    assert "Traceback" not in done.stderr
    assert read(folder) == state


LIMITED = """
import resource, sys
from m2build.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
sys.exit(main(sys.argv[1:]))
"""


def test_a_file_that_the_system_refuses_to_grow(tmp_path: Path) -> None:
    """The kernel's own error, as with a full disk or a quota, at the largest file of the account."""
    folder = write(TREE, tmp_path / "tree")
    state = read(folder)
    command = [sys.executable, "-B", "-c", LIMITED, *arguments(tmp_path, "apply")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == StorageError.exit_code, done
    assert "cannot be written: File too large; nothing was changed" in done.stderr
    assert "Traceback" not in done.stderr
    assert read(folder) == state
