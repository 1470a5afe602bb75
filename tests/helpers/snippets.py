"""The Python examples of a page, run in order in one module, each with the output that the page shows."""

from __future__ import annotations

import contextlib
import io
import re
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run_snippets(
    page: str, module: str = "your_package", *, hosts: Mapping[str, str] | None = None
) -> Iterator[tuple[str, str]]:
    """For each Python block of a page, the output in the `text` block after it, and what it printed.

    Args:
        page: the page's name in docs/.
        module: the name of the module in which the blocks run; dataclasses and codemods are looked up there.
        hosts: the servers that replace those of the page, as `localhost:5000`, by what they replace.
    """
    blocks = BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    made = types.ModuleType(module)
    sys.modules[module] = made
    try:
        for position, (language, code) in enumerate(blocks):
            if language != "python":
                continue
            compiled = compile(_replaced(code, hosts or {}), f"docs/{page}, block {position}", "exec")
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compiled, vars(made))  # noqa: S102
            follows, expected = blocks[position + 1]
            assert follows == "text", f"docs/{page}, block {position}: every python block is followed by its output"
            yield expected, _replaced(out.getvalue(), {host: name for name, host in (hosts or {}).items()})
    finally:
        del sys.modules[module]


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for name, other in names.items():
        text = text.replace(name, other)
    return text
