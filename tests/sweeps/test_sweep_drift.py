"""Sweep: the shipped series over published releases of SGLang, with what is known of each."""

from __future__ import annotations

import pytest

from m2build.drift import try_releases
from m2build.patches import SourceTree, apply_series, fetch_wheel, from_wheel, load_series

pytestmark = pytest.mark.sweep

LIVE = ("0.5.6", "0.5.6.post1", "0.5.6.post2", "0.5.7", "0.5.8", "0.5.8.post1")
"""The method of the decorator is called."""
DEAD = ("0.5.9", "0.5.10.post1", "0.5.13", "0.5.23")
"""The decorator is there, and its method is not called any more; on a CPU it is in 0.5.13."""
EVIDENCE = {
    "0.5.6": "relevant: 440: q = self.q_norm(q.contiguous())",
    "0.5.7": "relevant: 440: q = self.q_norm(q.contiguous())",
    "0.5.8.post1": "relevant: 288: @torch.compile(dynamic=True, backend=get_compiler_backend())",
    "0.5.9": "not relevant: None: nothing calls q_norm",
    "0.5.10.post1": "not relevant: None: nothing calls q_norm",
    "0.5.13": "relevant: 481: q = self._q_norm(q.contiguous())",
    "0.5.23": "not relevant: None: nothing calls q_norm",
}
"""What the code of a release says where its number says nothing."""
NEITHER = ("0.5.4",)
"""There is no such decorator yet."""
CASES = len(LIVE) + len(DEAD) + len(NEITHER) + len(EVIDENCE)


@pytest.mark.parametrize(
    ("requirement", "releases"),
    [
        ("sglang==0.5.4", NEITHER),
        ("sglang>=0.5.6,<0.5.10", (*LIVE, DEAD[0])),
        *((f"sglang=={release}", (release,)) for release in DEAD[1:]),
    ],
)
def test_the_rename_is_needed_everywhere_and_the_decorator_while_it_is_live(
    requirement: str, releases: tuple[str, ...]
) -> None:
    tried = try_releases(load_series("minimax-m2-rocm"), requirement)
    assert tuple(found.release for found in tried.releases) == releases
    for found in tried.releases:
        rename, decorator = found.patches
        assert (rename.outcome, bool(rename.importers)) == ("applied", True)
        assert decorator.outcome == ("applied" if found.release in LIVE else "not-needed")
        assert found.need == ("all" if found.release in LIVE else "some")


@pytest.mark.parametrize("release", EVIDENCE)
def test_builds_with_the_code_of_a_release_are_judged_by_it(release: str) -> None:
    norm = "sglang/srt/models/minimax_m2.py"
    tree = SourceTree.of({norm: from_wheel(fetch_wheel(f"sglang=={release}"))[norm]}, release="0.5.9.dev7")
    decorator = apply_series(load_series("minimax-m2-rocm"), tree).results[1]
    mention = decorator.mentions[0]
    assert f"{mention.kind}: {mention.line}: {mention.text}" == EVIDENCE[release]
    assert (decorator.outcome == "not-needed") == EVIDENCE[release].startswith("not ")
