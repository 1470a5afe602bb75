"""The table that `sglang.bench_serving` prints: read from any text that holds it, and written byte for byte.

The format is the same in SGLang 0.5.4 to 0.5.23; releases differ in which lines there are. Missing lines are left out,
and further ones kept as they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from m2build.bench.metrics import BY_LABEL, LARGEST, METRICS, SECTIONS, Metric
from m2build.bench.result import Result
from m2build.bench.workload import Workload
from m2build.documents.arguments import typed_arguments
from m2build.errors import ContentError

_WIDTH = 50
_LONGEST = 200
"""Characters of a line; others between those of a table are a log's."""
_START = re.compile(r"\s*=+ Serving Benchmark Result =+\s*")
_END = re.compile(r"\s*={10,}\s*")
_LINE = re.compile(r"\s*(?P<label>\S.*?):\s+(?P<value>\S.*?)\s*")
_BACKEND, _RATE, _LIMIT = "Backend", "Traffic request rate", "Max request concurrency"
_NO_LIMIT = "not set"


def read_tables(text: str, source: str) -> tuple[Result, ...]:
    """The results of every table in a text, such as a log or a page.

    Raises:
        ContentError: a table is cut off, has a line twice, or a figure is not a number.
    """
    found = list(_tables(text.splitlines(), source))
    several = len(found) > 1
    return tuple(
        _result(lines, f"{source}, table {number}" if several else source) for number, lines in enumerate(found, 1)
    )


def _tables(lines: list[str], source: str) -> Iterator[list[tuple[str, str]]]:
    """The labels and values of each table."""
    current: list[tuple[str, str]] | None = None
    for line in lines:
        if current is None:
            current = [] if _START.fullmatch(line) else None
        elif _END.fullmatch(line):
            yield current
            current = None
        elif len(line) <= _LONGEST and (pair := _LINE.fullmatch(line)):
            current.append((pair["label"], pair["value"]))
    if current is not None:
        raise ContentError(
            f"{source}: the last table is cut off: it has no closing line of equals signs",
            hint="copy the whole table; what is missing may be a digit",
        )


def _result(lines: list[tuple[str, str]], source: str) -> Result:
    head: dict[str, str] = {}
    figures: dict[str, float] = {}
    others: list[tuple[str, str]] = []
    for label, value in lines:
        metric = BY_LABEL.get(label)
        if label in head or (metric and metric.key in figures):
            raise ContentError(f"{source}: the table has the line {label!r} twice")
        if metric:
            figures[metric.key] = _number(value, source, metric)
        elif label in (_BACKEND, _RATE, _LIMIT):
            head[label] = value
        else:
            others.append((label, value))
    return Result(source, _workload(head, figures, source), figures, tuple(others))


def _number(text: str, source: str, metric: Metric) -> float:
    try:
        number = int(text) if metric.is_whole else float(text)
    except ValueError as error:
        raise ContentError(f"{source}: {metric.label} is not a number: {text!r}") from error
    return number if isinstance(number, float) or abs(number) < LARGEST else math.inf


def _workload(head: Mapping[str, str], figures: Mapping[str, float], source: str) -> Workload:
    try:
        rate = float(head[_RATE]) if head.get(_RATE, "trace") != "trace" else None
        limit = int(head[_LIMIT].replace(_NO_LIMIT, "0")) if _LIMIT in head else None
    except ValueError as error:
        raise ContentError(f"{source}: rate or concurrency is not a number: {head}") from error
    tokens = (figures.get("total_input_tokens"), figures.get("total_output_tokens"))
    inputs, outputs = (None if count is None or math.isinf(count) else int(count) for count in tokens)
    return Workload(
        head.get(_BACKEND),
        request_rate=rate,
        max_concurrency=limit,
        input_tokens=inputs,
        output_tokens=outputs,
    )


@typed_arguments
def render_table(result: Result) -> str:
    """The table as the client prints it, with the lines for which the result has figures."""
    workload = result.workload
    rows = {
        _BACKEND: workload.backend,
        _RATE: None if workload.request_rate is None else str(workload.request_rate),
        _LIMIT: None if workload.max_concurrency is None else str(workload.max_concurrency or _NO_LIMIT),
    }
    lines = [" Serving Benchmark Result ".center(_WIDTH, "=")]
    lines += [_row(label, value) for label, value in rows.items() if value is not None]
    for metric in METRICS:
        if metric.key in result.figures:
            if heading := SECTIONS.get(metric.key):
                lines.append(heading.center(_WIDTH, "-"))
            lines.append(_row(metric.label, shown_figure(metric, result.figures[metric.key])))
    return "\n".join([*lines, "=" * _WIDTH, ""])


def _row(label: str, value: str) -> str:
    return f"{f'{label}:':<40} {value:<10}"


def shown_figure(metric: Metric, value: float) -> str:
    """A figure as the client prints it."""
    return str(int(value)) if metric.is_whole and math.isfinite(value) else f"{value:.2f}"
