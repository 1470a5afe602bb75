"""Sources that cost memory or time: refused with the number, or passed over where no patch is concerned."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from helpers.measured import measured
from helpers.patches.series_files import FILES, RENAME, series_of
from helpers.patches.trees import tree_of, write
from helpers.support import sampled
from helpers.warm import MEGABYTES, SECONDS


def status(source: str, tmp_path: Path) -> tuple[int, str]:
    """The exit code and stderr of `patch status`, which must take less than 256 MB and 20 s."""
    series = tmp_path / "mine.yaml"
    series.write_text(yaml.safe_dump(series_of(RENAME).model_dump(mode="json")))
    run = measured("patch", "status", "--series", series, "--source", source, cwd=tmp_path)
    assert run.megabytes < MEGABYTES, run
    assert run.seconds < SECONDS, run
    assert "Traceback" not in run.stderr
    return run.code, run.stderr.rstrip("\n")


def sparse(path: Path, size: int, begin: str = "") -> None:
    with path.open("wb") as file:
        file.write(begin.encode())
        file.truncate(size)


IMPORT = "import pkg.old\n"
WIDE = "\uff4f\uff4c\uff44\n"
"""`old` as Python reads it: identifiers are in the normal form NFKC."""
CASES: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "large data": (lambda tree: sparse(tree / "pkg/weights.bin", 3 << 30), 0, ""),
    "device": (lambda tree: os.mkfifo(tree / "pkg/pipe.py"), 0, ""),
    "link out": (lambda tree: (tree / "pkg/endless.py").symlink_to("/dev/zero"), 0, ""),
    "large Python": (lambda tree: (tree / "pkg/a.py").write_text(IMPORT + "#\n" * (9 << 20)), 4, "4,194,304"),
    "many names": (lambda tree: (tree / "pkg/a.py").write_text(IMPORT + "x\n" * (1 << 20)), 4, "100,000"),
    "many lists": (lambda tree: (tree / "pkg/a.py").write_text(f"{IMPORT}[{'[],' * (1 << 20)}]\n"), 4, "100,000"),
    "many branches": (
        lambda tree: (tree / "pkg/a.py").write_text(IMPORT + "if a:\n  x\n" + "elif a:\n  x\n" * 20_000),
        4, "nests expressions or statements too deeply for Python's parser"),
    "many signs": (
        lambda tree: (tree / "pkg/a.py").write_text(f"{IMPORT}x = {'-' * 50_000}1\n"),
        4, "too deeply for Python's parser"),
    "not concerned": (lambda tree: (tree / "pkg/a.py").write_text("x\n" * (1 << 20)), 0, ""),
    "huge Python": (lambda tree: sparse(tree / "pkg/a.py", 100 << 20), 0, ""),
    "huge Python that imports it": (lambda tree: sparse(tree / "pkg/a.py", 100 << 20, IMPORT), 5, "67,108,864"),
    "huge Python with other letters": (lambda tree: sparse(tree / "pkg/a.py", 100 << 20, "# \u00e9\n"), 0, ""),
    "huge Python that spells it so": (lambda tree: sparse(tree / "pkg/a.py", 80 << 20, WIDE), 5, "67,108,864"),
    "all huge Python": (
        lambda tree: list(map(sparse, [tree / f"pkg/a{number}.py" for number in range(3)], [200 << 20] * 3)),
        5, "536,870,912"),
    "Python of 300 MB": (lambda tree: sparse(tree / "pkg/a.py", 300 << 20, IMPORT), 0, ""),
    "all Python": (
        lambda tree: list(map(sparse, [tree / f"pkg/a{number}.py" for number in range(10)], [60 << 20] * 10)),
        5, "536,870,912"),
    "deep sum": (lambda tree: (tree / "pkg/a.py").write_text(f"{IMPORT}a = {'+'.join(['b'] * 5000)}\n"), 4, "pkg/a.py"),
    "deep brackets": (lambda tree: (tree / "pkg/a.py").write_text(f"{IMPORT}{'(' * 5000}"), 4, "pkg/a.py"),
}  # fmt: skip


@pytest.mark.parametrize("case", sampled(CASES, every=5))
def test_a_folder_of_hostile_sources(case: str, tmp_path: Path) -> None:
    make, code, said = CASES[case]
    tree = write(tree_of(FILES), tmp_path / "tree")
    make(tree)
    found, words = status(f"dir:{tree}", tmp_path)
    assert (found, said in words) == (code, True), words


def zeros(path: Path, name: str, size: int, method: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for file, content in FILES.items():
            archive.writestr(file, content)
        with archive.open(zipfile.ZipInfo(name) if method == zipfile.ZIP_STORED else name, "w") as member:
            for _ in range(size >> 20):
                member.write(bytes(1 << 20))


def hole(path: Path, name: str) -> None:
    """A valid wheel with a stored member of 3 GB, which takes no space on the disk."""
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in FILES.items():
            archive.writestr(file, content)
        member = zipfile.ZipInfo(name)
        member.file_size = member.compress_size = 3 << 30
        member.CRC = CRC_OF_ZEROS
        assert archive.fp is not None
        member.header_offset = archive.fp.tell()
        archive.fp.write(member.FileHeader())
        archive.start_dir = archive.fp.seek(3 << 30, os.SEEK_CUR)
        archive.filelist.append(member)


def many(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(60_000):
            archive.writestr(f"pkg/{'x' * 40}{number}", b"")


CRC_OF_ZEROS = 0x480BBE37
"""Of 3 GiB of them."""
WHEELS: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "zeros by bzip2": (lambda path: zeros(path, "pkg/zeros.py", 40 << 20, zipfile.ZIP_BZIP2), 5, "than deflate"),
    "zeros as data": (lambda path: zeros(path, "pkg/zeros.bin", 300 << 20), 0, ""),
    "zeros as Python": (lambda path: zeros(path, "pkg/zeros.py", 300 << 20), 0, ""),
    "too many": (many, 5, "4,194,304"),
    "3 GB as data": (lambda path: hole(path, "pkg/weights.bin"), 0, ""),
    "3 GB as Python": (lambda path: hole(path, "pkg/weights.py"), 0, ""),
    "pipe": (os.mkfifo, 16, "is a pipe, not a regular file"),
}


@pytest.mark.sweep
def test_the_wheel_of_3_gb_is_a_valid_one(tmp_path: Path) -> None:
    hole(tmp_path / "whole.whl", "pkg/weights.bin")
    with zipfile.ZipFile(tmp_path / "whole.whl") as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize("case", sampled(WHEELS, every=4))
def test_a_hostile_wheel(case: str, tmp_path: Path) -> None:
    make, code, said = WHEELS[case]
    path = tmp_path / "pkg-1.5-py3-none-any.whl"
    make(path)
    found, words = status(f"wheel:{path}", tmp_path)
    assert (found, said in words) == (code, True), words
