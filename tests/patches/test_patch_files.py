"""The account for reviewers and auditors, read and run by the tools that they have."""

from __future__ import annotations

import email.parser
import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from helpers.patches.judges import PLAIN, Judge, git_apply, gnu_patch, run
from helpers.patches.series_files import DECORATOR, FILES, RENAME, applied, file_series
from helpers.patches.trees import files_after, files_before, read, tree_of, write
from helpers.support import need_tool

from m2build.patches.audit import account, audit_files
from m2build.patches.change import changed_tree
from m2build.patches.changeset import Changeset, apply_series
from m2build.patches.diff import git_diff
from m2build.patches.patch_files import patch_files
from m2build.patches.tree import SourceTree

TREE = tree_of(FILES)
NAMES = ["0001-rename-old.patch", "0002-drop-compile.patch"]


def disk(tree: SourceTree) -> dict[str, tuple[bytes, int]]:
    return {path: (file.content, file.mode) for path, file in tree.items()}


PATCHED = changed_tree(TREE, applied().changes)


def test_patches_are_numbered_and_the_series_orders_them() -> None:
    files = patch_files(applied())
    assert list(files) == [*NAMES, "series"]
    assert files["series"].decode().splitlines() == NAMES


def test_a_patch_that_changes_nothing_has_no_file() -> None:
    not_meant = {**RENAME, "releases": "<1"}
    assert list(patch_files(applied(TREE, not_meant, DECORATOR))) == ["0001-drop-compile.patch", "series"]


@pytest.mark.parametrize(("name", "patch"), [(NAMES[0], RENAME), (NAMES[1], DECORATOR)])
def test_the_header_is_dep3(name: str, patch: dict[str, object]) -> None:
    """Read by an e-mail parser, as DEP-3 asks for."""
    head, separator, diff = patch_files(applied())[name].partition(b"\n---\n")
    assert separator
    assert diff.startswith(b"diff --git ")
    fields = email.parser.HeaderParser().parsestr(head.decode() + "\n")
    assert not fields.defects
    assert not fields.get_payload()
    summary, _, why = fields["Description"].partition("\n")
    assert summary == patch["summary"]
    assert [line[1:].replace(".", "", 1 if line == " ." else 0) for line in why.splitlines()] == str(
        patch["why"]
    ).rstrip().splitlines()
    assert fields["Author"] == patch["author"]
    assert fields["Origin"] == "vendor"
    assert fields["Forwarded"] == "no"
    assert fields["Last-Update"] == patch["last_update"]
    assert fields.get_all("Bug", []) == list(patch.get("references", ()))  # type: ignore[call-overload]
    codemod, _, parameters = fields["X-M2build-Codemod"].partition(" ")
    assert (codemod, json.loads(parameters)) == (patch["codemod"], patch["parameters"])
    assert fields["X-M2build-Releases"] == patch["releases"]


def test_the_headers_checksums_are_those_of_the_files() -> None:
    for name, result in zip(NAMES, applied().results, strict=True):
        fields = email.parser.HeaderParser().parsestr(patch_files(applied())[name].decode())
        for field, wanted in (
            ("Pre", files_before(result.changes)),
            ("Post", files_after(result.changes)),
        ):
            text = str(fields[f"X-M2build-{field}-SHA256"]).strip()
            digests = {path: hashlib.sha256(file.content).hexdigest() for path, file in wanted.items()}
            assert [line.strip() for line in text.splitlines()] == [f"{digests[path]}  {path}" for path in digests]


@pytest.mark.parametrize("judge", [git_apply, gnu_patch])
def test_the_whole_diff_and_the_numbered_files_apply_and_reverse(judge: Judge, tmp_path: Path) -> None:
    changeset = applied()
    folder = write(TREE, tmp_path)
    judge(git_diff(changeset.changes), folder)
    assert read(folder) == disk(PATCHED)
    judge(git_diff(changeset.changes), folder, reverse=True)
    assert read(folder) == disk(TREE)
    files = patch_files(changeset)
    for name in NAMES:
        judge(files[name], folder)
    assert read(folder) == disk(PATCHED)
    for name in reversed(NAMES):
        judge(files[name], folder, reverse=True)
    assert read(folder) == disk(TREE)


def test_quilt_pushes_and_pops_the_series(tmp_path: Path) -> None:
    need_tool("quilt")
    folder = write(TREE, tmp_path / "tree")
    for name, content in patch_files(applied()).items():
        (folder / "patches").mkdir(exist_ok=True)
        (folder / "patches" / name).write_bytes(content)
    run(["quilt", "push", "-a", "--fuzz=0"], folder)
    assert files_of(folder) == disk(PATCHED)
    run(["quilt", "pop", "-a"], folder)
    assert files_of(folder) == disk(TREE)


def files_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path: found for path, found in read(folder).items() if not path.startswith(("patches/", ".pc/"))}


def laid_out(folder: Path, changeset: Changeset | None = None) -> tuple[Path, Path]:
    """A patched tree and, beside it, the folder of its account."""
    changeset = changeset or applied()
    root = write(changed_tree(TREE, changeset.changes), folder / "the root")
    audit = folder / "audit"
    for path, content in audit_files(changeset, str(root)).items():
        (audit / path).parent.mkdir(parents=True, exist_ok=True)
        (audit / path).write_bytes(content)
    return root, audit


def instructions(audit: Path) -> str:
    """The README's indented lines that follow the one that sets the variables."""
    lines = (audit / "README").read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("  audit="))
    end = next(number for number in range(start, len(lines)) if not lines[number])
    return "set -e -o pipefail\n" + "\n".join(lines[start:end])


