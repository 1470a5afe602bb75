"""Whether a run is a measurement at all, and what to keep in mind when reading it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from m2build.bench.result import Result
from m2build.bench.workload import Workload
from m2build.documents.arguments import typed_arguments

_COLD = 5
"""Mean by median of the time to the first token. Many requests at once give up to 3.6 in the published tables of
MiniMax-M2 and M2.1; those with a cold start have 11.7."""
_LEAST_TEXT = 0.98
"""Of the generated tokens, those that the client finds again in the text: 0.993 and more in the same tables. One empty
stream of many passes, if the source says nothing of single requests."""


@typed_arguments
def faults(result: Result, expected: Workload | None = None) -> tuple[str, ...]:
    """Why a run is not a measurement, a sentence each; none for a sound one.

    Args:
        result: the run.
        expected: what it was meant to ask of the server, if that is known.
    """
    return (*_of_requests(result), *_of_figures(result), *_of_workload(result, expected))


def _of_requests(result: Result) -> Iterator[str]:
    requests = result.requests
    if requests and requests.failed:
        reason = f": {requests.reason}" if requests.reason else ""
        yield f"{requests.failed} of {requests.sent} requests failed{reason}"
    if requests and requests.empty:
        yield (
            f"{requests.empty} of {requests.sent} streams were empty, although the client counts them as successful: "
            "the server answered 200 and sent no text"
        )
    generated = result.figures.get("total_output_tokens")
    again = result.figures.get("total_output_tokens_retokenized")
    is_explained = requests and (requests.failed or requests.empty)
    if generated and again is not None and again < _LEAST_TEXT * generated and not is_explained:
        yield (
            f"the text has {again:,.0f} of the {generated:,.0f} generated tokens: "
            "some streams were empty, although the client counts them as successful"
        )


def _of_figures(result: Result) -> Iterator[str]:
    odd = [key for key, value in result.figures.items() if not math.isfinite(value)]
    if odd:
        yield f"no number: {', '.join(odd)}"
    if result.figures.get("completed") == 0:
        yield "no request was successful"


def _of_workload(result: Result, expected: Workload | None) -> Iterator[str]:
    if expected is None:
        return
    if expected.prompts is not None and (completed := result.figures.get("completed")) != expected.prompts:
        yield f"expected {expected.prompts} successful requests, got {completed or 0:.0f}"
    pairs = (
        ("input", expected.input_tokens, result.workload.input_tokens),
        ("generated", expected.output_tokens, result.workload.output_tokens),
    )
    for name, wanted, got in pairs:
        if wanted is not None and wanted != got:
            yield f"expected {wanted} {name} tokens, which the workload fixes, got {got}"


@typed_arguments
def remarks(result: Result) -> tuple[str, ...]:
    """What to keep in mind when reading a sound run, a sentence each."""
    mean, median = (result.figures.get(f"{statistic}_ttft_ms") for statistic in ("mean", "median"))
    if mean is None or median is None or not mean > _COLD * median:
        return ()
    lost = result.figures.get("completed", 0) * (mean - median) / 1000
    said = (
        f"cold start: mean TTFT {mean:,.0f} ms against median {median:,.0f} ms; requests waited some {lost:,.0f} s "
        "longer than usual for their first token, so that throughput and means say little of a warm server"
    )
    return (said,)
