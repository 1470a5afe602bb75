"""`m2build.testing` checks codemods as documented, and its failures show the difference."""

from __future__ import annotations

import codecs
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from m2build.errors import PatchError, UsageError
from m2build.patches import (
    FileChange,
    Finding,
    LibcstCodemod,
    RemoveDecorator,
    RenameModule,
    Rewrite,
    SourceFile,
    SourceTree,
)
from m2build.testing import assert_codemod, assert_unchanged

BEFORE = {"a.py": "x = 1\n\ny = 2\n", "b.py": "x = 1\n"}
AFTER = {"a.py": "x = 1\n\ny = 3\n"}
EXPECTED = """\
:
--- a.py, expected
+++ a.py, found
@@ -1,3 +1,3 @@
"""


@dataclass(frozen=True)
class Careless:
    """Replaces 2 by 3 in a.py, and does one thing wrong."""

    fault: str = ""

    def apply(self, tree: SourceTree) -> Rewrite:
        before = tree["a.py"]
        content, mode, path = before.content.replace(b"2", b"3"), before.mode, "a.py"
        match self.fault:
            case "line ends":
                content = content.replace(b"\r\n", b"\n")
            case "one line end":
                content = content.replace(b"3\r\n", b"3\n")
            case "mark":
                content = content.removeprefix(codecs.BOM_UTF8)
            case "mode":
                mode = 0o644
            case "more":
                content += b"2\n"
            case "syntax":
                content += b"2 +\n"
            case "path":
                path = "c.py"
            case "raises":
                raise ValueError("too loud")
        if content == before.content and path == "a.py":
            return Rewrite(Finding.ABSENT, "there is no 2")
        return Rewrite(Finding.CHANGED, "2 is 3", (FileChange("a.py", before, path, SourceFile.of(content, mode)),))


def test_one_that_is_careful_passes() -> None:
    result = assert_codemod(Careless(), BEFORE, AFTER)
    assert (str(result.outcome), result.detail) == ("applied", "2 is 3")
    assert assert_unchanged(Careless(), {"a.py": "x = 1\n"}).detail == "there is no 2"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "line ends",
            f"gives a different tree, with Windows line ends{EXPECTED}-x = 1\\r\n-\\r\n-y = 3\\r\n+x = 1\n+\n+y = 3",
        ),
        ("one line end", f"gives a different tree, with Windows line ends{EXPECTED} x = 1\\r\n \\r\n-y = 3\\r\n+y = 3"),
        ("mark", f"gives a different tree, with a byte order mark{EXPECTED}-\\ufeffx = 1\n+x = 1\n \n y = 3"),
        ("mode", "gives a different tree, with the mode 0755:\na.py has the mode 0644, expected 0755"),
        ("path", "gives a different tree:\na.py is missing\nc.py is not expected"),
    ],
)
def test_what_is_done_wrong_is_shown(fault: str, message: str) -> None:
    with pytest.raises(AssertionError) as raised:
        assert_codemod(Careless(fault), BEFORE, AFTER)
    assert str(raised.value) == f"Careless(fault={fault!r}) {message}"


def test_a_difference_is_a_unified_diff() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_codemod(Careless(), BEFORE, {"a.py": "x = 1\n\ny = 4"})
    assert str(raised.value).endswith(f"{EXPECTED} x = 1\n \n-y = 4\n\\ No newline at end of file\n+y = 3")


@pytest.mark.parametrize(
    ("fault", "after", "message"),
    [
        ("more", "x = 1\n\ny = 3\n2\n", "changes its own result:\n--- a.py, expected\n+++ a.py, found"),
        ("syntax", "x = 1\n\ny = 3\n2 +\n", "a.py does not compile after the change: invalid syntax"),
    ],
)
def test_a_result_that_changes_again_or_is_not_python_fails(fault: str, after: str, message: str) -> None:
    with pytest.raises(AssertionError) as raised:
        assert_codemod(Careless(fault), BEFORE, {"a.py": after})
    assert message in str(raised.value)


def test_nothing_to_change_is_not_a_change() -> None:
    with pytest.raises(AssertionError, match="ends with target-gone, not applied: there is no 2"):
        assert_codemod(Careless(), {"a.py": "x = 1\n"}, {})


@pytest.mark.parametrize(
    ("finding", "message"),
    [
        (Finding.ABSENT, "ends with applied, not target-gone: 2 is 3"),
        (Finding.ALREADY_APPLIED, "ends with applied, not already-applied: 2 is 3"),
        (Finding.CONFLICT, "ends with applied, not conflict: 2 is 3"),
    ],
)
def test_a_change_fails_assert_unchanged(finding: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        assert_unchanged(Careless(), BEFORE, finding)


def test_the_reason_for_no_change_counts() -> None:
    files = {"app/__init__.py": "", "app/new.py": ""}
    assert_unchanged(RenameModule("app.old", "app.new"), files, Finding.ALREADY_APPLIED)
    assert_unchanged(RenameModule("app.old", "app.new"), {**files, "app/old.py": ""}, Finding.CONFLICT)
    with pytest.raises(AssertionError, match="ends with already-applied, not target-gone"):
        assert_unchanged(RenameModule("app.old", "app.new"), files)


def test_mentions_are_compared_if_they_are_given() -> None:
    files = {"app/__init__.py": "", "app/old.py": "", "notes.md": "see app.old\n"}
    after = {"app/old.py": None, "app/new.py": ""}
    rename = RenameModule("app.old", "app.new")
    assert_codemod(rename, files, after, mentions=["not rewritten: notes.md:1: see app.old"])
    with pytest.raises(
        AssertionError, match=r"gives different mentions:\n(?s:.*)\n\+not rewritten: notes\.md:1: see app"
    ):
        assert_codemod(rename, files, after, mentions=[])


def test_a_libcst_codemod_is_tested_in_the_same_way() -> None:
    codemod = LibcstCodemod("their_codemods.PosixPath", files=("**/*.py",), allow=("their_codemods",))
    after = {"a/b.py": "import posixpath\n\nposixpath.join\n"}
    assert_codemod(codemod, {"a/b.py": "import os\nos.path.join\n", "c.txt": "os.path.join"}, after)


def test_modes_and_other_encodings_are_kept() -> None:
    content = "# coding: latin-1\nimport torch\n@torch.compile\ndef é(): ...\n".encode("latin-1")
    after = SourceFile.of(content.replace(b"@", b"# @"), 0o750)
    assert_codemod(RemoveDecorator("a", "torch.compile"), {"a.py": SourceFile.of(content, 0o750)}, {"a.py": after})
    with pytest.raises(AssertionError, match=r"a\.py has the mode 0750, expected 0644"):
        assert_codemod(
            RemoveDecorator("a", "torch.compile"), {"a.py": SourceFile.of(content, 0o750)}, {"a.py": after.content}
        )


def test_what_a_series_would_refuse_is_refused() -> None:
    with pytest.raises(UsageError, match="Careless is a class"):
        assert_codemod(Careless, BEFORE, AFTER)  # type: ignore[arg-type]
    with pytest.raises(PatchError, match=r"Careless of the module \w+ raised ValueError: too loud"):
        assert_codemod(Careless("raises"), BEFORE, AFTER)


def test_it_needs_no_test_runner() -> None:
    script = "import sys, m2build.testing; print([name for name in ('pytest', 'unittest') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_a_change_is_not_a_reason_to_change_nothing() -> None:
    with pytest.raises(UsageError, match="changed is not a reason to change nothing"):
        assert_unchanged(Careless(), BEFORE, Finding.CHANGED)  # type: ignore[arg-type]  # the mistake
