"""What `m2build bench` prints."""

from __future__ import annotations

from typing import Literal, NotRequired

from pydantic import JsonValue
from typing_extensions import TypedDict

Figure = float | Literal["inf", "-inf", "nan"]
"""A number; strict JSON has no others."""


class Workload(TypedDict):
    """What a run asks of a server; null for what its source does not say.

    Attributes:
        backend: The client's word for the protocol.
        dataset_name: Where prompts come from.
        random_range_ratio: The shortest length as a share of the longest.
        request_rate: Requests a second; `inf` sends all at once.
        max_concurrency: Requests at a time; 0 for no limit.
        prompts: How many requests.
        input_tokens: In all prompts.
        output_tokens: To be generated in all.
    """

    backend: str | None
    dataset_name: str | None
    random_input_len: int | None
    random_output_len: int | None
    random_range_ratio: Figure | None
    request_rate: Figure | None
    max_concurrency: int | None
    prompts: int | None
    input_tokens: int | None
    output_tokens: int | None


class Requests(TypedDict):
    """What became of single requests.

    Attributes:
        empty: Those that the client counts as successful although no text came.
        reason: The first error, or empty.
    """

    sent: int
    failed: int
    empty: int
    reason: str


class Roof(TypedDict):
    """What the memory of the GPUs allows at most.

    Attributes:
        requests: At a time.
        context: Tokens of one request's context, on average over its decoding.
        step_bytes: What a step reads.
        throughput: Output tokens a second that cannot be exceeded.
        step_ms: Milliseconds below which no token can follow another.
        formula: How it was reckoned.
    """

    requests: int
    gpus: int
    gpu: str
    context: Figure
    step_bytes: Figure
    throughput: Figure
    step_ms: Figure
    formula: NotRequired[str]


class Measured(TypedDict):
    """What one run measured.

    Attributes:
        source: Where it was read.
        name: The scenario, or its concurrency.
        figures: The client's figures by their keys.
        requests: Null if the source does not say.
        faults: Why it is not a measurement.
        impossible: What lies above the roof.
        remarks: What to keep in mind when reading it.
        roof: Null if the GPUs are not known.
        about: What is known of the run besides.
    """

    source: str
    name: str
    workload: Workload
    figures: dict[str, Figure]
    requests: Requests | None
    faults: list[str]
    impossible: list[str]
    remarks: list[str]
    roof: Roof | None
    about: dict[str, JsonValue]


class Delta(TypedDict):
    """How a figure changed; `before` and `after` are medians."""

    unit: str
    better: Literal["higher", "lower", "neither"]
    before: Figure
    after: Figure
    percent: Figure
    verdict: Literal["better", "worse", "noise", "same", "changed"]
    runsBefore: list[Figure]
    runsAfter: list[Figure]


class Compared(TypedDict):
    """The runs of one workload on both sides.

    Attributes:
        figures: By the client's keys.
        roof: Of the second side; null if its GPUs are not known.
    """

    name: str
    workload: Workload
    figures: dict[str, Delta]
    roof: Roof | None
    impossible: list[str]
    remarks: list[str]


class Comparison(TypedDict):
    """Two sets of results.

    Attributes:
        failures: The conditions of --fail-if that hold, one sentence each.
    """

    comparisons: list[Compared]
    failures: list[str]
