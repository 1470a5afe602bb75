"""The page for reviewers: what it says, and that a Markdown renderer shows texts as they are."""

from __future__ import annotations

import hashlib
import json
from html import unescape
from pathlib import Path

import pytest
from helpers.commands import succeeds
from helpers.patches.series_files import DECORATOR, FILES, RENAME, applied, series_of
from helpers.patches.trees import tree_of, write
from helpers.support import in_shares
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from m2build.patches import SourceTree, apply_series
from m2build.patches.markdown import plain

RENDERER = MarkdownIt("commonmark").enable("table")
DROPPED = {**DECORATOR, "drop_when": ">=1.5", "origin": "upstream, https://example.org/4", "applied_upstream": "1.6"}


def test_it_says_what_reviewers_ask_for() -> None:
    changeset = applied(tree_of(FILES), RENAME, DROPPED)
    page = changeset.waiver()
    assert page.startswith("# Patches of small on pkg 1.5\n")
    assert "| rename-old | applied | 2 | no condition is set |" in page
    assert "| drop-compile | applied | 1 | now: release 1.5 is among \\>=1.5 |" in page
    assert "> It shadows something." in page
    assert "- Upstream: applied there (1.6); not forwarded; from upstream, https://example.org/4." in page
    assert "- See <https://example.org/issues/1>" in page
    assert "- To look at: not rewritten: notes.md:1: pkg.old" in page
    for change in changeset.changes:
        for file in (change.before, change.after):
            assert file
            assert f"`{hashlib.sha256(file.content).hexdigest()}`" in page


def test_the_command_prints_it_also_for_patches_that_do_not_apply(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(json.dumps(series_of(RENAME, DROPPED).model_dump(mode="json")))
    folder = write(SourceTree.of({"pkg/__init__.py": "__version__ = '1.5'\n"}), tmp_path / "tree")
    arguments = ("patch", "waiver", "--series", mine, "--source", folder)
    page = succeeds(*arguments)
    assert "| rename-old | target-gone | 0 |" in page
    assert page.endswith("## Every file that differs\n\nNone.\n")
    assert json.loads(succeeds(*arguments, "--format", "json"))["release"] == "1.5"


def shown(html: str) -> str:
    """What a reader sees of HTML, without spaces at the ends of lines."""
    parts = html.replace(">", "<").split("<")[::2]
    return unescape("".join(parts))


TEXT = st.text(st.sampled_from("ab `|*_[]()<>\\&#!~é\"'"), min_size=1, max_size=30).map(str.strip).filter(bool)


@in_shares(4)
@settings(max_examples=10, deadline=None)
@given(summary=TEXT, author=TEXT)
def test_texts_are_shown_as_they_are(share: int, summary: str, author: str) -> None:
    tree = tree_of(FILES)
    changeset = apply_series(series_of({**RENAME, "summary": summary, "author": author}), tree)
    html = RENDERER.render(changeset.waiver())
    assert f"rename-old: {' '.join(summary.split())}" in " ".join(shown(html).split())
    assert f"Author: {' '.join(author.split())}, last changed" in " ".join(shown(html).split())


@pytest.mark.parametrize("origin", ["dir:a|b", "dir:a`b``c", "dir:<b>"])
def test_code_is_shown_as_it_is(origin: str) -> None:
    tree = SourceTree(dict(tree_of(FILES)), origin=origin)
    html = RENDERER.render(apply_series(series_of(RENAME), tree).waiver())
    assert origin.replace("|", "\\|") in shown(html) or origin in shown(html)


def test_a_line_feed_in_a_name_does_not_break_a_table() -> None:
    assert RENDERER.render(plain("a\nb")).strip() == r"<p>a\nb</p>"