def follow(audit: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    for tool in ("git", "sha256sum"):
        need_tool(tool)
    environment = {"PATH": "/usr/bin:/bin", **PLAIN, **variables}
    return subprocess.run(
        ["bash", "-c", instructions(audit)], cwd=audit, env=environment, capture_output=True, text=True, check=False
    )


def test_an_auditor_can_follow_the_readme(tmp_path: Path) -> None:
    _, audit = laid_out(tmp_path)
    done = follow(audit)
    assert done.returncode == 0, done.stderr
    verdicts = done.stdout.splitlines()
    assert len(verdicts) == 2 * len(applied().changes)
    assert all(line.endswith(": OK") for line in verdicts)


@pytest.mark.parametrize("kinds", [("add", "delete", "replace"), ("add",), ("delete",)], ids="-".join)
def test_an_auditor_can_follow_it_for_new_and_deleted_files(kinds: tuple[str, ...], tmp_path: Path) -> None:
    changeset = apply_series(file_series("pkg", *kinds), TREE).checked()
    _, audit = laid_out(tmp_path, changeset)
    done = follow(audit)
    assert done.returncode == 0, done.stderr
    sides = len(files_before(changeset.changes)) + len(files_after(changeset.changes))
    assert len(done.stdout.splitlines()) == sides


@pytest.mark.parametrize(
    "name",
    ["../outside.py", "../the root/../outside.py", ".git/config", "pkg/../../outside.py", ".GIT/config", "--help"],
)
def test_the_auditors_commands_write_nothing_where_a_forged_account_says(name: str, tmp_path: Path) -> None:
    """git's own settings could make `git apply` change another folder."""
    root, audit = laid_out(tmp_path)
    content = f"[core]\n\tworktree = {tmp_path / 'work'}\n".encode()
    source = root / name
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(content)
    with (audit / "after.sha256").open("a") as list_of_files:
        list_of_files.write(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    with (audit / "before.sha256").open("a") as list_of_files:
        list_of_files.write(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = follow(audit, TMPDIR=str(temporary))
    assert (done.returncode == 0) is (name == "--help"), done.stderr
    assert [path.name for path in temporary.iterdir()] == [only.name for only in temporary.glob("tmp.*")]
    assert not [path for path in temporary.glob("tmp.*/.git/config") if b"worktree" in path.read_bytes()]


@pytest.mark.parametrize("where", ["tree", "patch", "before"])
def test_the_auditors_commands_notice_a_changed_byte(where: str, tmp_path: Path) -> None:
    root, audit = laid_out(tmp_path)
    if where == "tree":
        (root / "pkg/norm.py").write_bytes((root / "pkg/norm.py").read_bytes() + b"#")
    elif where == "patch":
        path = audit / "patches" / NAMES[1]
        path.write_bytes(path.read_bytes().replace(b"-    @torch", b"-    @orch"))
    else:
        path = audit / "before.sha256"
        path.write_bytes(path.read_bytes().translate(bytes.maketrans(b"0123", b"1230")))
    assert follow(audit).returncode != 0


def test_checksums_are_sha256sums_own(tmp_path: Path) -> None:
    """Odd names included, which sha256sum escapes."""
    odd = {"p/__init__.py": "", "p/old/__init__.py": "", "p/old/a\\b\nc\rd.txt": "odd", "p/old/ä .txt": "x"}
    tree = tree_of(odd)
    rename = {**RENAME, "parameters": {"module": "p.old", "to": "p.new"}}
    changeset = applied(tree, rename)
    folder = write(changed_tree(tree, changeset.changes), tmp_path)
    listed = audit_files(changeset, str(folder))["after.sha256"]
    run(["sha256sum", "--check", "--strict", "-"], folder, stdin=listed)
    wanted = run(["sha256sum", *sorted(change.path for change in changeset.changes)], folder)
    assert listed == wanted


def test_the_account_says_everything_for_machines() -> None:
    found = json.loads(audit_files(applied(), "/r")["changeset.json"])
    assert found == account(applied())
    assert (found["schemaVersion"], found["series"], found["release"]) == (1, "small", "1.5")
    rename, decorator = found["patches"]
    assert (rename["outcome"], decorator["outcome"]) == ("applied", "applied")
    assert rename["mentions"] == [{"kind": "not rewritten", "path": "notes.md", "line": 1, "text": "pkg.old"}]
    assert [patch["proof"] for patch in (rename, decorator)] == [
        {"method": "find", "found": 2, "foundAgain": 0},
        {"method": "find", "found": 1, "foundAgain": 0},
    ]
    assert rename["references"] == list(RENAME["references"])
    assert rename["files"] == ["pkg/my notes é.py", "pkg/new.py"]
    files = {file["path"]: file for file in found["files"]}
    assert list(files) == ["pkg/my notes é.py", "pkg/new.py", "pkg/norm.py"]
    assert files["pkg/new.py"]["renamedFrom"] == "pkg/old.py"
    for path, file in files.items():
        before, after = TREE[file["renamedFrom"] or path], PATCHED[path]
        for side, content in (("before", before.content), ("after", after.content)):
            digest = hashlib.sha256(content).hexdigest()
            assert file[side] == {"sha256": digest, "size": len(content), "mode": "0644"}


def test_names_that_are_not_utf8_are_accounted_for() -> None:
    name = b"p/old/\xff.txt".decode(errors="surrogateescape")
    tree = tree_of({"p/__init__.py": "", "p/old/__init__.py": "", name: "x"})
    files = audit_files(applied(tree, {**RENAME, "parameters": {"module": "p.old", "to": "p.new"}}), "/r")
    assert b"  p/new/\xff.txt\n" in files["after.sha256"]
    assert b"  p/old/\xff.txt\n" in files["patches/0001-rename-old.patch"]
