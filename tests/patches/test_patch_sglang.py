"""The shipped series on SGLang 0.5.7's published sources: four files, judged by git, Python and `ast` alone."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.patches.judges import Judge, git_apply, gnu_patch
from helpers.patches.trees import contents, files_after, files_before, imported_modules, read, write
from helpers.support import sampled_rows

from m2build.errors import PatchError
from m2build.patches.change import changed_tree
from m2build.patches.changeset import Changeset, apply_series
from m2build.patches.diff import git_diff
from m2build.patches.loading import load_series
from m2build.patches.patch_files import patch_files
from m2build.patches.registry import load_codemods
from m2build.patches.series import Series
from m2build.patches.tree import SourceFile, SourceTree

MODELS = "sglang/srt/models"
OLD, NEW = f"{MODELS}/transformers.py", f"{MODELS}/hf_transformers_model.py"
NORM = f"{MODELS}/minimax_m2.py"
IMPORTERS = [f"{MODELS}/deepseek_ocr.py", f"{MODELS}/kimi_linear.py"]
DECORATOR = b"    @torch.compile(dynamic=True, backend=get_compiler_backend())\n"
IMPORT = b"from sglang.srt.models.transformers import maybe_prefix\n"


def run_series(tree: SourceTree) -> Changeset:
    return apply_series(load_series("minimax-m2-rocm"), tree, load_codemods())


@pytest.fixture(scope="module")
def changeset(sglang_tree: SourceTree) -> Changeset:
    return run_series(sglang_tree).checked()


@pytest.fixture(scope="module")
def patched(sglang_tree: SourceTree, changeset: Changeset) -> SourceTree:
    return changed_tree(sglang_tree, changeset.changes)


@pytest.fixture(scope="module")
def touched(sglang_tree: SourceTree) -> SourceTree:
    """The files that have to change, and one that must not, as a small tree to write to disk."""
    paths = [OLD, NORM, *IMPORTERS, f"{MODELS}/llama.py"]
    return SourceTree({path: sglang_tree[path] for path in paths}, origin="test", release="0.5.7")


def test_exactly_four_files_change(sglang_tree: SourceTree, patched: SourceTree) -> None:
    before, after = contents(sglang_tree), contents(patched)
    assert len(after) == len(before) == 1550
    assert before.keys() - after.keys() == {OLD}
    assert after.keys() - before.keys() == {NEW}
    assert {path for path in before.keys() & after.keys() if before[path] != after[path]} == {NORM, *IMPORTERS}
    assert {file.mode for file in patched.values()} == {file.mode for file in sglang_tree.values()}


def test_the_edits_are_those_of_the_document_and_its_importers(sglang_tree: SourceTree, patched: SourceTree) -> None:
    before = contents(sglang_tree)
    assert patched[NEW].content == before[OLD]
    assert before[NORM].count(DECORATOR) == 1
    assert patched[NORM].content == before[NORM].replace(DECORATOR, DECORATOR.replace(b"@", b"# @"))
    new_import = IMPORT.replace(b".transformers ", b".hf_transformers_model ")
    for path in IMPORTERS:
        assert before[path].count(IMPORT) == 1
        assert patched[path].content == before[path].replace(IMPORT, new_import)


def test_the_sources_are_the_ones_whose_hashes_are_known(changeset: Changeset, patched: SourceTree) -> None:
    before, after = files_before(changeset.changes), files_after(changeset.changes)
    assert before[OLD].sha256 == "95a036877f4c3de88058abf80c4834c9dadefb5a725d61524606be9f0cb51d49"
    assert before[NORM].sha256 == "9c2a3040034d226ffe063ba22410736329938704ab156b5cfd53e9c18df63c63"
    assert len(before) == len(after) == 4
    for path, file in after.items():
        assert file.sha256 == hashlib.sha256(patched[path].content).hexdigest()


def test_every_touched_file_compiles(changeset: Changeset) -> None:
    after = files_after(changeset.changes)
    assert len(after) == 4
    for path, file in after.items():
        compile(file.content, path, "exec", dont_inherit=True)


@pytest.mark.sweep
def test_no_import_of_the_old_name_is_left(sglang_tree: SourceTree, patched: SourceTree) -> None:
    """By the test's own search: every import statement of every file, relative ones resolved."""

    def importers(tree: SourceTree, module: str) -> list[str]:
        return [path for path, file in tree.items() if module in imports(path, file.content)]

    @functools.cache
    def imports(path: str, content: bytes) -> frozenset[str]:
        # A file that does not spell the last word of either name imports neither.
        concerned = path.endswith(".py") and (b"transformers" in content)
        return frozenset(imported_modules(path, content)) if concerned else frozenset()

    old, new = "sglang.srt.models.transformers", "sglang.srt.models.hf_transformers_model"
    assert importers(sglang_tree, old) == IMPORTERS
    assert importers(patched, old) == []
    assert importers(patched, new) == IMPORTERS
    hugging_face = importers(sglang_tree, "transformers")
    assert len(hugging_face) > 50
    assert importers(patched, "transformers") == sorted(NEW if path == OLD else path for path in hugging_face)


