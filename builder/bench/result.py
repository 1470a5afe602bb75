"""A result: one run of the client, as a value, wherever it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from m2build.bench.workload import SCENARIOS, Workload


@dataclass(frozen=True)
class Requests:
    """What became of single requests, by the client's `--output-details`.

    Attributes:
        sent: how many there were.
        failed: those with an error.
        empty: those that the client counts as successful although no text came.
        reason: the first error, or empty.
    """

    sent: int
    failed: int = 0
    empty: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Result:
    """What one run measured.

    Attributes:
        source: where it was read, for messages.
        workload: what was asked of the server, as far as the source says.
        figures: the measurements by their keys, as `output_throughput`; those that the release had.
        others: what the client printed besides, label and text, as of releases to come.
        requests: what became of single requests; None if the source does not say.
        about: what is known of the run: the sidecar's members.
    """

    source: str
    workload: Workload
    figures: Mapping[str, float]
    others: tuple[tuple[str, str], ...] = ()
    requests: Requests | None = None
    about: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The document's word for the workload, or its concurrency."""
        for scenario in SCENARIOS.values():
            if scenario.max_concurrency == self.workload.max_concurrency:
                exact = not scenario.workload.differences(self.workload)
                return scenario.name if exact else f"concurrency {scenario.max_concurrency}"
        limit = self.workload.max_concurrency
        return f"concurrency {limit}" if limit else "no limit"
