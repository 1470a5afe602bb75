"""Any value is refused or comes out exactly as it was, by BuildKit's parser and a real shell."""

from __future__ import annotations

import subprocess

import pytest
from helpers.bases import base_image
from helpers.rendering.dockerfiles import instructions, labels_of, only, parse, plan_for, unquoted, with_texts
from helpers.support import in_shares
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from m2build.derivation.config import derive_config
from m2build.errors import UsageError
from m2build.oci.digest import Digest
from m2build.rendering.context import render
from m2build.rendering.quoting import exec_form, name, plain, quoted, shell_word

SPECIAL = "\"'\\$#`{}=<>|&;!*?[]~ \t\n\r\0\x0b\x0c\x1b\x85\u2028\u2029\ufeff\u00a0é字😀\ud800"
SNIPPETS = [
    "$HOME",
    "${X:-y}",
    "\\\n",
    "\nRUN true\n",
    "<<EOF",
    " # x",
    "\\\\",
    '"="',
    "${",
    "$(id)",
    "`id`",
    "# syntax=x",
]
TEXT = st.lists(
    st.one_of(st.sampled_from(SPECIAL), st.sampled_from(SNIPPETS), st.characters(), st.sampled_from("ab")), max_size=12
).map("".join)
PLAN = plan_for()
CONTROL = {*map(chr, (*range(32), *range(127, 160)))} - {"\t"}


def writable(text: str) -> bool:
    """What the filters accept."""
    return CONTROL.isdisjoint(text) and not any("\ud800" <= character <= "\udfff" for character in text)


def possible_word(text: str) -> bool:
    """What a command line can contain."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


@in_shares(30)
@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
@example([("a", "b\\")])
@example([("a b", 'c\\"$d # e')])
@example([("#", "#")])
def test_labels_come_out_exactly_or_are_refused(share: int, pairs: list[tuple[str, str]]) -> None:
    possible = all(key and "=" not in key and writable(key + value) for key, value in pairs)
    try:
        lines = [f"    {name(key)}={quoted(value)}" for key, value in pairs]
    except UsageError:
        assert not possible
        return
    assert possible
    text = "FROM x\nLABEL \\\n" + " \\\n".join(lines) + "\nCMD []\n"
    first, label, last = parse(text)
    assert (first.cmd, label.cmd, last.cmd) == ("FROM", "LABEL", "CMD")
    words = [unquoted(word) for word in label.value]
    assert list(zip(words[::2], words[1::2], strict=True)) == pairs


@in_shares(5)
@settings(max_examples=80, deadline=None)
@given(st.lists(TEXT, max_size=6))
def test_exec_form_keeps_the_words_and_bypasses_the_shell(share: int, words: list[str]) -> None:
    possible = all(map(possible_word, words))
    try:
        text = f"FROM x\nENTRYPOINT {exec_form(words)}\nCMD []\n"
    except UsageError:
        assert not possible
        return
    assert possible
    _, found, _ = parse(text)
    assert (found.json, list(found.value)) == (True, words)


@in_shares(5)
@settings(max_examples=40, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=30))
def test_words_of_a_command_line_reach_the_shell_unchanged(share: int, words: list[str]) -> None:
    """Through the Dockerfile's lines first, then through a real shell."""
    for word in words:
        if not writable(word):
            with pytest.raises(UsageError, match="a Dockerfile cannot express"):
                shell_word(word)
    words = [word for word in words if writable(word)]
    lines = "".join(f"    {shell_word(word)} \\\n" for word in words)
    _, run, _ = parse(f"FROM x\nRUN printf '%s\\0' begin \\\n{lines}    end\nCMD []\n")
    assert run.heredocs == ()
    command = ["/bin/sh", "-c", run.value[0]]
    seen = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    assert seen == ["begin", *words, "end", ""]


@in_shares(30)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXT, TEXT, TEXT)
@example("\n", "a", "b")
@example("a", "b\nRUN true", "c")
@example('"$x" \\', "# '", '\\"\n$(id)')
def test_a_whole_dockerfile_matches_the_embedded_engine(share: int, summary: str, title: str, flag: str) -> None:
    try:
        plan = with_texts(PLAN, summary, title, flag)
        context = render(plan)
    except UsageError:
        assert not (writable(summary + title) and possible_word(flag))
        return
    assert writable(summary + title)
    assert possible_word(flag)
    parsed = instructions(context)
    kinds = ["FROM", "LABEL", "COPY", "RUN", "LABEL", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"]
    assert [instruction.cmd for instruction in parsed] == kinds
    assert labels_of(parsed) == plan.labels
    config = derive_config(plan, Digest.of(b"")).document()["config"]
    assert isinstance(config, dict)
    assert list(only(parsed, "ENTRYPOINT").value) == config["Entrypoint"]


def test_a_label_of_the_base_that_cannot_be_emptied_is_named() -> None:
    base = base_image(config={"Labels": {"dev.m2build.a=b": "c"}})
    with pytest.raises(UsageError, match=r"Dockerfile\.template:\d+: a Dockerfile cannot express 'dev\.m2build\.a=b'"):
        render(plan_for(base))


@pytest.mark.parametrize("value", ["", "a b", "a\n", "é", "$x", "a;b", True, None, ["a"]])
def test_plain_refuses_other_characters(value: object) -> None:
    with pytest.raises(UsageError, match="a Dockerfile cannot express"):
        plain(value)


@pytest.mark.parametrize("value", ["abc", 7, None, {"a": "b"}, ["a", 7.5]])
def test_exec_form_takes_lists_of_words_only(value: object) -> None:
    with pytest.raises(UsageError, match="this takes"):
        exec_form(value)


def test_a_refusal_shows_a_shortened_value() -> None:
    with pytest.raises(UsageError) as caught:
        quoted("x" * 100_000 + "\n")
    assert len(str(caught.value)) < 300
    assert "U+000A" in str(caught.value)
