"""`relevant_when`: conditions on the tree's code that decide whether a patch that applies is needed there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.commands import refused, succeeds
from helpers.patches.series_files import DECORATOR, applied
from helpers.patches.trees import Content, tree_of
from pydantic import ValidationError

from m2build.errors import PatchError, UsageError
from m2build.patches import RemoveDecorator, SourceTree, apply_series, load_series
from m2build.patches.changeset import PatchResult
from m2build.patches.conditions import Condition
from m2build.patches.patch import Patch, Upstream

NORM = "sglang/srt/models/minimax_m2.py"
CLASS = "class K:\n    def set(self, norm): self.norm = norm\n"
CALLED = {"called": {"name": "norm", "module": "pkg.use"}}
DECORATED = {"decorated": {"function": "f", "decorator": "d.x", "module": "pkg.use"}}
IMPORTED = {"imported": {"name": "pkg.old", "module": "pkg.use"}}


def result_on(
    files: dict[str, Content], *conditions: dict[str, Any], links: dict[str, str] | None = None
) -> PatchResult:
    """A patch with these conditions, which always applies, on a tree with these files."""
    tree = tree_of({"pkg/norm.py": "import torch\n@torch.compile\ndef f(): ...\n", **files}, links=links)
    relevant = tuple(Condition.model_validate(condition) for condition in conditions)
    (result,) = applied(tree, {**DECORATOR, "releases": "", "relevant_when": relevant}).results
    return result


def said(result: PatchResult) -> tuple[str, list[str]]:
    return str(result.outcome), [str(mention) for mention in result.mentions]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("def g(self, x):\n    return self.norm(x)\n", 2),
        ("from a import norm\nnorm(1)\n", 2),
        ("from a import norm\n@norm\ndef g(): ...\n", 2),
        (f"{CLASS}    def g(self, x):\n        return self.norm(x)\n", 4),
        ("def run(f, x):\n    return f(x)\n\ndef g(self):\n    return run(self.norm, 1)\n", 2),
        ("def run(x, *, by):\n    return by(x)\n\ndef g(self):\n    return run(1, by=self.norm)\n", 2),
        ("class R:\n    def __init__(self, n):\n        self.i = n\n        self.i()\ndef g(s):\n    R(s.norm)\n", 4),
        ("class R:\n    @staticmethod\n    def run(n):\n        n()\ndef g(self):\n    return R.run(self.norm)\n", 4),
    ],
)  # fmt: skip
def test_a_call_makes_a_patch_relevant_and_is_shown(source: str, line: int) -> None:
    text = source.splitlines()[line - 1].strip()
    assert said(result_on({"pkg/use.py": source}, CALLED)) == ("applied", [f"relevant: pkg/use.py:{line}: {text}"])


@pytest.mark.parametrize(
    "source",
    [
        "",
        "def norm(x):\n    return x\n",
        "# norm(x)\nTEXT = 'the norms, use_norm'\n'''norm'''\n",
        "def g(self, norm=None):\n    self.norm = norm\n    return self.norm.weight\n",
        "def g(self):\n    return self.norm is None\n",
        "def run(n, x):\n    return n.weight + x.weight\n\ndef g(self):\n    return run(self.norm, x=self.norm)\n",
        "def run(n, x):\n    return run(n, x - 1)\n\ndef g(self):\n    return run(self.norm, 1)\n",
        "class R:\n    def __init__(self, n):\n        self.n = n.weight\ndef g(self):\n    return R(self.norm)\n",
        "def g(self):\n    self.other = self.norm\n    return self.other.weight\n",
        "def g(self):\n    return self.norms(1)\n",
    ],
)
def test_a_patch_that_nothing_calls_is_not_needed_although_it_would_apply(source: str) -> None:
    result = result_on({"pkg/use.py": source}, CALLED)
    assert said(result) == ("not-needed", ["not relevant: pkg/use.py: nothing calls norm"])
    assert result.detail == "it would apply, but is not relevant: none of the conditions of `relevant_when` holds"
    assert (result.changes, result.passes) == ((), True)


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("def g(self):\n    return getattr(self, 'norm')(1)\n", 2, "a string spells it"),
        ("def g(self):\n    return helper(self.norm)\n", 2, "it is handed on"),
        ("def run(*n): ...\ndef g(self):\n    return run(self.norm)\n", 3, "it is handed on"),
        ("def run(n): ...\ndef g(self, a):\n    return run(*a, self.norm)\n", 3, "it is handed on"),
        ("def run(n): ...\ndef g(self, run):\n    return run(self.norm)\n", 3, "it is handed on"),
        ("@wraps\ndef run(n): ...\ndef g(self):\n    return run(self.norm)\n", 4, "it is handed on"),
        ("def run(n):\n    return [n]\ndef g(self):\n    return run(self.norm)\n", 2, "it is used in another way"),
        ("def g(self):\n    return [self.norm]\n", 2, "it is used in another way"),
        ("def g(self):\n    return self.norm.forward\n", 2, "forward of it is used"),
        ("def g(self):\n    return self.norm.apply(1)\n", 2, "apply of it is used"),
        ("from a import norm as other\n", 1, "it is called other here"),
    ],
)
def test_what_may_be_a_call_is_told_and_the_patch_is_applied(source: str, line: int, reason: str) -> None:
    text = source.splitlines()[line - 1].strip()
    expected = f"maybe relevant: pkg/use.py:{line}: {text} ({reason})"
    assert said(result_on({"pkg/use.py": source}, CALLED)) == ("applied", [expected])


@pytest.mark.parametrize(
    ("condition", "source", "outcome", "evidence"),
    [
        (DECORATED, "import d\n@d.x\ndef f(): ...\n", "applied", "relevant: pkg/use.py:2: @d.x"),
        (DECORATED, "import d\ndef f(): ...\n", "not-needed", "not relevant: pkg/use.py: d.x is not on f"),
        (DECORATED, "import d\n@d.x\ndef g(): ...\n", "not-needed", "not relevant: pkg/use.py: d.x is not on f"),
        (DECORATED, "import d\ndef f(): ...\nf = d.x(f)\n", "applied", "maybe relevant: pkg/use.py:3: f = d.x(f)"),
        (IMPORTED, "from pkg import old\n", "applied", "relevant: pkg/use.py:1: from pkg import old"),
        (IMPORTED, "from .old import x\n", "applied", "relevant: pkg/use.py:1: from .old import x"),
        (IMPORTED, "import pkg.old.deep\n", "applied", "relevant: pkg/use.py:1: import pkg.old.deep"),
        (IMPORTED, "import importlib\nimportlib.import_module('pkg.old')\n", "applied", "relevant: pkg/use.py:2: "),
        (IMPORTED, "import pkg.older, old\n", "not-needed", "not relevant: pkg/use.py: it does not import pkg.old"),
        (IMPORTED, "from pkg import *\n", "applied", "maybe relevant: pkg/use.py:1: from pkg import *"),
        (IMPORTED, "NAMES = ['.old']\n", "applied", "maybe relevant: pkg/use.py:1: NAMES = ['.old']"),
        ({"exists": "pkg/use.py"}, "", "applied", "relevant: pkg/use.py: it exists"),
        ({"exists": "pkg/"}, "", "applied", "relevant: pkg: it exists"),
        ({"exists": "pkg/use"}, "", "not-needed", "not relevant: pkg/use: it does not exist"),
        ({"exists": "link/a.py"}, "", "applied", "maybe relevant: link: it is a symbolic link"),
        ({"called": {"name": "norm", "module": "pkg.gone"}}, "", "applied",
         "maybe relevant: pkg/gone.py: there is no such module"),
    ],
)  # fmt: skip
def test_each_condition_holds_fails_or_is_open(
    condition: dict[str, Any], source: str, outcome: str, evidence: str
) -> None:
    result = result_on({"pkg/use.py": source}, condition, links={"link": "/elsewhere"})
    (mention,) = result.mentions
    assert (str(result.outcome), str(mention)[: len(evidence)]) == (outcome, evidence)


def test_one_of_several_conditions_is_enough() -> None:
    source = "import d\n@d.x\ndef f(): ...\ndef g(self):\n    return [self.norm]\n"
    assert said(result_on({"pkg/use.py": source}, CALLED, DECORATED)) == ("applied", ["relevant: pkg/use.py:2: @d.x"])
    outcome, told = said(result_on({"pkg/use.py": ""}, CALLED, DECORATED, {"exists": "nope"}))
    assert (outcome, len(told)) == ("not-needed", 3)
    outcome, told = said(result_on({"pkg/use.py": source.replace("@d.x\n", "")}, CALLED, DECORATED))
    assert outcome == "applied"
    assert [one.partition(":")[0] for one in told] == ["maybe relevant"]


def test_conditions_are_looked_at_only_where_the_patch_has_something_to_change() -> None:
    """So a wrong folder stays `target-gone`, and a patched tree `already-applied`, whatever the condition says."""
    patch = {**DECORATOR, "releases": "", "relevant_when": (Condition(exists="nope"),)}
    for source, outcome in [
        (None, "target-gone"),
        ("import torch\n# @torch.compile\ndef f(): ...\n", "already-applied"),
    ]:
        files: dict[str, Content] = {"pkg/norm.py": source} if source else {"pkg/other.py": ""}
        (result,) = applied(tree_of(files), patch).results
        assert said(result)[0] == outcome
    rename = {"id": "r", "codemod": "rename-module", "parameters": {"module": "pkg.a", "to": "pkg.b"}}
    both = {"pkg/__init__.py": "", "pkg/a.py": "", "pkg/b.py": ""}
    (result,) = applied(tree_of(both), {**patch, **rename}).results
    assert said(result) == ("conflict", ["not relevant: nope: it does not exist"])


def test_a_module_of_a_condition_that_does_not_parse_stops_the_patch_by_name() -> None:
    with pytest.raises(PatchError, match=r"^the patch drop-compile stops: pkg/use\.py:1:\d+ does not parse"):
        result_on({"pkg/use.py": "def f(:\n"}, CALLED)


@pytest.mark.parametrize(
    "condition",
    [{}, {"exists": "a", **CALLED}, {"called": {"name": "a.b", "module": "m"}}, {"nope": 1}, {"called": {"name": "a"}}],
)
def test_a_condition_that_says_nothing_or_two_things_is_refused(condition: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate(condition)


def test_a_patch_in_python_takes_what_a_file_says() -> None:
    codemod = RemoveDecorator("pkg.norm", "torch.compile")
    of: dict[str, Any] = {"id": "no-compile", "summary": "s", "why": "w", "author": "Jo", "last_update": "2026-11-27"}
    patch = Patch.of(codemod, **of, upstream={"commit": "0123456"}, relevant_when=[CALLED])
    assert patch.relevant_when == (Condition.model_validate(CALLED),)
    assert patch.upstream == Upstream(commit="0123456")
    with pytest.raises(UsageError, match=r"the patch 'no-compile'.*relevant_when"):
        Patch.of(codemod, **of, relevant_when=[{"called": {"name": "a"}}])


def test_upstream_names_a_commit_or_a_pull_request() -> None:
    assert str(Upstream(commit="0123abc", pull_request="https://e.org/1")) == "commit 0123abc, https://e.org/1"
    for wrong in ({}, {"commit": "xyz"}, {"commit": "abc"}, {"pull_request": "1"}):
        with pytest.raises(ValidationError):
            Upstream.model_validate(wrong)


def test_people_see_conditions_evidence_and_the_change_upstream(tmp_path: Path) -> None:
    folder = tmp_path / "src"
    (folder / "pkg").mkdir(parents=True)
    (folder / "pkg/use.py").write_text("def g(self):\n    return self.norm(1)\n")
    (folder / "pkg/norm.py").write_text("import torch\n@torch.compile\ndef f(): ...\n")
    upstream = {"commit": "0123456", "pull_request": "https://example.org/1"}
    patch = {**DECORATOR, "relevant_when": [CALLED, {"exists": "a b"}], "upstream": upstream}
    series = tmp_path / "mine.yaml"
    series.write_text(json.dumps({"id": "mine", "summary": "Mine", "distribution": "pkg", "patches": [patch]}))
    chosen = ("--series", str(series), "--source", str(folder))
    status = succeeds("patch", "status", *chosen)
    assert "    relevant: pkg/use.py:2: return self.norm(1)\n" in status
    assert "    upstream: not needed from commit 0123456, https://example.org/1 on\n" in status
    page = succeeds("patch", "waiver", *chosen)
    assert "- Not needed from this change upstream on: commit 0123456, https://example.org/1.\n" in page
    assert "- Relevant when pkg.use calls norm, or a b exists.\n" in page
    shown = succeeds("patch", "show", "drop-compile", "--series", series)
    assert "relevant if  pkg.use calls norm\nrelevant if  a b exists\n" in shown
    (account,) = json.loads(succeeds("patch", "status", *chosen, "--json"))["patches"]
    assert (account["relevant_when"], account["upstream"]) == (patch["relevant_when"], upstream)
    series.write_text(series.read_text().replace('"exists"', '"exits"'))
    assert "mine.yaml:1:" in refused(2, "patch", "status", *chosen)


def test_a_patch_without_the_new_keys_has_the_account_that_it_had() -> None:
    """Or images would get other digests."""
    account = json.dumps(applied(tree_of({"pkg/norm.py": ""}), DECORATOR).account())
    assert "relevant_when" not in account
    assert "upstream" not in account.replace("applied_upstream", "")
    assert {"relevant_when", "upstream"} <= set(Patch.model_fields)


NORMS = """\
import torch