@pytest.mark.parametrize("judge", [git_apply, gnu_patch])
def test_the_diff_gives_the_same_bytes_and_back(
    judge: Judge, touched: SourceTree, patched: SourceTree, changeset: Changeset, tmp_path: Path
) -> None:
    folder = write(touched, tmp_path)
    pristine = read(folder)
    diff = git_diff(changeset.changes)
    judge(diff, folder)
    wanted = [NEW, NORM, *IMPORTERS, f"{MODELS}/llama.py"]
    assert read(folder) == {path: (patched[path].content, patched[path].mode) for path in sorted(wanted)}
    judge(diff, folder, reverse=True)
    assert read(folder) == pristine
    for name, content in patch_files(changeset).items():
        if name != "series":
            judge(content, folder)
    assert set(read(folder)) == set(wanted)


def test_the_diff_is_small_and_readable(changeset: Changeset) -> None:
    diff = git_diff(changeset.changes).decode()
    changed = [line for line in diff.splitlines() if re.match(r"[-+](?![-+])", line)]
    assert changed == [
        "-from sglang.srt.models.transformers import maybe_prefix",
        "+from sglang.srt.models.hf_transformers_model import maybe_prefix",
        "-from sglang.srt.models.transformers import maybe_prefix",
        "+from sglang.srt.models.hf_transformers_model import maybe_prefix",
        "-    @torch.compile(dynamic=True, backend=get_compiler_backend())",
        "+    # @torch.compile(dynamic=True, backend=get_compiler_backend())",
    ]
    assert f"similarity index 100%\nrename from {OLD}\nrename to {NEW}\n" in diff
    assert "@@ -99,7 +99,7 @@\n" in diff
    assert len(diff.splitlines()) < 60


def test_twice_is_once(patched: SourceTree) -> None:
    again = run_series(patched).checked()
    assert [str(result.outcome) for result in again.results] == ["already-applied", "already-applied"]
    assert again.changes == ()


def moved(tree: SourceTree) -> SourceTree:
    """The document's `mv`."""
    return tree.replaced({OLD: None, NEW: tree[OLD]})


def hand_edited(spelling: bytes) -> Callable[[SourceTree], SourceTree]:
    """The document's second step, edited by hand."""

    def edit(tree: SourceTree) -> SourceTree:
        content = tree[NORM].content.replace(DECORATOR, spelling)
        assert content != tree[NORM].content
        return tree.replaced({NORM: SourceFile.of(content)})

    return edit


NO_SPACE, SPACE = DECORATOR.replace(b"@", b"#@"), DECORATOR.replace(b"@", b"# @")


