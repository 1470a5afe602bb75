"""Large files beside the sources, such as the libraries in vLLM's and PyTorch's packages: not held, but known."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.bases import ROOT
from helpers.cli.checkouts import quickly, store
from helpers.images import file, folder, image, tar

from m2build.base.image_sources import source_tree
from m2build.errors import ContentError
from m2build.inspection.content import Entry
from m2build.layers.cache import MemberCache
from m2build.layers.filesystem import Filesystem, read_filesystem
from m2build.layers.members import Wanted
from m2build.local.cache import SealedFiles
from m2build.oci.digest import Digest
from m2build.patches.change import MentionKind
from m2build.patches.codemods.rename_module import RenameModule
from m2build.progress import Silent

FILES = {"old.py": b"#", "one.so": b"1" * 20, "two.so": b"2" * 20, "vast.py": b"3" * 9_000, "vast.so": b"4" * 9_000}
UNHELD = {"two.so", "vast.py", "vast.so"}


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some bytes instead of megabytes."""
    layers, patches = "m2build.layers", "m2build.patches"
    for name, bound in {
        f"{layers}.members._SMALL": 10,
        f"{layers}.members._MOST_LARGE": 30,
        f"{layers}.members.LARGEST_SOURCE": 8_999,
        f"{patches}.tree.LARGEST_SOURCE": 8_999,
        f"{patches}.renaming.mentions._LARGEST": 10,
    }.items():
        monkeypatch.setattr(name, bound)


def read(cache: MemberCache | None = None) -> Filesystem:
    sample = image(tar(folder("s"), *(file(f"s/{name}", content) for name, content in FILES.items())))
    return read_filesystem(sample, Wanted(frozenset({"s"})), Silent(), cache)


def test_they_are_known_by_their_digests_and_read_the_same_from_the_cache(tmp_path: Path) -> None:
    cache = MemberCache(SealedFiles(tmp_path))
    first, again = read(cache), read(cache)
    assert dict(first) == dict(again)
    for name, content in FILES.items():
        member = first[f"s/{name}"]
        assert (member.content, member.size) == ((b"", len(content)) if name in UNHELD else (content, 0))
        assert Entry.of(member).value == str(Digest.of(content))


def test_a_patch_that_reads_one_is_refused_and_a_search_says_that_it_is_not_searched() -> None:
    tree = source_tree(read(), "s", origin="here")
    with pytest.raises(ContentError, match=r"/s/vast\.py in the image has 9,000 bytes, too many to be held"):
        _ = tree["vast.py"].content
    rewrite = RenameModule("old", "new").apply(tree)
    assert [change.path for change in rewrite.changes] == ["new.py"]
    assert {mention.path for mention in rewrite.mentions if mention.kind is MentionKind.NOT_SEARCHED} == UNHELD


def test_a_base_with_such_files_is_derived_inspected_and_proven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    libraries = tar(*(file(f"{ROOT}/lib/{name}", bytes(100)) for name in ("a.so", "b.so")))
    more = tar(file(f"{ROOT}/lib/a.so", bytes(101)))
    store("oci:base:base", libraries)
    digest = quickly("image", "--tp", "8", "--base", "oci:base:base", "-o", "oci:out").rpartition("@")[2]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cold"))
    assert quickly("image", "--tp", "8", "--base", "oci:base:base", "-o", "oci:again").rpartition("@")[2] == digest
    assert "proven" in quickly("verify", "oci:out", "--base", "oci:base:base")
    store("oci:other:base", libraries, more)
    assert f"# /{ROOT}/lib/a.so: " in quickly("diff", "oci:base:base", "oci:other:base")
