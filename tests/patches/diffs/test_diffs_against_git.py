"""Random diffs of git and GNU diff, applied by m2build, by git and by GNU patch: the same bytes, or a refusal."""

from __future__ import annotations

import tempfile
from pathlib import Path

from helpers.patches.held_to_git import NO_CONTEXT, files_of, hold_to_git, hold_to_gnu_patch, is_stricter
from helpers.patches.made_diffs import git_diff_of, git_mails_of, gnu_diff_of
from helpers.patches.random_trees import ODD, PLAIN, Case, cases
from helpers.support import in_shares
from hypothesis import event, given, note, settings
from hypothesis import strategies as st

from m2build.patches.change import Finding, Rewrite, changed_tree
from m2build.patches.codemods.unified_diff import UnifiedDiff

BOUNDED = settings(max_examples=12, deadline=None)
SHARES = in_shares(8)


def told(diff: bytes, case: Case) -> None:
    note(diff.decode(errors="backslashreplace"))
    note(str(files_of(case.target)))


def counted(rewrite: Rewrite) -> None:
    event(f"{rewrite.finding}{', moved' * any('further' in mention.text for mention in rewrite.mentions)}")


@SHARES
@BOUNDED
@given(cases(PLAIN | ODD))
def test_what_git_makes_of_its_own_diffs(share: int, case: Case) -> None:
    with tempfile.TemporaryDirectory() as name:
        diff = git_diff_of(case.old, case.new, Path(name))
    if diff:
        told(diff, case)
        counted(hold_to_git(diff, case.target))


@SHARES
@BOUNDED
@given(cases(PLAIN), st.sampled_from([("--no-prefix",), ("--no-prefix", "-U1"), ("--no-prefix", NO_CONTEXT)]))
def test_what_git_makes_of_diffs_without_prefixes(share: int, case: Case, options: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as name:
        diff = git_diff_of(case.old, case.new, Path(name), *options)
    if diff:
        told(diff, case)
        counted(hold_to_git(diff, case.target, *options, strip=0))


@SHARES
@BOUNDED
@given(cases(PLAIN | ODD, renames=False))
def test_what_git_and_gnu_patch_make_of_plain_diffs(share: int, case: Case) -> None:
    with tempfile.TemporaryDirectory() as name:
        diff = gnu_diff_of(case.old, case.new, Path(name))
    if diff:
        told(diff, case)
        counted(hold_to_git(diff, case.target))
        hold_to_gnu_patch(diff, case.target)


@SHARES
@BOUNDED
@given(cases(PLAIN | ODD), cases(PLAIN))
def test_several_mails_in_one_file_are_applied_one_after_the_other(share: int, first: Case, second: Case) -> None:
    """git itself loses an edit here if a later mail renames the file."""
    with tempfile.TemporaryDirectory() as name:
        mails = git_mails_of([first.old, first.new, second.old, second.new], Path(name))
    if mails:
        rewrite = UnifiedDiff.of(mails).apply(first.old)
        is_whole = files_of(changed_tree(first.old, rewrite.changes)) == files_of(second.new)
        assert is_whole or (rewrite.finding is Finding.CONFLICT and is_stricter(rewrite)), rewrite