@pytest.mark.parametrize(
    ("by_hand", "outcomes", "paths"),
    sampled_rows(
        [
            ([moved], ["applied", "applied"], [*IMPORTERS, NORM]),
            ([hand_edited(NO_SPACE)], ["applied", "already-applied"], [IMPORTERS[0], NEW, IMPORTERS[1]]),
            ([hand_edited(SPACE)], ["applied", "already-applied"], [IMPORTERS[0], NEW, IMPORTERS[1]]),
            ([moved, hand_edited(NO_SPACE)], ["applied", "already-applied"], IMPORTERS),
        ],
        every=3,
    ),
    ids=["mv", "comment", "comment as ours", "both"],
)
def test_a_tree_edited_by_the_document_is_completed(
    by_hand: list[Callable[[SourceTree], SourceTree]], outcomes: list[str], paths: list[str],
    sglang_tree: SourceTree, patched: SourceTree,
) -> None:  # fmt: skip
    """The plain `mv` leaves two importers broken: DeepSeek-OCR and Kimi-Linear silently go unregistered."""
    tree = sglang_tree
    for step in by_hand:
        tree = step(tree)
    changeset = run_series(tree).checked()
    assert [str(result.outcome) for result in changeset.results] == outcomes
    assert [change.path for change in changeset.changes] == paths
    result = contents(changed_tree(tree, changeset.changes))
    differing = {path for path, content in result.items() if content != patched[path].content}
    assert differing <= {NORM}


@pytest.mark.parametrize("spelling", [b"", NO_SPACE.lstrip()], ids=["deleted", "in column 0"])
def test_a_decorator_that_was_removed_otherwise_says_how_to_accept_that(spelling: bytes, touched: SourceTree) -> None:
    tree = hand_edited(spelling)(touched)
    with pytest.raises(
        PatchError, match=r"disable-rmsnorm-compile does not apply to sglang 0\.5\.7 \(done-otherwise\)"
    ) as raised:
        run_series(tree).checked()
    assert "`without: [disable-rmsnorm-compile]`" in str(raised.value.hint)
    (rename, norm) = load_series("minimax-m2-rocm").patches
    accepting = norm.model_copy(update={"accept": ("done-otherwise",)})
    series = Series.of(rename, accepting, id="mine", summary="Mine", distribution="sglang")
    assert [str(result.outcome) for result in apply_series(series, tree).checked().results] == [
        "applied",
        "done-otherwise",
    ]


def test_a_tree_without_the_module_is_refused(touched: SourceTree) -> None:
    with pytest.raises(PatchError, match=r"rename-transformers-module does not apply .*\(target-gone\): neither "):
        run_series(touched.replaced({OLD: None})).checked()


def test_both_names_present_is_a_conflict(touched: SourceTree) -> None:
    with pytest.raises(PatchError, match=rf"\(conflict\): .* exists already \({NEW}\)"):
        run_series(touched.replaced({NEW: SourceFile.of(b"")})).checked()


@pytest.mark.parametrize(
    ("release", "outcomes"),
    sampled_rows(
        [
            ("0.5.3", ["not-needed", "not-needed"]),
            ("0.5.3.post3", ["applied", "not-needed"]),
            ("0.5.4.post1", ["applied", "applied"]),
            ("0.5.8.post1", ["applied", "applied"]),
            # A build before 0.5.9 is judged by its code, which has the decorator.
            ("0.5.9.dev3", ["applied", "applied"]),
            ("0.5.9rc1", ["applied", "applied"]),
            ("0.5.9", ["applied", "not-needed"]),
            ("0.5.23", ["applied", "not-needed"]),
        ],
        every=2,
    ),
)
def test_each_patch_is_for_its_releases(release: str, outcomes: list[str], touched: SourceTree) -> None:
    tree = SourceTree(dict(touched), origin="test", release=release)
    assert [str(result.outcome) for result in run_series(tree).results] == outcomes
