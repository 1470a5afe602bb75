"""Whatever stands in recipes, diffs, images and results: on the page it is text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from helpers.cli.checkouts import derived
from helpers.report.parsed import parsed, strangers, text
from hypothesis import example, given, settings
from hypothesis import strategies as st

import m2build
from m2build import report
from m2build.bench.reading import read_results
from m2build.inspection.image import Inspection
from m2build.patches.change import FileChange
from m2build.patches.changeset import PatchResult
from m2build.patches.tree import SourceFile
from m2build.report.attached import Attachment
from m2build.report.facts import ImageFacts
from m2build.report.page import _visible
from m2build.report.runs import Runs
from m2build.report.side_by_side import rows_of
from m2build.verification.findings import Finding
from m2build.verification.result import Verification

BITS = (
    *("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "</style><style>*{}"),
    *("</code></td></table>", "<!--", "-->", "]]>", "<![CDATA[", "{{ 7*7 }}", "{% raw %}", "javascript:alert(1)"),
    *("&lt;", "&#x3c;script>", "`", "\u202e", "\u2066", "\x00", "\x1b[2J", "\udcff", "\ufeff", "\r", "\x0c", "\ue000"),
    *("https://x.example/\"onclick='a'", "https://x.example/<b>", "data:text/html,<b>", "<svg/onload=alert(1)>"),
)
HOSTILE = st.lists(st.sampled_from(BITS) | st.text(max_size=3), min_size=1, max_size=4).map("".join)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> ImageFacts:
    folder = derived(tmp_path_factory.mktemp("workshop"))
    with m2build.Session() as session:
        return report.image_facts(session, f"oci:{folder}/out:tp8", base=f"oci:{folder}/base:base", verify=False)


def with_text(facts: ImageFacts, word: str) -> ImageFacts:
    """The facts with a text in every place that somebody else fills."""
    assert facts.plan is not None
    (source,) = facts.plan.sources
    results = tuple(hostile(result, word) for result in source.changeset.results)
    series = source.changeset.series.model_copy(update={"summary": word})
    changeset = replace(source.changeset, results=results, series=series, release=word)
    (layer,) = facts.layers
    members = tuple(replace(member, path=word, reason=word) for member in layer.members)
    inspection = facts.inspection
    found = replace(inspection.found, name=word)
    named = Inspection(found, inspection.base_layers, inspection.content)
    named.__dict__["origin"] = dict.fromkeys(inspection.origin, word)
    named.__dict__["entrypoint"] = (word, f"--{word}", word)
    named.__dict__["settings"] = inspection.settings.model_copy(update={"env": {word: word}, "user": word})
    return replace(
        facts,
        inspection=named,
        layers=(replace(layer, members=members),),
        plan=replace(facts.plan, sources=(replace(source, changeset=changeset),)),
        attachments=(Attachment(word, word, word, word, agrees=False),),
        comments={word: word},
        verification=Verification(word, findings=(Finding("path-extra", word, word),)),
    )


def hostile(result: PatchResult, word: str) -> PatchResult:
    texts = dict.fromkeys(("id", "summary", "why", "author", "codemod", "forwarded", "releases", "last_update"), word)
    patch = result.patch.model_copy(update={**texts, "references": (word,), "parameters": {"name": word}})
    before = SourceFile.of(f"a\n{word}\nb\n".encode(errors="surrogateescape"))
    after = SourceFile.of(f"a\n{word}{word}\nb\n".encode(errors="surrogateescape"))
    return replace(result, patch=patch, detail=word, changes=(FileChange(word, before, word, after),), drop_now=word)


@settings(derandomize=True, max_examples=4, deadline=None)
@example("".join(BITS))
@given(HOSTILE)
def test_hostile_text_is_text(facts: ImageFacts, word: str) -> None:
    try:
        word.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        word = re.sub("[\ud800-\udfff]", "?", word)
    page = report.render_page([with_text(facts, word)])
    document = parsed(page)
    assert list(strangers(document)) == []
    page.encode()
    shown = str(_visible(word))
    assert text(document).count(shown) > 10


def test_hostile_results_are_text() -> None:
    word = "".join(BITS)
    results = tuple(
        replace(result, source=word, about={word: word}, figures={**result.figures, "mean_ttft_ms": 9e9})
        for result in read_results("document")
    )
    document = parsed(report.render_page(runs=[Runs(f"./{word}", results)]))
    assert list(strangers(document)) == []
    assert str(_visible(f"./{word}")) in text(document)


def test_lines_are_those_of_editors_and_diffs() -> None:
    """A form feed and U+2028 end no line, and a missing line break at the end is a difference."""
    [[first, second]] = rows_of("a\x0cb\u2028c\nlast\n", "a\x0cb\u2028c\nlast")
    assert first.after is not None
    assert first.after.pieces[0].text == "a\x0cb\u2028c"
    assert second.after is not None
    assert [(piece.text, piece.is_marked) for piece in second.after.pieces] == [
        ("last (no line break at the end)", True)
    ]


LINES = st.lists(st.sampled_from(["a = 1", "b = f(x)", "b = f(y)", "", "\tc", "<b>", "d  e"]), max_size=8)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(LINES, LINES)
def test_both_sides_are_complete(old: list[str], new: list[str]) -> None:
    """Each shown line is that line of its text, and what is not marked is the same on both sides."""
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (old, new))
    shown: tuple[set[int], set[int]] = set(), set()
    for hunk in rows_of(before, after):
        for row in hunk:
            for side, lines, numbers in ((row.before, old, shown[0]), (row.after, new, shown[1])):
                if side:
                    assert "".join(piece.text for piece in side.pieces) == lines[side.number - 1]
                    numbers.add(side.number)
            if row.before and row.after:
                left, right = (
                    "".join(piece.text for piece in side.pieces if not piece.is_marked)
                    for side in (row.before, row.after)
                )
                assert left == right
    rest = [[line for at, line in enumerate(lines, 1) if at not in numbers]
            for lines, numbers in zip((old, new), shown, strict=True)]  # fmt: skip
    assert rest[0] == rest[1]
