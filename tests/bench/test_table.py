"""The printed table and the JSON lines of every release since 0.5.4: read, written, and refused when cut off."""

from __future__ import annotations

import json
import math
import re
import zipfile
from pathlib import Path

import pytest

from m2build import bench
from m2build.bench.lines import read_lines, slim
from m2build.bench.metrics import BY_KEY, BY_LABEL, METRICS
from m2build.bench.table import read_tables
from m2build.bench.workload import token_totals
from m2build.errors import ContentError, UsageError
from m2build.patches.pypi import fetch_wheel

TABLES = (Path(__file__).parents[1] / "helpers/serving/document_tables.txt").read_text(encoding="utf-8")
LOW = TABLES.partition("\n\n")[0]
ABSENT_IN_0_5_4 = ("TPOT (ms)", "Peak ", "Total token throughput")
LATER = """\
---------------Cache Hit Details----------------
Total prompt tokens:                     6101      
Total cached tokens:                     512       
  Device:                                500       
Cache hit rate:                          8.4%
  Device:                                97.7%
"""  # noqa: W291 - as it is printed
"""What 0.5.14 and later print besides."""


def without(text: str, *words: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not any(word in line for word in words))


def line(**members: object) -> str:
    """A line of the client's, with the figures of the document's first table."""
    (result,) = read_tables(LOW, "low")
    known = {"backend": "sglang", "dataset_name": "random", "random_input_len": 1000, "random_output_len": 1000}
    head = {**known, "random_range_ratio": 0.0, "request_rate": math.inf, "max_concurrency": 1, "accept_length": None}
    return json.dumps({**head, **result.figures, **members})


def test_the_documents_tables_come_back_as_they_are() -> None:
    rendered = "\n".join(bench.render_table(result) for result in read_tables(TABLES, "the document"))
    assert [text.rstrip() for text in rendered.splitlines()] == [text.rstrip() for text in TABLES.splitlines()]


def test_the_shipped_data_are_the_documents_tables() -> None:
    """Every figure of all three: 26 in each table, and nothing that was left out."""
    printed, shipped = read_tables(TABLES, "the document"), bench.read_results("document")
    assert [dict(result.figures) for result in shipped] == [dict(result.figures) for result in printed]
    assert [len(result.figures) + 3 for result in printed] == [TABLES.count(":  ") // 3] * 3
    assert [one.workload.differences(two.workload) for one, two in zip(printed, shipped, strict=True)] == [()] * 3
    assert [result.source for result in shipped] == [
        f"MiniMax-M2, AMD GPU Support, section 4.1.{number}" for number in (1, 2, 3)
    ]


def test_a_log_may_hold_a_table_of_any_release() -> None:
    old = without(LOW, *ABSENT_IN_0_5_4)
    late = LOW.replace("P99 E2E", "P90 E2E").replace("=" * 50 + "\n", "") + LATER + "=" * 50
    (one, other) = read_tables(f"#Input tokens: 6101\r\n{old}\nlater:\n{late}\nerror: none", "log")
    assert one.figures["output_throughput"] == other.figures["output_throughput"] == 30.47
    assert "median_tpot_ms" not in one.figures
    assert other.others[0] == ("Total prompt tokens", "6101")
    assert ("Device", "97.7%") in other.others


def test_every_figure_is_read_by_its_label_and_by_its_key() -> None:
    text = "".join(f"{f'{metric.label}:':<40} {number:<10}\n" for number, metric in enumerate(METRICS))
    (printed,) = read_tables(f"{LOW.splitlines()[0]}\n{text}{'=' * 50}\n", "all")
    (stored,) = read_lines(json.dumps({metric.key: number for number, metric in enumerate(METRICS)}), "all")
    assert printed.figures == stored.figures == {metric.key: number for number, metric in enumerate(METRICS)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LOW[: LOW.rindex("=" * 50)], "the last table is cut off"),
        (LOW.replace("30.47", "3o.47"), "Output token throughput .* is not a number: '3o.47'"),
        (LOW.replace("Median TTFT", "Mean TTFT"), r"has the line 'Mean TTFT \(ms\)' twice"),
        (LOW.replace("inf\n", "many\n"), "rate or concurrency is not a number"),
    ],
)
def test_a_broken_table_is_refused(text: str, said: str) -> None:
    with pytest.raises(ContentError, match=said):
        read_tables(text, "log")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (line()[:-9], "low.jsonl: not JSON"),
        (f"{line()}\n[]\n", "low.jsonl, line 2: expected a JSON object, got list"),
        ('{"completed": 3}', "no result of sglang.bench_serving"),
        ('{"a":' * 100_000, "nested too deeply|not JSON"),
    ],
    ids=["half a line", "a list", "something else", "deep"],
)
def test_a_broken_line_is_refused(text: str, said: str) -> None:
    with pytest.raises(ContentError, match=said):
        read_lines(text, "low.jsonl")


