"""Comparisons: directions, noise, workloads that differ, gates, and results that no memory allows."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from helpers.snippets import run_snippets

from m2build import bench
from m2build.bench.metrics import BY_KEY
from m2build.bench.roofline import BANDWIDTHS, impossible, roof_of, step_weights
from m2build.errors import ContentError, UsageError
from m2build.launch.facts import facts, shape_of
from m2build.launch.memory import weight_bytes
from m2build.launch.topology import Topology

LOW, MEDIUM, HIGH = bench.read_results("document")


def runs(key: str, *values: float) -> list[bench.Result]:
    """Runs of the document's second workload that differ in one figure."""
    return [replace(MEDIUM, figures={**MEDIUM.figures, key: value}) for value in values]


def delta(key: str, before: list[bench.Result], after: list[bench.Result]) -> tuple[float, str]:
    (comparison,) = bench.compare(before, after)
    (found,) = [one for one in comparison.deltas if one.metric.key == key]
    return round(found.percent, 3), found.verdict


@pytest.mark.parametrize(
    ("key", "before", "after", "expected"),
    [
        ("output_throughput", 100, 110, (10, "better")),
        ("output_throughput", 100, 90, (-10, "worse")),
        ("p99_ttft_ms", 100, 110, (10, "worse")),
        ("p99_ttft_ms", 100, 90, (-10, "better")),
        ("duration", 100, 90, (-10, "better")),
        ("concurrency", 100, 90, (-10, "changed")),
        ("median_itl_ms", 100, 100, (0, "same")),
        ("max_itl_ms", 0, 5, (math.inf, "worse")),
        ("max_itl_ms", 0, 0, (0, "same")),
    ],
)
def test_each_figure_has_its_direction(key: str, before: float, after: float, expected: tuple[float, str]) -> None:
    assert delta(key, runs(key, before), runs(key, after)) == expected


def test_every_throughput_is_better_higher_and_every_latency_lower() -> None:
    higher = {key for key, metric in BY_KEY.items() if metric.better == "higher"}
    lower = {key for key, metric in BY_KEY.items() if metric.better == "lower"}
    assert {key for key in BY_KEY if "throughput" in key or "per_s" in key} | {"accept_length"} == higher
    assert {key for key in BY_KEY if key.endswith("_ms")} | {"duration"} == lower


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((100, 104), (98, 101), "noise"),
        ((100,), (95, 101), "noise"),
        ((100, 104), (95, 99), "worse"),
        ((100, 104, 102), (105, 109, 107), "better"),
        ((100,), (99,), "worse"),
    ],
)
def test_a_change_within_the_range_of_repeated_runs_is_noise(
    before: tuple[float, ...], after: tuple[float, ...], verdict: str
) -> None:
    key = "output_throughput"
    assert delta(key, runs(key, *before), runs(key, *after))[1] == verdict
    failures = list(bench.gate(f"{key} < 0%").failures(bench.compare(runs(key, *before), runs(key, *after))))
    assert bool(failures) == (verdict == "worse")


def test_figures_that_not_all_runs_have_are_left_out() -> None:
    old = replace(MEDIUM, figures={key: value for key, value in MEDIUM.figures.items() if "tpot" not in key})
    (comparison,) = bench.compare([old], [MEDIUM])
    assert {one.metric.key for one in comparison.deltas} == set(old.figures)
    with pytest.raises(UsageError, match="medium: not all runs have mean_tpot_ms"):
        list(bench.gate("mean_tpot_ms > 5%").failures([comparison]))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"random_output_len": 500}, "random_output_len 1000 and 500"),
        ({"prompts": 40, "input_tokens": 19834}, "prompts 80 and 40; input_tokens 39668 and 19834"),
        ({"request_rate": 4.0}, "request_rate inf and 4.0"),
        ({"max_concurrency": 32}, "concurrency 32 has no run to compare with"),
        ({"backend": "vllm"}, "backend sglang and vllm"),
    ],
)
def test_different_workloads_are_not_compared(other: dict[str, object], said: str) -> None:
    strange = replace(MEDIUM, workload=replace(MEDIUM.workload, **other))  # type: ignore[arg-type]  # by parameter
    with pytest.raises(UsageError, match=said):
        bench.compare([LOW, MEDIUM, HIGH], [LOW, strange])


def test_nothing_is_compared_with_a_run_that_is_no_measurement() -> None:
    with pytest.raises(UsageError, match="one side has no runs"):
        bench.compare([LOW], [])
    (unsound,) = runs("total_output_tokens_retokenized", 0)
    with pytest.raises(ContentError, match="is not a valid measurement: the text has 0 of the 40,805"):
        bench.compare([MEDIUM], [MEDIUM, unsound])
    with pytest.raises(ContentError, match="no number: mean_ttft_ms"):
        bench.compare([MEDIUM], runs("mean_ttft_ms", math.nan))


