"""The JSON lines that `sglang.bench_serving` appends to its output file, one a run, and what is kept of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping

from m2build.bench.metrics import BY_KEY, LARGEST
from m2build.bench.result import Requests, Result
from m2build.bench.workload import Workload
from m2build.errors import ContentError

_BULKY = frozenset({"itls", "generated_texts"})
"""Per-request members that are not kept: megabytes, of which the figures and `Requests` are the digest."""

_MOST_VALUES = 2_000_000
"""Values of one run; 500 requests have half a million. Each takes up to a hundred bytes of memory once it is read."""


def read_lines(text: str, source: str, about: Mapping[str, object] | None = None) -> tuple[Result, ...]:
    """The results in a client's output file.

    Raises:
        ContentError: a line is not a JSON object, or has no figures.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    several = len(lines) > 1
    return tuple(
        result_from(parsed(line, place), place, about or {})
        for number, line in enumerate(lines, 1)
        for place in [f"{source}, line {number}" if several else source]
    )


def parsed(line: str, source: str) -> dict[str, object]:
    """One line as a JSON object; the client writes `Infinity`, which Python reads and strict JSON does not have.

    Raises:
        ContentError: it is none, or it has more values than any result.
    """
    if sum(map(line.count, "[{,")) > _MOST_VALUES:
        raise ContentError(f"{source}: more than {_MOST_VALUES:,} values")
    try:
        found = json.loads(line)
    except ValueError as error:
        raise ContentError(f"{source}: not JSON: {error}", hint="a killed run leaves half a line; remove it") from error
    except RecursionError as error:
        raise ContentError(f"{source}: the JSON is nested too deeply") from error
    if not isinstance(found, dict):
        raise ContentError(f"{source}: expected a JSON object, got {type(found).__name__}")
    return found


def result_from(line: Mapping[str, object], source: str, about: Mapping[str, object]) -> Result:
    """The result of one line.

    Raises:
        ContentError: it has no figures.
    """
    figures = {key: number for key, value in line.items() if key in BY_KEY and (number := _number(value)) is not None}
    if "completed" not in figures or "output_throughput" not in figures:
        raise ContentError(f"{source}: no result of sglang.bench_serving: it has no completed or no output_throughput")
    return Result(source, _workload(line), figures, requests=_requests(line), about=about)


def slim(line: Mapping[str, object]) -> str:
    """A line as it is stored: strict JSON, without the bulky members."""
    return json.dumps({key: strict(value) for key, value in line.items() if key not in _BULKY}, allow_nan=False)


def strict(value: object) -> object:
    """A JSON value without what strict JSON does not have: infinity and NaN as the words `inf` and `nan`."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {key: strict(item) for key, item in value.items()}
    return [strict(item) for item in value] if isinstance(value, list) else value


def _number(value: object) -> float | None:
    if isinstance(value, str) and value in ("inf", "nan"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, float) or abs(value) < LARGEST else math.inf


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and math.isfinite(number) else None


def _workload(line: Mapping[str, object]) -> Workload:
    backend, dataset = line.get("backend"), line.get("dataset_name")
    outcomes = line.get("errors")
    is_random = str(dataset).startswith("random")
    return Workload(
        backend if isinstance(backend, str) else None,
        dataset if isinstance(dataset, str) else None,
        _whole(line.get("random_input_len")) if is_random else None,
        _whole(line.get("random_output_len")) if is_random else None,
        _number(line.get("random_range_ratio")) if is_random else None,
        _number(line.get("request_rate")),
        _whole(line.get("max_concurrency") or 0),
        len(outcomes) if isinstance(outcomes, list) else None,
        _whole(line.get("total_input_tokens")),
        _whole(line.get("total_output_tokens")),
    )


def _requests(line: Mapping[str, object]) -> Requests | None:
    """Failed and empty requests: the client counts a stream of nothing but errors as successful, with all its tokens.

    No text came if there is none, or if the time to the first token stayed zero.
    """
    errors, first_tokens = line.get("errors"), line.get("ttfts")
    if not isinstance(errors, list) or not isinstance(first_tokens, list) or len(errors) != len(first_tokens):
        return None
    texts = line.get("generated_texts")
    texts = texts if isinstance(texts, list) and len(texts) == len(errors) else [None] * len(errors)
    failed = [str(error) for error in errors if error]
    empty = sum(_is_empty(*request) for request in zip(errors, first_tokens, texts, strict=True))
    return Requests(len(errors), len(failed), empty, next(_last_lines(failed), ""))


def _is_empty(error: object, first_token: object, text: object) -> bool:
    return not error and (first_token == 0 or text == "")


def _last_lines(errors: list[str]) -> Iterator[str]:
    """The last line of each error: of a traceback, what went wrong."""
    return (lines[-1].strip() for error in errors if (lines := error.strip().splitlines()))
