"""The outcome of each patch of a series on a tree, and with which outcomes the series goes on."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from helpers.patches.series_files import DECORATOR, FILES, RENAME, applied, series_of
from helpers.patches.trees import Content, changed, contents, tree_of

from m2build.errors import PatchError
from m2build.patches.change import Codemod, FileChange, Finding, Rewrite, changed_tree
from m2build.patches.changeset import Outcome, apply_series, release_of
from m2build.patches.codemods.rename_module import RenameModule
from m2build.patches.tree import SourceFile, SourceTree


@dataclass(frozen=True)
class Says:
    """A codemod that reports the finding that it is given."""

    finding: str

    def apply(self, tree: SourceTree) -> Rewrite:
        before = tree["f"]
        changes = (FileChange("f", before, "f", SourceFile.of(before.content + b"+")),)
        return Rewrite(Finding(self.finding), "said so", changes if self.finding == "changed" else ())


CODEMODS: dict[str, type[Codemod]] = {"says": Says}


@pytest.mark.parametrize("accept", [(), ("already-applied",), ("done-otherwise",), ("already-applied", "not-needed")])
@pytest.mark.parametrize("when_absent", ["already-applied", "not-needed", "target-gone"])
@pytest.mark.parametrize("finding", list(Finding))
def test_outcomes_and_which_of_them_pass(finding: Finding, when_absent: str, accept: tuple[str, ...]) -> None:
    """Only `applied`, and what the patch accepts: `target-gone` and `conflict` always stop the series."""
    says = {"codemod": "says", "parameters": {"finding": str(finding)}, "when_absent": when_absent, "accept": accept}
    changeset = apply_series(series_of({**RENAME, **says}), tree_of({"f": ""}), CODEMODS)
    (result,) = changeset.results
    expected = {"changed": "applied", "absent": when_absent}.get(str(finding), str(finding))
    if finding is Finding.OTHERWISE and when_absent != "target-gone":
        expected = when_absent  # the patch says what it means that there is nothing to change
    assert (str(result.outcome), result.detail) == (expected, "said so")
    assert bool(changeset.changes) == (finding is Finding.CHANGED)
    if expected == "applied" or expected in accept:
        assert changeset.checked() is changeset
    else:
        with pytest.raises(PatchError, match=rf"the patch rename-old does not apply to test \({expected}\): said so"):
            changeset.checked()


@pytest.mark.parametrize(
    ("release", "releases", "outcome"),
    [
        ("1.5", ">=1.0,<2", "applied"),
        ("2.0", ">=1.0,<2", "not-needed"),
        ("1.5.post1", "==1.5.*", "applied"),
        ("1.5rc1", ">=1.0,<2", "applied"),
        ("1.5.dev3+g123", ">=1.0", "applied"),
        ("0.9.dev1", ">=1.0,<2", "not-needed"),
        ("2.1.dev1", ">=1.0,<2", "not-needed"),
        ("1.5rc1", ">=1.0,!=1.5rc1", "not-needed"),
        ("0.9", "!=0.9", "not-needed"),
        ("0.9", "", "applied"),
        (None, ">=99", "applied"),
    ],
)
def test_releases_decide_before_the_codemod_does(release: str | None, releases: str, outcome: str) -> None:
    """A tree of unknown release is patched, since the codemod looks at the bytes."""
    patch = {**RENAME, "codemod": "says", "parameters": {"finding": "changed"}, "releases": releases}
    tree = SourceTree({"f": SourceFile.of(b"")}, origin="test", release=release)
    (result,) = apply_series(series_of(patch), tree, CODEMODS).results
    assert str(result.outcome) == outcome
    if outcome == "not-needed":
        assert result.detail == f"release {release} is not among {releases}"


@pytest.mark.parametrize(
    ("files", "release"),
    [
        ({"my_pkg/_version.py": "__version__ = version = '0.5.7'\n"}, "0.5.7"),
        ({"my_pkg/version.py": 'version = "1.2.dev3"\n', "my_pkg/__init__.py": "__version__ = '9'\n"}, "1.2.dev3"),
        ({"my_pkg/__init__.py": "import x\n__version__ = '2.0'\r\n"}, "2.0"),
        ({"my_pkg/__init__.py": "__version__ = 'unknown'\n"}, None),
        ({"my_pkg/__init__.py": '"""Say\n\nversion = "1.0"\n"""\n'}, None),
        ({"my_pkg/__init__.py": '"""\n__version__ = "1.0"\n"""\n__version__ = "2.0"\n'}, "2.0"),
        ({"my_pkg/version.py": "version = (\n"}, None),
        ({"my_pkg/__init__.py": "__version__ = get()\n__version_info__ = '1.0'\n"}, None),
        ({"other/__init__.py": "__version__ = '2.0'\n"}, None),
    ],
)
def test_a_tree_knows_its_release(files: dict[str, Content], release: str | None) -> None:
    assert release_of(tree_of(files), "my-pkg") == release
    assert release_of(SourceTree(dict(tree_of(files)), origin="test", release="7"), "my-pkg") == "7"


@pytest.mark.parametrize("finding", ["changed", "already-applied", "done-otherwise", "absent", "target-gone"])
@pytest.mark.parametrize("release", ["2.0.dev3", "2.0rc1", "2.0.dev3+g123", "1.0.post1.dev2"])
def test_a_build_before_a_bound_of_the_releases_is_judged_by_its_code(release: str, finding: str) -> None:
    """PEP 440 says that `<2` leaves out 2.0rc1, which may or may not have what makes the patch unnecessary."""
    patch = {**RENAME, "codemod": "says", "parameters": {"finding": finding}, "releases": ">=1.0.post1,<2.0"}
    tree = SourceTree({"f": SourceFile.of(b"")}, origin="test", release=release)
    (result,) = apply_series(series_of(patch), tree, CODEMODS).results
    expected = {"changed": "applied", "already-applied": "already-applied"}.get(finding, "not-needed")
    assert str(result.outcome) == expected
    if expected == "not-needed":
        assert result.detail == f"release {release} is a build before a bound of >=1.0.post1,<2.0, and said so"


def test_a_missing_module_is_never_taken_for_nothing_left_to_do() -> None:
    """Whatever the patch says that an absence means: the folder may be the wrong one."""
    lenient = {"when_absent": "already-applied", "accept": ("already-applied", "not-needed")}
    for patch, detail in [
        ({**DECORATOR, **lenient, "parameters": {"module": "nope", "decorator": "d.x"}}, "module nope does not exist"),
        ({**DECORATOR, **lenient, "parameters": {"module": "m", "decorator": "d.x", "within": "g"}}, "m.py has no g"),
        ({**RENAME, **lenient, "parameters": {"module": "a.b", "to": "a.c"}}, "neither a.b nor a.c exists"),
    ]:
        (result,) = applied(tree_of({"m.py": "def f(): ...\n"}), patch).results
        assert (result.outcome, result.passes) == (Outcome.TARGET_GONE, False)
        assert detail in result.detail


def test_each_patch_works_on_what_the_one_before_left() -> None:
    then = {**RENAME, "id": "then", "parameters": {"module": "pkg.new", "to": "pkg.newest"}}
    changeset = applied(tree_of(FILES), RENAME, DECORATOR, then).checked()
    tree = changed_tree(tree_of(FILES), changeset.changes)
    once, _ = changed(RenameModule("pkg.old", "pkg.newest"), tree_of(FILES))
    assert tree["pkg/my notes é.py"].content == b"from pkg import newest as old\r\nfrom pkg.newest import value\r\n"
    assert set(contents(tree)) == set(contents(once))
    assert [(change.old_path, change.path) for change in changeset.changes if change.renamed] == [
        ("pkg/old.py", "pkg/newest.py")
    ]


def test_what_cancels_out_is_no_change() -> None:
    back = {**RENAME, "id": "back", "parameters": {"module": "pkg.new", "to": "pkg.old"}}
    files: dict[str, Content] = {"pkg/__init__.py": "", "pkg/old.py": "", "use.py": "from pkg.old import x\n"}
    changeset = applied(tree_of(files), RENAME, back)
    assert [result.outcome for result in changeset.results] == [Outcome.APPLIED, Outcome.APPLIED]
    assert changeset.changes == ()


def test_a_file_that_does_not_parse_stops_the_patch_by_name() -> None:
    with pytest.raises(PatchError, match=r"^the patch rename-old stops: bad\.py:1:\d+ does not parse"):
        applied(tree_of({**FILES, "bad.py": "from pkg.old import (\n"}))
