"""Series files: the files that they bring along, the series that they extend, and when a patch goes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.commands import refused, succeeds
from helpers.patches.series_files import DECORATOR, RENAME
from helpers.patches.trees import write

from m2build.errors import UsageError
from m2build.patches import SourceTree, apply_series, load_series

FIX = b"fixed = True\n"
ADD: dict[str, Any] = {
    **RENAME,
    "id": "add-fix",
    "codemod": "add-file",
    "parameters": {"file": "files/fix.py", "sha256": hashlib.sha256(FIX).hexdigest(), "path": "pkg/fix.py"},
}


def written(folder: Path, name: str, *patches: dict[str, Any], **fields: Any) -> Path:
    """A series file, with the file that `ADD` names beside it."""
    (folder / "files").mkdir(exist_ok=True, parents=True)
    (folder / "files/fix.py").write_bytes(FIX)
    head = {"id": name, "summary": "One line", "distribution": "pkg"}
    document = {key: value for key, value in {**head, "patches": list(patches), **fields}.items() if value is not None}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False))
    return folder / f"{name}.yaml"


def test_a_file_beside_the_series_comes_with_it(tmp_path: Path) -> None:
    series = load_series(str(written(tmp_path, "mine", ADD)))
    (change,) = apply_series(series, SourceTree.of({"pkg/a.py": ""})).checked().changes
    assert change.after
    assert (change.path, change.before, change.after.content) == ("pkg/fix.py", None, FIX)
    assert series.patches[0].parameters == ADD["parameters"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"file": "files/none.py"}, r"mine\.yaml:\d+:\d+: there is no file 'files/none\.py' beside the series"),
        ({"file": "files"}, r"mine\.yaml:\d+:\d+: there is no file 'files' beside the series"),
        ({"file": "../mine.yaml"}, r"mine\.yaml:\d+:\d+: '\.\./mine\.yaml' is not the path of a file beside"),
        ({"file": "/etc/passwd"}, r"mine\.yaml:\d+:\d+: '/etc/passwd' is not the path of a file beside"),
        (
            {"sha256": "0" * 64},
            r"mine\.yaml:\d+:\d+: 'files/fix\.py' is not the file that the series pins",
        ),
        ({"sha256": "abc"}, r"mine\.yaml:\d+:\d+: 'files/fix\.py': 'abc' is not a SHA-256"),
    ],
)
def test_files_that_do_not_come(parameters: dict[str, str], message: str, tmp_path: Path) -> None:
    patch = {**ADD, "parameters": {**ADD["parameters"], **parameters}}
    with pytest.raises(UsageError, match=message):
        load_series(str(written(tmp_path, "mine", patch)))


def test_the_bytes_are_not_a_parameter(tmp_path: Path) -> None:
    patch = {**ADD, "parameters": {**ADD["parameters"], "content": "x"}}
    series = load_series(str(written(tmp_path, "mine", patch)))
    with pytest.raises(UsageError, match="an unknown parameter: 'content'"):
        apply_series(series, SourceTree.of({"pkg/a.py": ""}))


def test_a_series_on_top_of_another(tmp_path: Path) -> None:
    """In another folder, each with its own files."""
    written(tmp_path / "theirs", "theirs", RENAME, ADD, codemods={"allow": ["one"]})
    last = {**DECORATOR, "id": "last"}
    mine = written(tmp_path, "mine", last, distribution=None, extends="theirs/theirs.yaml", codemods={"allow": ["two"]})
    series = load_series(str(mine))
    assert [patch.id for patch in series.patches] == ["rename-old", "add-fix", "last"]
    assert (series.id, series.distribution, series.codemods.allow) == ("mine", "pkg", ("one", "two"))
    assert series.patch("add-fix").content == FIX


def test_what_is_left_out_and_another_order(tmp_path: Path) -> None:
    written(tmp_path, "theirs", RENAME, ADD)
    order = ["drop-compile", "add-fix"]
    mine = written(tmp_path, "mine", DECORATOR, extends="theirs.yaml", without=["rename-old"], order=order)
    assert [patch.id for patch in load_series(str(mine)).patches] == order


def test_a_shipped_series_can_be_extended(tmp_path: Path) -> None:
    mine = written(tmp_path, "mine", DECORATOR, extends="minimax-m2-rocm", distribution="sglang")
    assert [patch.id for patch in load_series(str(mine)).patches][::2] == ["rename-transformers-module", "drop-compile"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"without": ["none"]}, r"mine\.yaml:\d+:\d+: theirs has no patch 'none'"),
        ({"order": ["rename-old"]}, r"order|it has to name every patch once; missing: drop-compile"),
        ({"order": ["rename-old", "drop-compile", "drop-compile"]}, "it has to name every patch once; missing: none"),
        ({"order": ["rename-odl"]}, "there is no patch 'rename-odl'; did you mean 'rename-old'"),
        ({"id": "theirs"}, "'theirs' is the id of the series that it extends"),
        ({"distribution": "other"}, "'theirs' is a series for pkg"),
        ({"extends": "none.yaml"}, r"there is no series file .*none\.yaml"),
        ({"extends": "minimax"}, "there is no series 'minimax'"),
        ({"patches": [RENAME]}, r"mine\.yaml:\d+:\d+: two patches have the id 'rename-old'"),
        ({"extends": None}, "the key 'distribution' is missing"),
        ({"extends": None, "distribution": "pkg", "without": ["x"]}, "this key needs `extends`, which is missing"),
        ({"extends": "mine.yaml"}, r"mine\.yaml:\d+:\d+: 'mine\.yaml' extends this series, which is a circle"),
        ({"without": ["rename-old"], "patches": []}, "it has no patches"),
    ],
)
def test_extensions_that_do_not_fit(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    written(tmp_path, "theirs", RENAME)
    base = {"extends": "theirs.yaml", "distribution": None}
    with pytest.raises(UsageError, match=message):
        load_series(str(written(tmp_path, "mine", DECORATOR, **{**base, **fields})))


def test_two_series_that_extend_each_other(tmp_path: Path) -> None:
    written(tmp_path, "one", extends="two.yaml")
    two = written(tmp_path, "two", extends="one.yaml")
    with pytest.raises(UsageError, match=r"one\.yaml:\d+:\d+: 'two\.yaml' extends this series, which is a circle"):
        load_series(str(two))


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ({"a": "./sub/b.yaml", "sub/b": "../a.yaml"}, r"b\.yaml:\d+:\d+: '\.\./a\.yaml' extends this series"),
        ({"a": "./link.yaml"}, r"a\.yaml:\d+:\d+: '\./link\.yaml' extends this series"),
        ({"a": "b.yaml", "b": "none.yaml"}, r"b\.yaml:\d+:\d+: there is no series file 'none\.yaml'"),
        ({"a": "b.yaml", "b": "none"}, r"b\.yaml:\d+:\d+: there is no series 'none'"),
        ({"a": "b.yaml", "b": "sub/a.yaml", "sub/a": None}, r"a\.yaml:\d+:\d+: 'a' is the id of the series that it"),
        (
            {**{f"a{n or ''}": f"a{n + 1}.yaml" for n in range(8)}, "a8": None},
            r"a7\.yaml:\d+:\d+: more than 8 series extend",
        ),
    ],
)
def test_chains_that_do_not_end_well(
    extends: dict[str, str | None], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("link.yaml").symlink_to("a.yaml")
    for path, other in extends.items():
        folder, _, name = path.rpartition("/")
        own = {**DECORATOR, "id": path.replace("/", "-")}
        written(Path(folder), name, own, extends=other, distribution=None if other else "pkg")
    with pytest.raises(UsageError, match=message):
        load_series("a.yaml")


@pytest.mark.parametrize(
    ("drop_when", "other", "said"),
    [
        (">=1.5", "pkg/a.py", "drop it now: release 1.5 is among >=1.5"),
        (">=1.6", "pkg/a.py", None),
        ("already-applied", "pkg/fix.py", "drop it now: the sources have it already"),
        ("already-applied", "pkg/a.py", None),
        (None, "pkg/fix.py", None),
    ],
)
def test_a_patch_says_when_it_goes(drop_when: str | None, other: str, said: str | None, tmp_path: Path) -> None:
    files = {"pkg/__init__.py": b"__version__ = '1.5'\n", other: FIX}
    folder = write(SourceTree.of(files), tmp_path / "tree")
    mine = written(tmp_path, "mine", {**ADD, "accept": ["already-applied"], "drop_when": drop_when})
    arguments = ("patch", "status", "--source", folder, "--series", mine)
    assert (said or "drop it now") in succeeds(*arguments) or said is None
    (patch,) = json.loads(succeeds(*arguments, "--json"))["patches"]
    assert patch.get("dropNow") == (said.removeprefix("drop it now: ") if said else None)
    assert ("drop_when" in patch) == (drop_when is not None), "accounts of patches without it stay as they were"


def test_a_condition_that_is_none(tmp_path: Path) -> None:
    mine = written(tmp_path, "mine", {**ADD, "drop_when": "soon"})
    message = refused(2, "patch", "list", "--series", mine)
    assert "'soon' is not a version specifier" in message
    mine = written(tmp_path, "mine", {**ADD, "drop_when": " "})
    assert "an empty condition would always hold" in refused(2, "patch", "list", "--series", mine)
    mine = written(tmp_path, "mine", {**ADD, "releases": "already-applied"})
    assert "'already-applied' is not a version specifier" in refused(2, "patch", "list", "--series", mine)
