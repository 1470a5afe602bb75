"""docs/running.md: its Python prints what it says, and its batch script is one."""

from __future__ import annotations

import re
import subprocess

from helpers.snippets import DOCS, run_snippets
from helpers.support import need_tool

from m2build.running.model import Devices
from m2build.running.security import RULES, Security

PAGE = (DOCS / "running.md").read_text(encoding="utf-8")


def test_the_snippet_prints_what_the_page_says() -> None:
    ((expected, printed),) = run_snippets("running.md")
    assert printed == expected


def test_bash_reads_the_blocks_of_the_page() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert any("#SBATCH" in block for block in blocks)
    for block in blocks:
        done = subprocess.run([need_tool("bash"), "-n"], input=block, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_tables_have_every_profile_and_every_way_to_the_gpus() -> None:
    assert f"| | {' | '.join(f'`{security}`' for security in Security)} |" in PAGE
    assert [device for device in Devices if f"| `{device}` |" not in PAGE] == []
    assert RULES.keys() == set(Security)
