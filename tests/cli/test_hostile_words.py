"""Every command, on a terminal, with names and texts that try to take it over: none of it reaches the terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from helpers.cli.command_tree import WAYS
from helpers.cli.hostile import NAME, TEXT, registry, verdict, workshop
from helpers.cli.terminals import printed_on_a_terminal
from helpers.support import sampled

M2BUILD = [sys.executable, "-m", "m2build"]
IMAGE = ("image", "--tp", "8")
TREE = ("--base", "dir:tree")
GOOD, BROKEN = ("--recipe", "good.yaml"), ("--recipe", "broken.yaml")
FILE, BROKEN_FILE = ("--recipe", f"./good-{NAME}.yaml"), ("--recipe", f"./broken-{NAME}.yaml")
HOSTILE = ("--source", "./hostile-tree")

CASES: list[tuple[str, ...]] = [
    (NAME,),
    (f"--{NAME}",),
    ("patch", NAME),
    ("recipe", NAME),
    ("completion", NAME),
    ("recipe", "list", NAME),
    ("recipe", "new", NAME),
    ("recipe", "new", "mine", "--from", NAME),
    ("recipe", "new", "mine", "-o", f"./{NAME}.yaml"),
    ("recipe", "show", *GOOD, "--yaml"),
    ("recipe", "schema", NAME),
    ("recipe", "show", *GOOD),
    ("recipe", "show", *GOOD, "--tp", "8"),
    ("recipe", "show", *GOOD, "--json"),
    ("recipe", "show", *BROKEN),
    ("recipe", "show", *BROKEN_FILE),
    ("recipe", "show", "--recipe", NAME),
    ("recipe", "show", "--recipe", f"./{NAME}/x.yaml"),
    ("recipe", "show", "--set", f"{TEXT}=1"),
    ("recipe", "show", "--set", f"profiles.tp8.{TEXT}=1"),
    ("recipe", "show", "--profile", NAME),
    ("recipe", "show", "--tp", "8", "--model", NAME),
    ("patch", "list", "--series", "series.yaml"),
    ("patch", "list", "--series", "series.yaml", "--json"),
    ("patch", "list", "--series", "broken-series.yaml"),
    ("patch", "list", "--series", NAME),
    ("patch", "show", NAME),
    ("patch", "show", "p", "--series", "series.yaml"),
    ("patch", "status", *HOSTILE),
    ("patch", "status", "--source", NAME),
    ("patch", "status", "--source", f"wheel:{NAME}"),
    ("patch", "status", "--source", f"pypi:{NAME}"),
    ("patch", "status", *HOSTILE, "--json"),
    ("patch", "diff", *HOSTILE),
    ("patch", "diff", *HOSTILE, "-o", f"diff-{NAME}"),
    ("patch", "apply", *HOSTILE, "-o", f"apply-{NAME}"),
    ("patch", "apply", "--source", "./tree", "-o", NAME),
    ("patch", "revert", "--source", "./applied"),
    ("patch", "revert", "--source", NAME),
    ("patch", "waiver", *HOSTILE),
    ("patch", "waiver", *HOSTILE, "--format", "json"),
    ("patch", "schema", NAME),
    ("policy", NAME),
    ("policy", "kyverno", NAME, "--key", NAME),
    ("policy", "kyverno", NAME, "--identity", TEXT, "--issuer", TEXT),
    ("policy", "sigstore", "a/b", "--identity", TEXT, "--issuer", TEXT, "--attestation", TEXT),
    ("policy", "schema", NAME),
    ("patch", "import", "--diff", NAME, "--series", "imported.yaml"),
    ("patch", "import", "--series-dir", NAME, "--series", "imported.yaml"),
    ("patch", "import", "--pr", NAME, "--series", "imported.yaml"),
    ("patch", "import", "--pr", "a/b#1", "--host", NAME, "--series", "imported.yaml"),
    ("render", *IMAGE[1:], "-o", "context", "--source", f"dir:{NAME}-", "--unpinned"),
    ("render", *IMAGE[1:], "-o", f"render-{NAME}", "--source", "dir:tree", "--unpinned"),
    ("render", *IMAGE[1:], "-o", "m2build: forged", "--source", "dir:tree", "--unpinned"),
    ("render", *IMAGE[1:], "-o", "context", "--source", "dir:tree", "--unpinned", "--template", NAME),
    ("render", *IMAGE[1:], "-o", "context", "--source", "dir:tree", "--unpinned", "--template", "template"),
    ("render", *IMAGE[1:], "-o", "context", "--base", NAME),
    ("render", *IMAGE[1:], *GOOD, "-o", "context", "--source", "dir:tree", "--unpinned"),
    ("mounts", *IMAGE[1:], "-o", f"mounts-{NAME}", "--source", "dir:tree", "--unpinned"),
    ("mounts", *IMAGE[1:], "-o", f"compose-{NAME}", "--source", "dir:tree", "--unpinned", "--form", "compose"),
    ("mounts", *IMAGE[1:], *GOOD, "-o", "mounts", "--form", "image-volume", "-t", NAME),
    ("bake", *IMAGE[1:], "-o", f"bake-{NAME}", "--source", "dir:tree", "--unpinned"),
    ("bake", *IMAGE[1:], "-o", "images", "--source", "dir:tree", "--unpinned", "-t", NAME),
    ("bake", *IMAGE[1:], *BROKEN_FILE, "-o", "images"),
    ("bench", "show", NAME),
    ("bench", "compare", f"{NAME}-absent", "document"),
    ("bench", "compare", "document", "document", "--fail-if", NAME),
    ("bench", "compare", "document", "document", "--gpu", NAME),
    ("bench", "--base-url", NAME, "-o", "runs"),
    ("bench", "--base-url", "http://127.0.0.1:9", "-o", "runs", "--python", f"{NAME}-absent"),
    ("check", "--tp", "8", "--source", "dir:tree", "--set", f"profiles.tp8.flags.{TEXT}=1"),
    ("check", "--tp", "8", "--source", NAME),
    ("ci", NAME),
    ("ci", "gitlab", "-t", "registry.example/a", "--lock", f"./{NAME}/m2build.lock"),
    ("flags", NAME, "--source", "dir:tree"),
    ("run", *IMAGE[1:], "--print", NAME),
    ("run", *IMAGE[1:], "--image", NAME, "--print"),
    ("compose", *IMAGE[1:], TEXT),
    ("compose", *IMAGE[1:], "--cache", NAME),
    ("kubernetes", *IMAGE[1:], *GOOD, "--image", "registry.example/a:b", "-o", f"objects-{NAME}"),
    ("kubernetes", *IMAGE[1:], "--image", NAME, "-o", "objects"),
    ("lock", *IMAGE[1:], *TREE, *GOOD, "--lock", f"lock-{NAME}"),
    ("lock", *IMAGE[1:], *TREE, "--lock", f"./{NAME}/m2build.lock"),
    ("drift", "--release", NAME),
    ("drift", "--release", "sglang", "--series", f"./{NAME}"),
    ("drift", "--release", "sglang", "--lock", f"./{NAME}"),
    ("drift", "--tags", "v*", "--repository", NAME),
    ("drift", "--tags", "v*", "--max-transfer", NAME),
    ("cache", NAME),
    ("cache", "show", NAME),
    ("cache", "prune", "--size", NAME),
    ("size", NAME),
    ("size", "--config", f"./{NAME}"),
    ("size", "--gpu", NAME),
    ("doctor", "--recipe", NAME),
    ("doctor", "--profile", NAME),
    ("inspect", "oci:hostile:1"),
    ("inspect", "oci:hostile:1", "--json"),
    ("inspect", "oci:platform:1"),
    ("inspect", f"oci:{NAME}"),
    ("inspect", f"oci:base:{NAME}"),
    ("inspect", "oci:tagged:1"),
    ("inspect", "{registry}/a/b:c"),
    ("inspect", NAME),
    ("verify", f"oci:{NAME}"),
    ("verify", "oci:tagged:1"),
    ("verify", "oci:hostile:1", "--tp", "8", "--base", "oci:base"),
    ("verify", "oci:hostile:1", "--tp", "8", "--base", "oci:base", "--sarif"),
    ("verify", "oci:base", "--recipe", NAME),
    ("verify", "oci:base", "--key", NAME),
    ("verify", "oci:base", "--require", NAME),
    ("diff", "oci:hostile:1", "oci:base"),
    ("diff", "oci:hostile:1", "oci:base", "--json"),
    ("report", f"{NAME}-absent.jsonl", "-o", "page.html"),
    ("report", f"oci:{NAME}", "-o", "page.html"),
    ("report", "document", "-o", NAME),
    ("report", "oci:tagged:1", "--base", "oci:base", "-o", "page.html"),
    ("rebase", "oci:tagged:1", "--base", "oci:base"),
    ("rebase", f"oci:{NAME}", "--base", "oci:base"),
    ("rebase", "oci:tagged:1", "--base", NAME, "--old-base", "oci:hostile:1", "--tp", "8"),
    ("base", NAME),
    ("base", "check", NAME),
    ("base", "check", "--lock", f"./{NAME}"),
    ("base", "mirror", NAME, "{registry}/a/b"),
    ("base", "mirror", "{registry}/a/b:c", NAME),
    ("base", "mirror", "{registry}/a/b:c", "{registry}/a/d", "--lock", f"./{NAME}"),
    ("render", *IMAGE[1:], "-o", "context", "--lock", f"./{NAME}"),
    ("revert", "oci:tagged:1", "--base", "oci:hostile:1"),
    ("revert", "oci:base", "--base", NAME),
    ("revert", f"oci:{NAME}"),
    ("push", "oci:tagged:1", "{registry}/a/b:c"),
    ("push", f"oci:{NAME}", "{registry}/a/b:c"),
    ("push", "oci:base", NAME),
    ("push", "oci:tagged:1", "{registry}/a/b:c", "--attest"),
    ("push", "oci:base", "{registry}/a/b:c"),
    (*IMAGE, *TREE, *GOOD, "--dry-run"),
    (*IMAGE, *TREE, *GOOD, "--dry-run", "--json"),
    (*IMAGE, "--base", "dir:hostile-tree", "--dry-run"),
    (*IMAGE, *TREE, *FILE, "--dry-run"),
    (*IMAGE, *TREE, *BROKEN_FILE),
    ("--debug", *IMAGE, *TREE, *BROKEN_FILE),
    (*IMAGE, "--base", f"dir:{NAME}-"),
    (*IMAGE, "--base", "oci:tagged:1", "-o", "oci:no"),
    (*IMAGE, "--base", "oci:platform:1", "-o", "oci:no"),
    (*IMAGE, "--base", f"docker-archive:{NAME}", "-o", "oci:no"),
    (*IMAGE, "--base", "{registry}/a/b:c", "-o", "oci:no"),
    (*IMAGE, *TREE, "-o", f"oci:{TEXT}"),
    (*IMAGE, *TREE, "-o", f"oci-archive:{TEXT}"),
    (*IMAGE, *TREE, "-o", f"oci:no:{NAME}"),
    (*IMAGE, *TREE, "-o", f"docker-archive:no.tar:{NAME}"),
    (*IMAGE, "--base", f"dir:{NAME}", "-o", "oci:from-name"),
    (*IMAGE, "--base", "dir:hostile-tree", "-o", "oci:from-hostile"),
    ("render", *IMAGE[1:], "-o", "hostile-context", "--source", f"dir:{NAME}", "--unpinned"),
    (*IMAGE, *TREE, "-o", "oci:no", "-t", NAME),
    (*IMAGE, *TREE, "-o", "oci:no", "--platform", NAME),
    (*IMAGE, *TREE, "-o", "oci:no", "--env", NAME),
    (*IMAGE, *TREE, "-o", "oci:no", "--env", f"{TEXT}=1"),
    (*IMAGE, *TREE, "-o", "oci:no", "--label", f"{TEXT}=1"),
    (*IMAGE, *TREE, "-o", "oci:no", "--annotation", TEXT),
    (*IMAGE, *TREE, "-o", "oci:no", "--metadata-file", NAME),
    (*IMAGE, *TREE, "-o", "oci:no", "--engine", NAME),
    (*IMAGE, *TREE, "-o", "oci:no", "--attest-dir", f"tree/sglang/__init__.py/{NAME}"),
    (*IMAGE, *TREE, "-o", f"docker-archive:{TEXT}", "--attest"),
    (*IMAGE, *TREE, "-o", "oci:no", "--sign", f"cosign:{NAME}"),
    (*IMAGE, *TREE, "-o", "oci:no", "--sign", f"command:./{NAME}"),
    (*IMAGE, "--base", "{registry}/a/b:c", "--builder", NAME),
    (*IMAGE, "--base", "containers-storage:a"),
    (*IMAGE, "--base", "docker-daemon:a", "--engine", "docker"),
    (*IMAGE, "--base", "{registry}/a/b:c"),
]
SILENT = {
    ("push", "oci:base", "{registry}/a/b:c"),
    (*IMAGE, *TREE, "-o", f"oci:{TEXT}"),
    (*IMAGE, "--base", f"dir:{NAME}", "-o", "oci:from-name"),
    (*IMAGE, "--base", "dir:hostile-tree", "-o", "oci:from-hostile"),
    ("render", *IMAGE[1:], *GOOD, "-o", "context", "--source", "dir:tree", "--unpinned"),
}
"""Cases that end well, or before the hostile words are to be shown."""
ESCAPED = re.compile(rb"\\x1b|\\u001b|\\033|\\342\\200|\\u202e|\\x3a|\\r\\n")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workshop")
    workshop(folder)
    return folder


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with registry() as found:
        yield found


Seen = Callable[..., bytes]


@pytest.fixture
def seen(place: Path, host: str, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Runs a command in the workshop, and gives what the terminal received."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("PATH", f"{place}/bin", prepend=os.pathsep)
    monkeypatch.setenv("M2BUILD_PROGRESS", "auto")

    def run(case: Sequence[str], encoding: str = "utf-8", **environment: str) -> bytes:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return printed_on_a_terminal([argument.replace("{registry}", host) for argument in case], encoding=encoding)

    return run


def ids(case: tuple[str, ...]) -> str:
    return " ".join(case).replace(NAME, "NAME").replace(TEXT, "TEXT")


@pytest.mark.parametrize("case", sampled(CASES, every=2), ids=ids)
def test_nothing_hostile_reaches_the_terminal(case: tuple[str, ...], seen: Seen) -> None:
    received = seen(case)
    assert [problem for problem in verdict(received) if "--debug" not in case or "Traceback" not in problem] == []
    assert case in SILENT or ESCAPED.search(received), f"the case shows nothing of what is hostile: {received!r}"


def test_every_command_is_tried() -> None:
    """A new command needs a case."""
    tried = {
        next(way for way in sorted(WAYS, key=len, reverse=True) if words[: len(way)] == way)
        for words in (tuple(word for word in case if word != "--debug") for case in CASES)
    }
    assert tried == set(WAYS)


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("SOURCE_DATE_EPOCH", (*IMAGE, *TREE, "--dry-run")),
        ("M2BUILD_PROGRESS", (*IMAGE, *TREE, "--dry-run")),
        ("REGISTRY_AUTH_FILE", ("inspect", "{registry}/a/b:c")),
        ("HTTP_PROXY", ("inspect", "registry.invalid/a/b:c", "--insecure")),
        ("XDG_CACHE_HOME", (*IMAGE, "--base", "oci:base:base", "--dry-run")),
    ],
)
def test_the_environment_is_hostile(name: str, case: tuple[str, ...], seen: Seen) -> None:
    assert verdict(seen(case, **{name: NAME})) == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize(
    "case",
    [
        ("--help",),
        ("image", "--help"),
        ("recipe", "show", *GOOD, "--tp", "8"),
        ("patch", "diff", *HOSTILE),
        ("inspect", "oci:hostile:1"),
        (*IMAGE, *TREE, *BROKEN_FILE),
        ("recipe", "show", "--recipe", "…é"),
    ],
    ids=ids,
)
def test_a_terminal_without_unicode_gets_escapes(case: tuple[str, ...], encoding: str, seen: Seen) -> None:
    received = seen(case, encoding)
    assert verdict(received.decode(encoding).encode()) == []
    assert len(received) > 20


def test_a_diff_is_byte_for_byte_where_no_person_reads_it(place: Path) -> None:
    """And git takes it, hostile names and texts included."""
    command = [*M2BUILD, "patch", "diff", *HOSTILE]
    diff = subprocess.run(command, cwd=place, capture_output=True, check=True).stdout
    assert b"\x1b[2J" in diff
    subprocess.run(["git", "apply", "--check"], input=diff, cwd=place / "hostile-tree", check=True)
