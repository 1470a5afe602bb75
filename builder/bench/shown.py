"""Results and comparisons as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from m2build.bench.checks import faults, remarks
from m2build.bench.comparison import Comparison, Delta
from m2build.bench.lines import strict
from m2build.bench.metrics import METRICS
from m2build.bench.result import Result
from m2build.bench.roofline import FORMULA, Roof, impossible, roof_of
from m2build.bench.table import shown_figure
from m2build.documents.arguments import typed_arguments
from m2build.patches.markdown import plain

if TYPE_CHECKING:
    from m2build import printed

HEADLINES = (
    *("output_throughput", "total_throughput", "request_throughput", "median_ttft_ms", "mean_ttft_ms", "p99_ttft_ms"),
    *("median_tpot_ms", "p99_tpot_ms", "median_itl_ms", "p99_itl_ms", "median_e2e_latency_ms", "duration"),
)
"""The figures of the short tables; JSON has all."""

_FORMULA = f"The bound in output tok/s is `{FORMULA}`."


@typed_arguments
def results_markdown(results: Sequence[Result]) -> Iterator[str]:
    """The lines of a table with a column for each result, its bound, and what to keep in mind."""
    yield f"| | {' | '.join(_cell(result.name) for result in results)} |"
    yield f"| --- |{' ---: |' * len(results)}"
    for metric in (metric for metric in METRICS if metric.key in HEADLINES):
        values = [result.figures.get(metric.key) for result in results]
        if any(value is not None for value in values):
            shown = (f"{value:,.2f}" if value is not None else "" for value in values)
            yield f"| {metric.label} | {' | '.join(shown)} |"
    roofs = [roof_of(result) for result in results]
    if any(roofs):
        bounds = (f"{bound.throughput:,.0f}" if bound else "" for bound in roofs)
        yield f"| Bound of memory (tok/s) | {' | '.join(bounds)} |"
    yield ""
    if any(roofs):
        yield from (_FORMULA, "")
    for result in results:
        yield from (f"- {_cell(result.name)}: {_cell(said)}" for said in _all(result))


def _all(result: Result) -> tuple[str, ...]:
    return (*faults(result), *impossible(result), *remarks(result))


@typed_arguments
def comparison_markdown(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """The lines of a heading and a table for each workload, its bound, and what to keep in mind."""
    for comparison in comparisons:
        yield f"## {_cell(comparison.name)}"
        yield ""
        yield f"{_runs(comparison.before)} before, {_runs(comparison.after)} after."
        yield ""
        yield "| | before | after | change | |"
        yield "| --- | ---: | ---: | ---: | --- |"
        yield from (_row(delta) for delta in comparison.deltas if delta.metric.key in HEADLINES)
        yield ""
        if comparison.roof:
            yield f"- {_bound(comparison.roof)}"
        yield from (f"- {_cell(said)}" for said in (*comparison.impossible, *comparison.remarks))
        yield ""
    if any(comparison.roof for comparison in comparisons):
        yield _FORMULA


def _row(delta: Delta) -> str:
    before, after = (shown_figure(delta.metric, sample.middle) for sample in (delta.before, delta.after))
    return f"| {delta.metric.label} | {before} | {after} | {delta.percent:+.1f} % | {delta.verdict} |"


def _runs(results: Sequence[Result]) -> str:
    return "1 run" if len(results) == 1 else f"{len(results)} runs"


def _bound(bound: Roof) -> str:
    return (
        f"Memory of {bound.gpus} x {bound.gpu} allows at most {bound.throughput:,.0f} output tok/s at "
        f"{bound.requests} requests: {bound.step_bytes / 1e9:.1f} GB a step, contexts of {bound.context:,.0f} tokens"
    )


def _cell(text: str) -> str:
    """Text from outside, so that Markdown takes none of it for its own: neither cells nor marks nor HTML."""
    return plain(" ".join(text.split()))


@typed_arguments
def results_document(results: Sequence[Result]) -> list[printed.Measured]:
    """Results as JSON: everything that is known of each."""
    documents = [
        {
            "source": result.source,
            "name": result.name,
            "workload": asdict(result.workload),
            "figures": dict(result.figures),
            "requests": asdict(result.requests) if result.requests else None,
            "faults": list(faults(result)),
            "impossible": list(impossible(result)),
            "remarks": list(remarks(result)),
            "roof": asdict(bound) if (bound := roof_of(result)) else None,
            "about": dict(result.about),
        }
        for result in results
    ]
    return cast("list[printed.Measured]", strict(documents))


@typed_arguments
def comparison_document(comparisons: Sequence[Comparison]) -> list[printed.Compared]:
    """Comparisons as JSON: every figure of both sides, with all runs."""
    documents = [
        {
            "name": comparison.name,
            "workload": asdict(comparison.workload),
            "figures": {delta.metric.key: _delta(delta) for delta in comparison.deltas},
            "roof": {**asdict(comparison.roof), "formula": FORMULA} if comparison.roof else None,
            "impossible": list(comparison.impossible),
            "remarks": list(comparison.remarks),
        }
        for comparison in comparisons
    ]
    return cast("list[printed.Compared]", strict(documents))


def _delta(delta: Delta) -> dict[str, object]:
    return {
        "unit": delta.metric.unit,
        "better": str(delta.metric.better),
        "before": delta.before.middle,
        "after": delta.after.middle,
        "percent": delta.percent,
        "verdict": delta.verdict,
        "runsBefore": list(delta.before.values),
        "runsAfter": list(delta.after.values),
    }
