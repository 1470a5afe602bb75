"""Checks for authors of codemods, series and recipes, in any test runner.

They are to trees what `assertCodemod` of `libcst.codemod.CodemodTest` is to a text: what is there before, what is to be
there afterwards. Nothing is dedented or normalised, since bytes count. What does not hold is an `AssertionError` with a
unified diff; what the codemod, the series or the recipe itself raises passes.

Example:
    >>> from m2build.patches import RemoveDecorator
    >>> result = assert_codemod(
    ...     RemoveDecorator("app", "torch.compile"),
    ...     {"app.py": "import torch\\n\\n@torch.compile\\ndef f(): ...\\n", "notes.md": "torch.compile\\n"},
    ...     {"app.py": "import torch\\n\\n# @torch.compile\\ndef f(): ...\\n"},
    ... )
    >>> result.detail
    'torch.compile commented out on f (line 3) in app.py'
"""

from __future__ import annotations

from m2build.testing.codemods import assert_codemod, assert_unchanged
from m2build.testing.recipes import assert_commands, assert_series

__all__ = ["assert_codemod", "assert_commands", "assert_series", "assert_unchanged"]


def __dir__() -> list[str]:
    return __all__