class MiniMaxM2RMSNormTP(torch.nn.Module):
    @torch.compile(dynamic=True)
    def forward(self, x): ...
{decorator}    def forward_qk(q_norm, k_norm, q, k):
        return q * q_norm.weight, k * k_norm.weight

class Attention:
    def __init__(self):
        self.q_norm, self.k_norm = MiniMaxM2RMSNormTP(), MiniMaxM2RMSNormTP()

    def forward(self, q, k):
        # q = self.q_norm(q)
        return {call}
"""
EACH = NORMS.format(decorator="", call="self.q_norm(q), self.k_norm(k)")
BOTH = "MiniMaxM2RMSNormTP.forward_qk(self.q_norm, self.k_norm, q, k)"
COMPILED = NORMS.format(decorator="    @staticmethod\n    @torch.compile(dynamic=True)\n", call=BOTH)
NOT_COMPILED = NORMS.format(decorator="    @staticmethod\n", call=BOTH)


@pytest.mark.parametrize("number", ["0.5.9.dev3", "0.5.9rc1", "0.5.4.post1.dev1", None])
@pytest.mark.parametrize(
    ("code", "outcome", "evidence"),
    [
        (EACH, "applied", f"relevant: {NORM}:15: return self.q_norm(q), self.k_norm(k)"),
        (COMPILED, "applied", f"relevant: {NORM}:7: @torch.compile(dynamic=True)"),
        (NOT_COMPILED, "not-needed", f"not relevant: {NORM}: nothing calls q_norm"),
        (EACH.replace("@torch.compile(dynamic=True)", "# @torch.compile(dynamic=True)"), "already-applied", None),
        (EACH.replace("    @torch.compile(dynamic=True)\n", ""), "not-needed", None),
    ],
    ids=["as in 0.5.7", "as in 0.5.8", "as in 0.5.9", "patched", "without the decorator"],
)
def test_the_shipped_series_judges_builds_of_main_by_their_code(
    number: str | None, code: str, outcome: str, evidence: str | None
) -> None:
    """Their numbers leave open what is in them; `tests/sweeps/test_sweep_drift.py` has the releases' own files."""
    if number is None and evidence is None and outcome == "not-needed":
        outcome = "done-otherwise"  # no number says that it may come without the decorator
    tree = SourceTree.of({NORM: code}, release=number)
    result = apply_series(load_series("minimax-m2-rocm"), tree).results[1]
    assert str(result.outcome) == outcome
    assert (str(result.mentions[0]) if evidence else None) == evidence
    assert result.passes == (outcome != "done-otherwise")