@pytest.mark.parametrize(
    ("condition", "key", "after", "fails"),
    [
        ("output_throughput < -5%", "output_throughput", 0.94, True),
        ("output_throughput < -5%", "output_throughput", 0.96, False),
        ("output_throughput<-5 %", "output_throughput", 1.5, False),
        ("p99_ttft_ms > 20%", "p99_ttft_ms", 1.21, True),
        ("p99_ttft_ms > +20.5%", "p99_ttft_ms", 1.2, False),
        ("duration > 0%", "duration", 0.5, False),
    ],
)
def test_a_gate_fails_beyond_its_limit_only(condition: str, key: str, after: float, *, fails: bool) -> None:
    comparisons = bench.compare([MEDIUM], runs(key, MEDIUM.figures[key] * after))
    assert bool(list(bench.gate(condition).failures(comparisons))) == fails


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("output_throughput > -5%", "would fail when output_throughput gets better: higher is better"),
        ("mean_ttft_ms < 5%", "would fail when mean_ttft_ms gets better: lower is better"),
        ("output_througput < -5%", "there is no figure 'output_througput'; did you mean 'output_throughput'"),
        ("completed < -5%", "completed is neither better nor worse"),
        ("output_throughput < -5", "expected METRIC < PERCENT% or METRIC > PERCENT%"),
        ("", "expected METRIC"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_refused(condition: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        bench.gate(condition)


@pytest.mark.parametrize(("requests", "gigabytes", "bound"), [(1, 11.4, 1865), (16, 96.7, 3508), (100, 238.5, 8889)])
def test_the_bound_is_that_of_the_published_arithmetic(requests: int, gigabytes: float, bound: float) -> None:
    """Worked by hand for contexts of 750 tokens on four MI300X: 62 layers, 8 of 256 experts, FP8."""
    found = bench.roof(requests, "MI300X", 4, 750)
    assert round(found.step_bytes / 1e9, 1) == gigabytes
    assert round(found.throughput) == bound
    assert bench.roof(requests, "MI300X", 8, 750).throughput == pytest.approx(2 * found.throughput)


def test_the_weights_of_a_step_are_those_of_the_checkpoint() -> None:
    """All experts of all layers: 230 GB, less the embedding, which a step does not read as a whole."""
    shape = shape_of("minimax-m2.1")
    embedding = shape.vocabulary * shape.hidden * 2
    everything = step_weights(shape, 100_000)
    assert everything + embedding == pytest.approx(weight_bytes(shape, Topology()), rel=0.0003)
    assert everything + embedding == pytest.approx(230.1e9, rel=0.001)


def test_the_document_is_below_its_bound_and_ten_times_its_speed_is_not() -> None:
    assert [list(impossible(result)) for result in (LOW, MEDIUM, HIGH)] == [[], [], []]
    fast = runs("output_throughput", 5110.5)[0]
    (comparison,) = bench.compare([MEDIUM], [fast])
    (said,) = comparison.impossible
    assert "impossible: 5,110 output tok/s, and memory allows at most 3,508 (4 x MI300X at 16 requests" in said
    assert next(impossible(runs("median_tpot_ms", 0.5)[0])).startswith("impossible: a token every 0.50 ms")
    speculating = replace(fast, figures={**fast.figures, "accept_length": 2.0})
    assert list(impossible(speculating)) == []


def test_fp8_keys_and_values_are_half_as_many_bytes() -> None:
    less = replace(MEDIUM, about={**MEDIUM.about, "kvCacheDtype": "fp8_e4m3"})
    one, other = roof_of(MEDIUM), roof_of(less)
    assert one is not None
    assert other is not None
    assert one.step_bytes - other.step_bytes == pytest.approx(16 * one.context * 253_952 / 2)


def test_without_known_gpus_or_for_another_model_there_is_no_bound() -> None:
    assert roof_of(replace(MEDIUM, about={})) is None
    assert roof_of(replace(MEDIUM, about={**MEDIUM.about, "gpu": "B200"})) is None
    assert roof_of(replace(MEDIUM, about={**MEDIUM.about, "model": "MiniMaxAI/MiniMax-M3-MXFP8"})) is None
    assert roof_of(replace(MEDIUM, about={**MEDIUM.about, "model": "/models/MiniMax-M2.7/"})) == roof_of(MEDIUM)
    assert list(BANDWIDTHS) == [gpu.name for gpu in facts().gpus]
    with pytest.raises(UsageError, match="the bandwidth of the GPU 'MI30X'; did you mean 'MI300X'"):
        bench.roof(1, "MI30X", 4, 750)


def test_the_page_prints_what_it_says() -> None:
    found = list(run_snippets("bench.md"))
    assert [printed for _, printed in found] == [expected for expected, _ in found]
    assert len(found) == 1