def test_single_requests_are_told_apart() -> None:
    """The four kinds: an answer, an error, a stream without text, a stream whose text is not kept."""
    errors = ["", "Traceback …\nTimeoutError: no answer\n", "", ""]
    (found,) = read_lines(line(errors=errors, ttfts=[0.1, 0, 0, 0.1], generated_texts=["a", "", "", "a"]), "x")
    assert found.requests is not None
    assert (found.requests.sent, found.requests.failed, found.requests.empty) == (4, 1, 1)
    assert found.requests.reason == "TimeoutError: no answer"
    stored = slim(json.loads(line(errors=errors, ttfts=[0.1, 0, 0, 0.1], generated_texts=["a"], itls=[[1.0]])))
    assert json.loads(stored, parse_constant=pytest.fail)["request_rate"] == "inf"
    (again,) = read_lines(stored, "x")
    assert (again.requests, again.workload) == (found.requests, found.workload)
    assert "generated_texts" not in stored


def test_a_stream_without_text_shows_in_a_table_too() -> None:
    (found,) = read_tables(LOW.replace("4220\nRequest", "3700\nRequest"), "log")
    (said,) = bench.faults(found)
    assert said.startswith("the text has 3,700 of the 4,220 generated tokens: some streams were empty, although the")
    assert bench.faults(bench.read_results("document")[0]) == ()


def test_the_documents_cold_start_is_flagged_and_nothing_else() -> None:
    assert [len(bench.remarks(result)) for result in bench.read_results("document")] == [1, 0, 0]
    (said,) = bench.remarks(bench.read_results("document")[0])
    assert said.startswith("cold start: mean TTFT 4,490 ms against median 382 ms; requests waited some 41 s longer")


def test_totals_are_those_that_numpy_draws() -> None:
    """Other counts than the document's: `numpy.random.seed(1); numpy.random.randint(1, 1001, n).sum()`, twice."""
    assert [token_totals(count, 1000, 1000) for count in (1, 2, 6)] == [(38, 236), (274, 982), (2930, 3446)]
    with pytest.raises(UsageError, match="no scenario 'lwo'; did you mean 'low'"):
        bench.scenarios("lwo")


def test_places_without_results_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no table\n")
    with pytest.raises(UsageError, match="holds no result"):
        bench.read_results(str(tmp_path))
    with pytest.raises(UsageError, match="there are no results at"):
        bench.read_results(str(tmp_path / "absent"))


@pytest.mark.sweep
@pytest.mark.parametrize("release", ["0.5.4", "0.5.6", "0.5.7", "0.5.8", "0.5.10.post1", "0.5.14", "0.5.16", "0.5.23"])
def test_all_that_a_release_prints_and_stores_is_known(release: str) -> None:
    """Labels and keys out of the published client's own source."""
    places = ("sglang/benchmark/serving.py", "sglang/bench_serving.py")
    with zipfile.ZipFile(fetch_wheel(f"sglang=={release}")) as wheel:
        source = wheel.read(next(path for path in places if path in wheel.namelist())).decode()
    used = {
        word for word in bench.Target("http://x", "m", "d").arguments(bench.scenarios("low")[0]) if word[:2] == "--"
    }
    assert [flag for flag in sorted(used) if f'"{flag}"' not in source] == []
    labels = set(re.findall(r'"([A-Z][\w ().]*?(?: \([\w/]+\))?):"', source))
    keys = set(re.findall(r'^ {12}"(\w+)": metrics\.\w+,$', source, re.MULTILINE))
    figures = {label for label in labels if re.search(r"\((ms|s|tok/s|req/s)\)$|^Total|tokens$", label)}
    assert figures - {"Total prompt tokens", "Total cached tokens"} <= set(BY_LABEL)
    assert len(figures) >= 20
    assert {key for key in keys if not key.startswith("std_")} <= set(BY_KEY)
    assert len(keys) >= 25
