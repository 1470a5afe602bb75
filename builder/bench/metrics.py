"""What `sglang.bench_serving` measures: figures by their JSON keys, their printed labels, and which way is better.

From the clients of SGLang 0.5.4 to 0.5.23 (`sglang/bench_serving.py`, since 0.5.16 `sglang/benchmark/serving.py`).
Later releases print more lines; none was renamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Better(StrEnum):
    """Which way a figure is better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


@dataclass(frozen=True)
class Metric:
    """One figure.

    Attributes:
        key: its key in the client's JSON, as `output_throughput`.
        label: how the client prints it, without the colon.
        unit: as printed; empty for a count.
        better: which way is better; of what the workload fixes, neither.
        is_whole: whether it is printed without decimals; all others have two.
    """

    key: str
    label: str
    unit: str = ""
    better: Better = Better.NEITHER
    is_whole: bool = False


def _latencies(name: str, key: str, *statistics: str) -> tuple[Metric, ...]:
    return tuple(
        Metric(f"{statistic.lower()}_{key}_ms", f"{statistic} {name} (ms)", "ms", Better.LOWER)
        for statistic in statistics
    )


METRICS = (
    Metric("completed", "Successful requests", is_whole=True),
    Metric("duration", "Benchmark duration (s)", "s", Better.LOWER),
    Metric("total_input_tokens", "Total input tokens", is_whole=True),
    Metric("total_input_text_tokens", "Total input text tokens", is_whole=True),
    Metric("total_input_vision_tokens", "Total input vision tokens", is_whole=True),
    Metric("total_output_tokens", "Total generated tokens", is_whole=True),
    Metric("total_output_tokens_retokenized", "Total generated tokens (retokenized)", is_whole=True),
    Metric("request_throughput", "Request throughput (req/s)", "req/s", Better.HIGHER),
    Metric("input_throughput", "Input token throughput (tok/s)", "tok/s", Better.HIGHER),
    Metric("output_throughput", "Output token throughput (tok/s)", "tok/s", Better.HIGHER),
    Metric("max_output_tokens_per_s", "Peak output token throughput (tok/s)", "tok/s", Better.HIGHER),
    Metric("max_concurrent_requests", "Peak concurrent requests", is_whole=True),
    Metric("total_throughput", "Total token throughput (tok/s)", "tok/s", Better.HIGHER),
    Metric("concurrency", "Concurrency"),
    Metric("accept_length", "Accept length", better=Better.HIGHER),
    *_latencies("E2E Latency", "e2e_latency", "Mean", "Median", "P90", "P95", "P99"),
    *_latencies("TTFT", "ttft", "Mean", "Median", "P90", "P95", "P99"),
    *_latencies("TPOT", "tpot", "Mean", "Median", "P90", "P95", "P99"),
    *_latencies("ITL", "itl", "Mean", "Median", "P90", "P95", "P99", "Max"),
)
"""In the order in which the client prints them."""

BY_KEY = {metric.key: metric for metric in METRICS}
BY_LABEL = {metric.label: metric for metric in METRICS}
LARGEST = 1 << 63
"""A count of that size or more is none, and would be too large for arithmetic."""
SECTIONS = {
    "mean_e2e_latency_ms": "End-to-End Latency",
    "mean_ttft_ms": "Time to First Token",
    "mean_tpot_ms": "Time per Output Token (excl. 1st token)",
    "mean_itl_ms": "Inter-Token Latency",
}
"""The headings of the printed table, by the figure that follows each."""
