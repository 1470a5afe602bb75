"""Diffs of others in one's own series: what is taken over, tried and written, and that nothing is overwritten."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import traceback
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from helpers.commands import refused, succeeds
from helpers.importing.forge import Forge, forge
from helpers.patches.judges import run
from helpers.patches.wheels import wheel
from helpers.support import in_shares, need_tool
from hypothesis import given, settings
from hypothesis import strategies as st

from m2build import importing
from m2build.errors import M2BuildError, PatchError, StorageError, TransportError, UsageError
from m2build.patches import SourceTree, apply_series, load_series

BEFORE, AFTER = "limit = 16\n", "limit = 64\n"
DIFF = b"--- a/app/a.py\n+++ b/app/a.py\n@@ -1 +1 @@\n-limit = 16\n+limit = 64\n"
TREE = SourceTree.of({"app/a.py": BEFORE})
MAIL = b"""\
From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001
From: =?UTF-8?q?J=C3=B6?= <jo@example.org>
Date: Fri, 21 Nov 2025 10:00:00 +0100
Subject: [PATCH 2/3] Raise the limit, of which there is
 more to say

It is too low.

@@ - this line looks like a hunk
---
 app/a.py | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

"""
DEP3 = """\
Description: Raise the limit
 It is too low.
 .
 Löw.
