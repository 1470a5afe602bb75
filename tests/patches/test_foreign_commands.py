"""libcst's own commands, and one of another distribution: a series changes a file as libcst's tool does."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from helpers.patches.trees import read, tree_of, write
from helpers.support import sampled
from libcst.tool import main

from m2build.patches.change import Finding
from m2build.patches.foreign.codemod import LibcstCodemod
from m2build.testing import assert_codemod

COMMANDS: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "libcst.codemod.commands.convert_format_to_fstring.ConvertFormatStringCommand": (
        {"allow_await": True}, ["--allow-await"], "async def f(x): return '{} {}'.format(await x, x)  # c\n"),
    "libcst.codemod.commands.convert_percent_format_to_fstring.ConvertPercentFormatStringCommand": (
        {}, [], "v = 'a %s' % v\n"),
    "libcst.codemod.commands.unnecessary_format_string.UnnecessaryFormatString": ({}, [], "v = f'plain', f'{v}'\n"),
    "libcst.codemod.commands.remove_unused_imports.RemoveUnusedImportsCommand": (
        {}, [], "import os, sys\nfrom a import (\n    b,\n    c,\n)\nsys.exit(c)\n"),
    "autotyping.autotyping.AutotypeCommand": (
        {"none_return": True, "bool_param": True, "annotate_optional": ["x:a.B"]},
        ["--none-return", "--bool-param", "--annotate-optional", "x:a.B"],
        "def f(x=None, y=True):\n    print(x)\n"),
    "libcst.codemod.commands.rename.RenameCommand": (
        {"old_name": "a.b", "new_name": "c.d"}, ["--old_name", "a.b", "--new_name", "c.d"], "from a import b\nb()\n"),
    "libcst.codemod.commands.convert_union_to_or.ConvertUnionToOrCommand": (
        {}, [], "from typing import Union\ndef f(x: Union[int, str]): ...\n"),
    "libcst.codemod.commands.ensure_import_present.EnsureImportPresentCommand": (
        {"module": "os", "entity": "path"}, ["--module", "os", "--entity", "path"], '"""Doc."""\nimport sys\n'),
    "libcst.codemod.commands.strip_strings_from_types.StripStringsCommand": (
        {}, [], "def f(x: 'int') -> 'str': ...\n"),
    "libcst.codemod.commands.convert_namedtuple_to_dataclass.ConvertNamedTupleToDataclassCommand": (
        {}, [], "from typing import NamedTuple\n\n\nclass P(NamedTuple):\n    x: int\n"),
    "libcst.codemod.commands.rename_typing_generic_aliases.RenameTypingGenericAliases": (
        {}, [], "from typing import List\nv: List[int] = []\n"),
    "libcst.codemod.commands.add_pyre_directive.AddPyreStrictCommand": ({}, [], "#!/bin/sh\n# c\nv = 1\n"),
}  # fmt: skip
PATHS = {name: f"p/{name.rpartition('.')[2]}.py" for name in COMMANDS}


def by_the_tool(name: str, folder: Path) -> bytes:
    """What `python -m libcst.tool codemod` makes of a command's source, in this process."""
    _, arguments, source = COMMANDS[name]
    write(tree_of({PATHS[name]: source}), folder)
    with contextlib.chdir(folder):
        failed = main("libcst.tool", ["codemod", "-x", name, *arguments, "--no-format", "--jobs", "1", PATHS[name]])
    assert not failed, name
    return read(folder)[PATHS[name]][0]


@pytest.mark.parametrize("name", sampled(COMMANDS, every=6), ids=PATHS.values())
def test_a_series_makes_of_a_file_what_the_tool_makes_of_it(name: str, tmp_path: Path) -> None:
    arguments, _, source = COMMANDS[name]
    codemod = LibcstCodemod(name, ("p/*.py",), None, arguments, ("libcst", "autotyping"))
    assert_codemod(codemod, {PATHS[name]: source, "p/other.txt": source}, {PATHS[name]: by_the_tool(name, tmp_path)})


@pytest.mark.parametrize(
    ("name", "arguments", "source"),
    [
        ("rename.RenameCommand", {"old_name": "torch.compile", "new_name": "torch.jit.script"},
         "import torch\n\n\n@torch.compile\ndef f(): return torch.nn\n"),
        ("add_trailing_commas.AddTrailingCommas", {}, "def f(\n    x, y\n): ...\n"),
    ],
)  # fmt: skip
def test_commands_that_change_their_own_result_again_are_refused(
    name: str, arguments: dict[str, Any], source: str
) -> None:
    """These two of libcst 1.9 do: one adds an import twice, one moves a closing parenthesis."""
    codemod = LibcstCodemod(f"libcst.codemod.commands.{name}", ("*.py",), None, arguments, ("libcst",))
    rewrite = codemod.apply(tree_of({"m.py": source}))
    assert rewrite.finding is Finding.CONFLICT
    assert "changes its own result when it is run again" in rewrite.detail
