"""docs/first-request.md: curl and the openai package talk to a stand-in, and print what the page shows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from itertools import pairwise

import pytest
from helpers.serving.stand_in import APPENDING, SEPARATING, pieces, stand_in, whole
from helpers.snippets import BLOCK, DOCS, run_snippets
from helpers.support import need_tool

from m2build.recipes.load import load_recipe

PAGE = (DOCS / "first-request.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """The page's two servers: the profile's reasoning parser, and the other one."""
    with stand_in(APPENDING) as first, stand_in(SEPARATING) as second:
        yield {"localhost:8000": first, "localhost:8001": second}


def test_curl_prints_what_the_page_says(servers: dict[str, str]) -> None:
    need_tool("curl")
    need_tool("jq")
    blocks, count = BLOCK.findall(PAGE), 0
    for (language, code), (follows, expected) in pairwise(blocks):
        if language == "sh" and "curl" in code:
            assert follows == "text", "each curl is followed by its output"
            for name, host in servers.items():
                code = code.replace(name, host)  # noqa: PLW2901
            command = ["bash", "-eu", "-o", "pipefail", "-c", code]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            assert (done.returncode, done.stdout) == (0, expected), done.stderr
            count += 1
    assert count == 4


def test_the_openai_package_prints_what_the_page_says(servers: dict[str, str]) -> None:
    found = list(run_snippets("first-request.md", hosts=servers))
    assert [printed for _, printed in found] == [expected for expected, _ in found]
    assert len(found) == 4


def test_the_pages_server_is_that_of_the_recipe() -> None:
    """The port and the parsers that the page speaks of."""
    for profile in load_recipe("minimax-m2").profiles.values():
        assert profile.port == 8000
        assert profile.flags["reasoning-parser"] == APPENDING
        assert profile.flags["tool-call-parser"] == "minimax-m2"
    assert f"reasoning-parser={SEPARATING}" in PAGE


@pytest.mark.parametrize("parser", [APPENDING, SEPARATING])
def test_a_streamed_answer_is_the_whole_one_in_pieces(parser: str) -> None:
    request = {"messages": [{"role": "user", "content": "What is 6 times 7?"}]}
    message = whole(request, parser)["choices"][0]["message"]
    deltas = [piece["choices"][0]["delta"] for piece in pieces(request, parser)]
    for field in ("content", "reasoning_content"):
        assert "".join(delta.get(field) or "" for delta in deltas) == (message[field] or "")
    assert json.dumps(deltas[-1]) == "{}"