Origin: upstream, https://example.org/1
Bug: https://example.org/2
Applied-Upstream: 1.3
Author: Jo <jo@example.org>
Last-Update: 2025-01-02
---
""".encode()


def imported(folder: Path, *arguments: str | Path) -> dict[str, object]:
    """The one patch that a new series has after `patch import`."""
    out = succeeds("patch", "import", "--series", "mine.yaml", "--distribution", "app", *arguments, cwd=folder)
    assert "mine/" in out
    listed = json.loads(succeeds("patch", "list", "--series", "./mine.yaml", "--json", cwd=folder))
    (patch,) = listed["patches"]
    applied = apply_series(load_series(str(folder / "mine.yaml")), TREE).checked()
    assert applied.changes
    return dict(patch)


def test_a_plain_diff(tmp_path: Path) -> None:
    (tmp_path / "Fix_1.diff").write_bytes(DIFF)
    patch = imported(tmp_path, "--diff", "Fix_1.diff")
    assert (patch["id"], patch["codemod"]) == ("fix-1", "unified-diff")
    assert patch["parameters"] == {"file": "mine/fix-1.patch", "sha256": hashlib.sha256(DIFF).hexdigest()}
    assert (tmp_path / "mine/fix-1.patch").read_bytes() == DIFF


def test_a_mail_of_format_patch(tmp_path: Path) -> None:
    (tmp_path / "0002-raise.patch").write_bytes(MAIL + DIFF)
    patch = imported(tmp_path, "--diff", "0002-raise.patch")
    assert patch["summary"] == "Raise the limit, of which there is more to say"
    assert patch["why"] == "It is too low.\n\n| @@ - this line looks like a hunk\n"
    assert (patch["author"], patch["last_update"]) == ("Jö <jo@example.org>", "2025-11-21")


def test_a_dep3_header(tmp_path: Path) -> None:
    (tmp_path / "raise.patch").write_bytes(DEP3 + DIFF)
    patch = imported(tmp_path, "--diff", "raise.patch")
    assert (patch["summary"], patch["why"]) == ("Raise the limit", "It is too low.\n\nLöw.\n")
    assert (patch["origin"], patch["applied_upstream"]) == ("upstream, https://example.org/1", "1.3")
    assert (patch["references"], patch["last_update"]) == (["https://example.org/2"], "2025-01-02")
    assert (patch["drop_when"], patch["accept"]) == ("already-applied", ["already-applied"])


def test_what_git_writes_itself(tmp_path: Path) -> None:
    """`git format-patch --stdout` of two commits becomes two patches, which make of the old tree what git made."""
    environment = {
        "GIT_AUTHOR_NAME": "Jö", "GIT_AUTHOR_EMAIL": "jo@example.org", "GIT_COMMITTER_NAME": "Jo",
        "GIT_COMMITTER_EMAIL": "jo@example.org", "PATH": os.environ["PATH"], "HOME": str(tmp_path),
    }  # fmt: skip
    repository = tmp_path / "repository"
    (repository / "app").mkdir(parents=True)

    def git(*arguments: str) -> bytes:
        command = [need_tool("git"), *arguments]
        return subprocess.run(command, cwd=repository, env=environment, capture_output=True, check=True).stdout

    git("init", "--quiet")
    for number, content in enumerate([BEFORE, AFTER, "limit = 64\nmore = True\n"]):
        (repository / "app/a.py").write_text(content)
        git("add", ".")
        git("commit", "--quiet", "--message", f"Commit {number}\n\nAs number {number} says, über alles.")
    (tmp_path / "both.mbox").write_bytes(git("format-patch", "--stdout", "HEAD~2"))
    succeeds("patch", "import", "--diff", "both.mbox", "--series", "mine.yaml", "--distribution", "app", cwd=tmp_path)
    series = load_series(str(tmp_path / "mine.yaml"))
    assert [patch.summary for patch in series.patches] == ["Commit 1", "Commit 2"]
    assert [patch.why for patch in series.patches] == [f"As number {n} says, über alles.\n" for n in (1, 2)]
    (change,) = apply_series(series, TREE).checked().changes
    assert change.after
    assert change.after.content == (repository / "app/a.py").read_bytes()


def test_a_quilt_folder(tmp_path: Path) -> None:
    folder = tmp_path / "quilt"
    (folder / "sub").mkdir(parents=True)
    (folder / "one.patch").write_bytes(DIFF)
    (folder / "sub/two.patch").write_bytes(b"--- app/b.py\n+++ app/b.py\n@@ -0,0 +1 @@\n+new = 1\n")
    (folder / "ignored.patch").write_bytes(b"not listed")
    (folder / "series").write_text("# a comment\n\none.patch  # another\nsub/two.patch -p0\n")
    succeeds("patch", "import", "--series-dir", "quilt", "--series", "mine.yaml", "--distribution", "app", cwd=tmp_path)
    series = load_series(str(tmp_path / "mine.yaml"))
    assert [(patch.id, patch.parameters.get("strip")) for patch in series.patches] == [("one", None), ("two", 0)]
    (folder / "series").write_text("one.patch --fuzz\n")
    assert "series:1: the option '--fuzz' is not understood" in refused(
        2, "patch", "import", "--series-dir", "quilt", "--series", "other.yaml", cwd=tmp_path
    )


def test_a_quilt_series_with_names_and_comments_of_every_kind(tmp_path: Path) -> None:
    names = ("fix#1.patch", "a b.patch", "line\u2028sep.patch")
    for name in names:
        (tmp_path / name).write_bytes(DIFF)
    listed = "# fix\n\nfix#1.patch -p1  # why\n  'a b.patch'\t# -p0\n#x\nline\u2028sep.patch\n"
    (tmp_path / "series").write_text(listed, encoding="utf-8")
    assert [found.name for found in importing.diff_folder(tmp_path)] == list(names)
    (tmp_path / "series").write_text("fix#1.patch -R\n")
    with pytest.raises(UsageError, match="the option '-R' is not understood"):
        importing.diff_folder(tmp_path)


def test_two_diffs_that_would_have_one_id(tmp_path: Path) -> None:
    folder = tmp_path / "diffs"
    folder.mkdir()
    (folder / "a_b.patch").write_bytes(DIFF)
    (folder / "a-b.diff").write_bytes(DIFF)
    arguments = ("patch", "import", "--series-dir", "diffs", "--series", "mine.yaml")
    assert "a-b.diff and a_b.patch would both have the id a-b" in refused(2, *arguments, cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["diffs"]


def test_a_folder_without_a_series_file(tmp_path: Path) -> None:
    (tmp_path / "0002-b.patch").write_bytes(b"--- a/app/a.py\n+++ b/app/a.py\n@@ -1 +1 @@\n-limit = 64\n+limit = 6\n")
    (tmp_path / "0001-a.patch").write_bytes(DIFF)
    assert [found.name for found in importing.diff_folder(tmp_path)] == ["0001-a.patch", "0002-b.patch"]


@pytest.fixture
def host() -> Iterator[Forge]:
    """A stand-in for the host."""
    with forge() as served:
        yield served


MERGED = {
    "title": "Raise the limit", "body": "It is too low.\r\n\r\n--- not a diff", "user": {"login": "jo"},
    "updated_at": "2025-11-21T10:00:00Z", "merged_at": "2025-11-21T10:00:00Z", "merge_commit_sha": "a" * 40,
}  # fmt: skip


def test_a_pull_request(host: Forge, tmp_path: Path) -> None:
    host.has(DIFF, **MERGED)
    patch = imported(tmp_path, "--pr", "owner/repo#7", "--host", host.address)
    assert (patch["id"], patch["summary"], patch["author"]) == ("repo-7", "Raise the limit", "jo")
    assert patch["why"] == "It is too low.\n\n| --- not a diff\n"
    assert patch["origin"] == f"upstream, {host.address}/owner/repo/pull/7"
    assert (patch["applied_upstream"], patch["last_update"]) == (f"commit:{'a' * 40}", "2025-11-21")
    assert patch["references"] == [f"{host.address}/owner/repo/pull/7"]


def test_a_pull_request_that_is_open_has_no_merge_commit(host: Forge, tmp_path: Path) -> None:
    host.has(DIFF, **{**MERGED, "merged_at": None})
    patch = imported(tmp_path, "--pr", "owner/repo#7", "--host", host.address)
    assert patch["origin"] == f"other, {host.address}/owner/repo/pull/7"
    assert "applied_upstream" not in patch or patch["applied_upstream"] is None


def test_the_token_goes_to_the_api_and_nowhere_else(host: Forge, tmp_path: Path) -> None:
    """Not with the plain diff, and not along a redirect to another host."""
    host.has(DIFF, **MERGED)
    with forge() as elsewhere:
        elsewhere.answers["/moved.diff"] = (200, {}, DIFF)
        elsewhere.answers["/moved.json"] = (200, {}, json.dumps(MERGED).encode())
        host.answers["/owner/repo/pull/7.diff"] = (302, {"Location": f"{elsewhere.address}/moved.diff"}, b"")
        host.answers["/api/v3/repos/owner/repo/pulls/7"] = (301, {"Location": f"{elsewhere.address}/moved.json"}, b"")
        found = importing.pull_request("owner/repo#7", environment={"GH_TOKEN": "secret-1"}, host=host.address)
        assert found.content == DIFF
        assert dict(elsewhere.asked) == {"/moved.diff": None, "/moved.json": None}
    asked = dict(host.asked)
    assert asked["/api/v3/repos/owner/repo/pulls/7"] == "Bearer secret-1"
    assert asked["/owner/repo/pull/7.diff"] is None


def test_a_private_repository_gives_its_diff_to_the_token(host: Forge) -> None:
    host.has(DIFF, **MERGED)
    del host.answers["/owner/repo/pull/7.diff"]
    host.answers["/api/v3/repos/owner/repo/pulls/7 diff"] = (200, {}, DIFF)
    found = importing.pull_request("owner/repo#7", environment={"GITHUB_TOKEN": "secret-2"}, host=host.address)
    assert found.content == DIFF
    with pytest.raises(UsageError, match=r"/owner/repo/pull/7\.diff does not exist"):
        importing.pull_request("owner/repo#7", environment={}, host=host.address)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, b"", "expected 200, got 500"),
        (403, b"", "expected 200, got 403"),
        (200, b"<!DOCTYPE html><title>Sign in</title>", "is not JSON"),
        (200, b"[]", "does not describe a pull request"),
        (302, b"", "expected 200, got 302"),
    ],
)
def test_hosts_that_do_not_deliver(status: int, body: bytes, message: str, host: Forge, tmp_path: Path) -> None:
    host.has(DIFF, **MERGED)
    host.answers["/api/v3/repos/owner/repo/pulls/7"] = (status, {}, body)
    arguments = ("patch", "import", "--pr", "owner/repo#7", "--host", host.address, "--series", "mine.yaml")
    assert message in refused(8, *arguments, cwd=tmp_path, environment={"GH_TOKEN": "", "GITHUB_TOKEN": ""})
    assert list(tmp_path.iterdir()) == []


TOKEN = "ghp_" + "Zz9" * 12
ABOUT = "/api/v3/repos/owner/repo/pulls/7"


@pytest.mark.parametrize(
    ("status", "headers", "token", "advice"),
    [
        (401, {}, TOKEN, "the token is not valid, or has expired"),
        (403, {}, TOKEN, "the token may not read this repository"),
        (
            403,
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000000"},
            "",
            "until 2027-01-15 08:00 UTC, or set GH_",
        ),
        (429, {"Retry-After": "3600"}, TOKEN, "try again later"),
        (406, {}, TOKEN, "import it with --diff"),
    ],
)
def test_what_a_host_refuses_has_a_way_out(
    status: int, headers: dict[str, str], token: str, advice: str, host: Forge
) -> None:
    host.has(DIFF, **MERGED)
    host.answers[ABOUT] = (status, headers, b"")
    with pytest.raises(TransportError, match=f"expected 200, got {status}") as caught:
        importing.pull_request("owner/repo#7", environment={"GH_TOKEN": token}, host=host.address)
    assert caught.value.hint is not None
    assert advice in caught.value.hint


@pytest.mark.parametrize(
    ("token", "location", "message"),
    [
        (f"{TOKEN}\nX-Other: 1", "", "the token in GH_TOKEN holds characters that no token has"),
        (f"{TOKEN} é", "", "the token in GH_TOKEN holds characters that no token has"),
        (f" {TOKEN}\r\n", f"http://user:{TOKEN}@{{}}/moved?token={TOKEN}", "/moved does not exist"),
        (TOKEN, "file:///etc/passwd", "redirects to an address that is neither http nor https"),
    ],
)
def test_no_message_and_no_traceback_holds_the_token(token: str, location: str, message: str, host: Forge) -> None:
    host.has(DIFF, **MERGED)
    host.answers[ABOUT] = (302, {"Location": location.format(host.address.partition("//")[2])}, b"")
    with pytest.raises(M2BuildError, match=message) as caught:
        importing.pull_request("owner/repo#7", environment={"GH_TOKEN": token}, host=host.address)
    shown = f"{''.join(traceback.format_exception(caught.value))} {caught.value.hint}"
    assert TOKEN not in shown


def test_a_renamed_repository_keeps_the_token_on_its_host(host: Forge) -> None:
    host.has(DIFF, **{**MERGED, "updated_at": "soon", "user": None, "head": {"repo": None}})
    about = host.answers[ABOUT]
    host.answers[ABOUT] = (301, {"Location": f"{host.address}/api/v3/repositories/12/pulls/7"}, b"")
    host.answers["/api/v3/repositories/12/pulls/7"] = about
    found = importing.pull_request("owner/repo#7", environment={"GH_TOKEN": f"{TOKEN}\n"}, host=host.address)
    assert (found.content, found.last_update, found.author) == (DIFF, "", "")
    assert dict(host.asked)["/api/v3/repositories/12/pulls/7"] == f"Bearer {TOKEN}"


def test_a_pull_request_that_does_not_exist(host: Forge, tmp_path: Path) -> None:
    arguments = ("patch", "import", "--pr", "owner/repo#8", "--host", host.address, "--series", "mine.yaml")
    message = refused(2, *arguments, cwd=tmp_path, environment={"GH_TOKEN": "", "GITHUB_TOKEN": ""})
    assert "/api/v3/repos/owner/repo/pulls/8 does not exist" in message
    assert "for a private one set GH_TOKEN" in message


def test_a_login_page_instead_of_the_diff(host: Forge, tmp_path: Path) -> None:
    host.has(b"<!DOCTYPE html>\n<title>Sign in</title>\n", **MERGED)
    arguments = ("patch", "import", "--pr", "owner/repo#7", "--host", host.address, "--series", "mine.yaml")
    assert "repo-7.patch" in refused(2, *arguments, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "fix.patch").write_bytes(DIFF)
    arguments = ("patch", "import", "--diff", "fix.patch", "--series", "mine.yaml")
    succeeds(*arguments, cwd=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert "has a patch fix already" in refused(2, *arguments, cwd=tmp_path)
    (tmp_path / "mine/again.patch").write_bytes(b"mine")
    assert "mine/again.patch exists already" in refused(2, *arguments, "--id", "again", cwd=tmp_path)
    assert (tmp_path / "mine/again.patch").read_bytes() == b"mine"
    assert {path: path.read_bytes() for path in before} == before


def test_an_existing_series_is_continued_and_keeps_its_words(tmp_path: Path) -> None:
    (tmp_path / "fix.patch").write_bytes(DIFF)
    succeeds("patch", "import", "--diff", "fix.patch", "--series", "mine.yaml", cwd=tmp_path)
    series = tmp_path / "mine.yaml"
    text = f"# A comment that stays\n{series.read_text()}\n# the end\n"
    series.write_text(text)
    series.chmod(0o640)
    succeeds("patch", "import", "--diff", "fix.patch", "--series", "mine.yaml", "--id", "more", cwd=tmp_path)
    assert series.read_text().startswith(text.rstrip("\n"))
    assert series.stat().st_mode & 0o777 == 0o640
    assert [patch.id for patch in load_series(str(series)).patches] == ["fix", "more"]
    series.write_text(f"{series.read_text()}codemods: {{allow: []}}\n")
    message = refused(2, "patch", "import", "--diff", "fix.patch", "--series", "mine.yaml", "--id", "x", cwd=tmp_path)
    assert "`patches` is not its last key" in message


def test_a_series_keeps_its_line_ends(tmp_path: Path) -> None:
    series = tmp_path / "mine.yaml"
    (first, *_), (second, *_) = importing.diffs_in("fix.patch", DIFF), importing.diffs_in("more.patch", DIFF)
    importing.import_diffs(series, [first], importing.How(), {})
    text = series.read_bytes().replace(b"\n", b"\r\n")
    series.write_bytes(text)
    importing.import_diffs(series, [second], importing.How(), {})
    assert series.read_bytes().startswith(text)
    assert [patch.id for patch in load_series(str(series)).patches] == ["fix", "more"]
    assert b"\n" not in series.read_bytes().replace(b"\r\n", b"")


def test_a_header_of_nothing_but_control_characters_says_nothing(tmp_path: Path) -> None:
    (found,) = importing.diffs_in("fix.patch", b"Origin: \x01\nApplied-Upstream: \x7f\n" + DIFF)
    (patch,) = importing.import_diffs(tmp_path / "mine.yaml", [found], importing.How(), {}).patches
    assert (patch.origin, patch.applied_upstream, patch.drop_when) == (None, None, None)


def test_the_releases_on_which_it_applies_are_written_down(tmp_path: Path) -> None:
    trees = {"1.0": TREE, "1.1": SourceTree.of({"app/a.py": "other\n"}), "1.2": TREE}
    how = importing.How("app")
    read = {name: partial(trees.__getitem__, name) for name in trees}
    series = importing.import_diffs(tmp_path / "mine.yaml", importing.diffs_in("x.patch", DIFF), how, read)
    assert series.patches[0].releases == ">=1.0,<=1.2,!=1.1"
    with pytest.raises(PatchError, match=r"the diff y\.patch applies to none of the releases 1\.1"):
        importing.import_diffs(tmp_path / "mine.yaml", importing.diffs_in("y.patch", DIFF), how, {"1.1": read["1.1"]})
    assert not (tmp_path / "mine/y.patch").exists()


def test_releases_are_published_wheels(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    for version, content in (("1.0", BEFORE), ("1.1", AFTER)):
        info = f"app-{version}.dist-info"
        about = {f"{info}/METADATA": f"Metadata-Version: 2.1\nName: app\nVersion: {version}\n"}
        about |= {f"{info}/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n", f"{info}/RECORD": ""}
        (tmp_path / f"index/app-{version}-py3-none-any.whl").write_bytes(wheel({"app/a.py": content, **about}))
    (tmp_path / "fix.patch").write_bytes(DIFF)
    environment = {
        "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "index"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }  # fmt: skip
    arguments = ("--diff", "fix.patch", "--series", "mine.yaml", "--distribution", "app")
    releases = ("--release", "1.0", "--release", "1.1")
    out = succeeds("patch", "import", *arguments, *releases, cwd=tmp_path, environment=environment)
    assert out.startswith("fix  ==1.0\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected one of --diff, --series-dir and --pr"),
        (("--diff", "x.patch", "--pr", "a/b#1"), "expected one of --diff, --series-dir and --pr"),
        (("--diff", "none.patch"), "there is no file none.patch"),
        (("--diff", "."), "name a diff"),
        (("--series-dir", "none"), "none is not a folder"),
        (("--series-dir", "."), "holds neither a file series nor files that end in .patch or .diff"),
        (("--pr", "a/b"), "'a/b' does not name a pull request"),
        (("--pr", "a/..#1"), "'a/..#1' does not name a pull request"),
        (("--pr", "a/b#0"), "'a/b#0' does not name a pull request"),
        (("--pr", "a/b#1", "--host", "example.org"), "'example.org' is not the address of a host"),
        (("--pr", "a/b#1", "--host", "https://jo:pw@example.org"), "***@example.org' is not the address of a host"),
        (("--pr", "a/b#1", "--host", "https://example.org?x=1"), "is not the address of a host"),
        (("--pr", "a/b#1", "--host", "https://[::1"), "is not the address of a host"),
    ],
)
def test_requests_that_make_no_sense(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    assert message in refused(2, "patch", "import", "--series", "mine.yaml", *arguments, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


WRONG = b"\xff".decode(errors="surrogateescape")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--id", "../outside"), "'../outside' is not a patch id"),
        (("--id", "a\n    codemod: b"), r"is not a patch id"),
        (("--id", WRONG), "is not a patch id"),
        (("--distribution", WRONG), r"'\udcff' is not UTF-8 text"),
        (("--root", f"a/{WRONG}"), r"'a/\udcff' is not UTF-8 text"),
        (("--exclude", WRONG), r"'\udcff' is not UTF-8 text"),
        (("--series", f"{WRONG}.yaml"), r"'\udcff.yaml' is not UTF-8 text"),
        (("--series", "loop"), "loop is a link to itself"),
        (("--series-dir", "quilt"), "quilt/series:1: a quotation mark is never closed"),
    ],
)
def test_hostile_words_write_nothing(options: tuple[str, ...], message: str, tmp_path: Path) -> None:
    (tmp_path / "x.patch").write_bytes(DIFF)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "quilt").mkdir()
    (tmp_path / "quilt/series").write_text("'x.patch\n")
    before = sorted(tmp_path.rglob("*"))
    series = () if "--series" in options else ("--series", "new/mine.yaml")
    source = () if "--series-dir" in options else ("--diff", "x.patch")
    assert message in refused(2, "patch", "import", *series, *source, *options, cwd=tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("charset", ["x-unknown", "utf-8", "rot13", "idna", "raw_unicode_escape"])
def test_a_header_whose_encoding_is_broken_is_taken_as_it_stands(charset: str, tmp_path: Path) -> None:
    encoded = f"=?{charset}?q?=ff=fe=5Cud800..?="
    (tmp_path / "x.patch").write_bytes(f"Subject: {encoded}\nFrom: {encoded}\nDate: {encoded}\n\n".encode() + DIFF)
    assert imported(tmp_path, "--diff", "x.patch")["summary"]


def test_a_diff_that_a_killed_run_has_vendored_is_taken(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/x.patch").write_bytes(DIFF)
    (tmp_path / "x.patch").write_bytes(DIFF)
    imported(tmp_path, "--diff", "x.patch")


def test_a_folder_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("a file where the folder goes")
    with pytest.raises(StorageError, match="cannot be written"):
        importing.import_diffs(tmp_path / "mine.yaml", importing.diffs_in("x.patch", DIFF), importing.How(), {})
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@in_shares(4)
@settings(max_examples=10, deadline=None)
@given(summary=st.text(max_size=80), why=st.text(max_size=200), author=st.text(max_size=40))
def test_whatever_a_pull_request_says_is_written_as_yaml(
    share: int, summary: str, why: str, author: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("series")
    found = importing.FoundDiff("x.patch", DIFF, summary=summary.strip(), why=why, author=author.strip())
    series = importing.import_diffs(folder / "mine.yaml", [found], importing.How(), {})
    (patch,) = series.patches
    assert patch.content == DIFF
    files = apply_series(series, TREE).patch_files()
    run([need_tool("git"), "apply", "--stat", "-"], folder, stdin=files["0001-x.patch"])
