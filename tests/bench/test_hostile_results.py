"""Whatever stands in a file of results, it is read, compared and shown, or refused with an error of ours."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.engines.programs import script
from helpers.support import in_shares
from hypothesis import given, settings
from hypothesis import strategies as st

from m2build import bench
from m2build.bench.lines import read_lines, slim
from m2build.bench.metrics import METRICS
from m2build.bench.result import Result
from m2build.bench.table import read_tables
from m2build.errors import ContentError, EngineError, M2BuildError

WORDS = ("backend", "dataset_name", "request_rate", "max_concurrency", "random_input_len", "errors", "ttfts")
NUMBERS = st.one_of(st.integers(-2, 3), st.integers(), st.floats(), st.just(10**400))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=4)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
KEYS = st.sampled_from([*(metric.key for metric in METRICS), *WORDS])
LABELS = st.sampled_from([*(metric.label for metric in METRICS), "Backend", "Max request concurrency", "Other"])
ABOUT = st.fixed_dictionaries({"gpu": st.sampled_from(["MI300X", "x", None, 3]), "gpus": VALUES, "model": VALUES})


def shown(results: tuple[Result, ...]) -> None:
    """All that is made of results; JSON is strict."""
    json.dumps(bench.results_document(results), allow_nan=False)
    assert all("\n" not in line for line in bench.results_markdown(results))
    for result in results:
        bench.render_table(result)
    with suppress(M2BuildError):
        found = bench.compare(results, results)
        json.dumps(bench.comparison_document(found), allow_nan=False)
        assert all("\n" not in line for line in bench.comparison_markdown(found))
        assert all(delta.percent == 0 for one in found for delta in one.deltas)


@in_shares(5)
@settings(max_examples=5, derandomize=True, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=8), st.fixed_dictionaries({"completed": NUMBERS}), ABOUT)
def test_any_line_is_a_result_or_an_error(
    share: int, members: dict[str, object], counted: dict[str, object], about: dict[str, object]
) -> None:
    line = {"output_throughput": 1.5, **members, **counted}
    with suppress(M2BuildError):
        shown(read_lines(json.dumps(line), "x", about))
        assert math.isfinite(len(slim(json.loads(json.dumps(line)))))


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.lists(st.tuples(LABELS, NUMBERS.map(str) | st.text(max_size=5)), max_size=12), st.text(max_size=20))
def test_any_table_is_a_result_or_an_error(lines: list[tuple[str, str]], between: str) -> None:
    body = "".join(f"{label}:  {value}\n" for label, value in lines)
    with suppress(M2BuildError):
        shown(read_tables(f"=== Serving Benchmark Result ===\n{between}\n{body}{'=' * 50}\n", "x"))


def test_a_line_of_millions_of_values_is_refused_before_it_takes_memory() -> None:
    with pytest.raises(ContentError, match="x: more than 2,000,000 values"):
        read_lines(f'{{"errors": [{"[]," * 2_000_000}0]}}', "x")


@pytest.mark.parametrize("said", ["", "no JSON", "[1]", "7", "[" * 100_000])
def test_a_python_that_is_none_is_named(said: str, tmp_path: Path) -> None:
    (tmp_path / "said").write_text(said)
    script(tmp_path, "python", ("*", f"cat '{tmp_path}/said'"))
    with pytest.raises(EngineError, match="does not run programs as Python does"):
        bench.local(str(tmp_path / "python")).opened()
