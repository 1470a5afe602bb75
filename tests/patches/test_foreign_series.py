"""A series that names a libcst codemod, on the command line and in Python: it allows packages by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.commands import refused, succeeds
from helpers.patches.series_files import DECORATOR, series_of
from helpers.patches.trees import text, tree_of, write

from m2build.errors import UsageError
from m2build.patches.change import changed_tree
from m2build.patches.changeset import apply_series
from m2build.patches.loading import load_series
from m2build.patches.registry import load_codemods
from m2build.patches.sources import from_directory

STRIP = "libcst:libcst.codemod.commands.strip_strings_from_types.StripStringsCommand"
SERIES = f"""\
id: mine
summary: A libcst command
distribution: pkg
codemods:
  allow: [libcst]
patches:
  - id: strip
    summary: Annotations without quotes
    why: They are not needed.
    codemod: {STRIP}
    parameters: {{files: ["pkg/**/*.py"], spelling: f}}
    releases: ""
    when_absent: already-applied
    accept: [already-applied]
    author: Me
    last_update: 2026-11-23
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tree_of({"pkg/a.py": "def f(x: 'int'): ...\n", "pkg/b.py": "def g(x: 'int'): ...\n"}), tmp_path / "tree")
    (tmp_path / "mine.yaml").write_text(SERIES)
    return tmp_path


def patch(verb: str, folder: Path, *options: str) -> list[str | Path]:
    return ["patch", verb, "--series", folder / "mine.yaml", "--source", folder / "tree", *options]


def test_it_is_applied_once(folder: Path) -> None:
    out = succeeds(*patch("apply", folder))
    assert "applied          strip\n    1 file changed by libcst.codemod.commands.strip_strings" in out
    assert (folder / "tree/pkg/a.py").read_text().endswith("\ndef f(x: int): ...\n")
    assert (folder / "tree/pkg/b.py").read_text() == "def g(x: 'int'): ...\n"
    assert succeeds(*patch("status", folder, "--check")).startswith("already-applied  strip")


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ("  allow: [libcst]", "  allow: []", "is not imported, because the series does not allow it"),
        ("  allow: [libcst]", "  allow: [lib]", "is not imported"),
        ("  allow: [libcst]", "  allow: ['*']", "mine.yaml:5:"),
        (STRIP, "libcst:libcst.Module", "libcst.Module is not a libcst codemod that can be run"),
        (STRIP, "libcst:libcst.nothing.Here", "there is no module libcst.nothing"),
        (STRIP, "libcst:Here", "mine.yaml:10:"),
        ("spelling: f", "speling: f", "an unknown parameter: 'speling'; did you mean 'spelling'?"),
        ("spelling: f", "allow: [os]", "an unknown parameter: 'allow'"),
        ("spelling: f", "arguments: {x: 1}", "the patch strip: unknown argument 'x'"),
        ('files: ["pkg/**/*.py"]', "files: []", "the patch strip: no files are named"),
        ('files: ["pkg/**/*.py"]', "files: pkg", "the patch strip, parameter files: "),
    ],
)
def test_a_mistake_in_it_is_refused(line: str, instead: str, message: str, folder: Path) -> None:
    (folder / "mine.yaml").write_text(SERIES.replace(line, instead))
    with pytest.raises(UsageError) as raised:
        apply_series(load_series(str(folder / "mine.yaml")), from_directory(folder / "tree"), load_codemods())
    assert message in str(raised.value)


def test_what_is_not_allowed_ends_with_exit_code_2_and_the_line_to_add(folder: Path) -> None:
    (folder / "mine.yaml").write_text(SERIES.replace("[libcst]", "[other]"))
    assert "add this to the series: codemods: {allow: [other, libcst]}" in refused(2, *patch("diff", folder))


def test_what_breaks_while_it_is_imported_is_reported(folder: Path) -> None:
    (folder / "site").mkdir()
    (folder / "site" / "theirs.py").write_text("raise RuntimeError('no')\n")
    text_of_series = SERIES.replace("[libcst]", "[theirs]").replace(STRIP, "libcst:theirs.Shout")
    (folder / "mine.yaml").write_text(text_of_series)
    stderr = refused(4, *patch("diff", folder), environment={"PYTHONPATH": str(folder / "site")})
    assert "the patch strip stops: theirs cannot be imported: RuntimeError('no')" in stderr


def foreign(name: str, **parameters: Any) -> dict[str, Any]:
    return {**DECORATOR, "id": "foreign", "codemod": f"libcst:their_codemods.{name}", "parameters": parameters}


def test_in_python_the_caller_may_allow_it() -> None:
    series = series_of(foreign("PosixPath", files=["*.py"]))
    tree = tree_of({"a.py": "import os\nos.path.join\n"})
    with pytest.raises(UsageError, match=r"the patch foreign: their_codemods\.PosixPath is not imported"):
        apply_series(series, tree, load_codemods())
    changeset = apply_series(series, tree, load_codemods(), allow=["their_codemods"])
    assert text(changed_tree(tree, changeset.changes), "a.py") == "import posixpath\n\nposixpath.join\n"


def test_a_series_that_names_none_does_not_import_libcsts_codemods(folder: Path) -> None:
    import subprocess
    import sys

    write(tree_of({"pkg/old.py": "", "pkg/use.py": "from pkg import old\n"}), folder / "tree")
    script = (
        "import sys; from m2build.patches.codemods.rename_module import RenameModule; from pathlib import Path; "
        "from m2build.patches.sources import from_directory; "
        "print(RenameModule('pkg.old', 'pkg.new').apply(from_directory(Path('tree'))).finding); "
        "print([name for name in ('libcst', 'libcst.codemod', 'libcst.matchers') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-P", "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    assert run.stdout == "changed\n['libcst']\n"
