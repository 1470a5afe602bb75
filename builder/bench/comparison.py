"""Two sets of results side by side: what changed, in which direction, and whether it is more than noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from m2build.bench.checks import faults, remarks
from m2build.bench.metrics import METRICS, Better, Metric
from m2build.bench.result import Result
from m2build.bench.roofline import Roof, impossible, roof_of
from m2build.bench.workload import Workload
from m2build.documents.arguments import typed_arguments
from m2build.errors import ContentError, UsageError


@dataclass(frozen=True)
class Sample:
    """One figure over the runs of one workload."""

    values: tuple[float, ...]

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.values)

    def overlaps(self, other: Sample) -> bool:
        """Whether the ranges of two samples have a value in common."""
        return min(self.values) <= max(other.values) and min(other.values) <= max(self.values)


@dataclass(frozen=True)
class Delta:
    """How one figure changed."""

    metric: Metric
    before: Sample
    after: Sample

    @property
    def percent(self) -> float:
        """The change of the median in percent; infinite from zero to anything."""
        before, after = self.before.middle, self.after.middle
        if before == after:
            return 0.0
        return 100 * (after / before - 1) if before else math.copysign(math.inf, after)

    @property
    def is_noise(self) -> bool:
        """Whether the runs of both sides overlap. One run on each side says nothing of noise, and does not count.

        Without any change, ranges of two runs each are apart in a third of all cases, of three in a tenth, of five in
        one of 126.
        """
        return len(self.before.values) + len(self.after.values) > 2 and self.before.overlaps(self.after)

    @property
    def verdict(self) -> str:
        """`better`, `worse`, `noise`, `same`, or `changed` where neither direction is better."""
        if not self.percent:
            return "same"
        if self.is_noise:
            return "noise"
        if self.metric.better is Better.NEITHER:
            return "changed"
        return "better" if (self.percent > 0) == (self.metric.better is Better.HIGHER) else "worse"


@dataclass(frozen=True)
class Comparison:
    """The runs of one workload on both sides.

    Attributes:
        name: the scenario's name, or the concurrency.
        workload: what was asked, as far as either side says.
        before: the runs to compare with.
        after: the runs to judge.
    """

    name: str
    workload: Workload
    before: tuple[Result, ...]
    after: tuple[Result, ...]

    @cached_property
    def deltas(self) -> tuple[Delta, ...]:
        """The figures that all runs of both sides have, in the client's order."""
        pairs = ((metric, _sample(metric, self.before), _sample(metric, self.after)) for metric in METRICS)
        return tuple(Delta(metric, before, after) for metric, before, after in pairs if before and after)

    @cached_property
    def roof(self) -> Roof | None:
        """What the GPUs of the runs to judge allow."""
        return next((bound for result in self.after if (bound := roof_of(result))), None)

    @cached_property
    def impossible(self) -> tuple[str, ...]:
        """Results above what their GPUs' memory allows, a sentence each."""
        return tuple(
            f"{result.source}: {said}" for result in (*self.before, *self.after) for said in impossible(result)
        )

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """What to keep in mind, a sentence each."""
        return tuple(f"{result.source}: {said}" for result in (*self.before, *self.after) for said in remarks(result))


@typed_arguments
def compare(before: Sequence[Result], after: Sequence[Result]) -> tuple[Comparison, ...]:
    """Compare runs, workload by workload. Every workload of `after` has to be in `before`; others there are left out.

    >>> from m2build.bench.reading import document_results
    >>> document = document_results()
    >>> [one.name for one in compare(document, document[1:])]
    ['medium', 'high']

    Raises:
        UsageError: a side has no runs, or the workloads differ.
        ContentError: a run is not a valid measurement: requests failed, or streams were empty.
    """
    if not before or not after:
        raise UsageError("there is nothing to compare: one side has no runs")
    for result in (*before, *after):
        if problems := faults(result):
            raise ContentError(
                f"{result.source} is not a valid measurement: {'; '.join(problems)}", hint="repeat that run"
            )
    sides = _grouped(before), _grouped(after)
    if missing := [str(limit or "no limit") for limit in sides[1] if limit not in sides[0]]:
        there = ", ".join(str(limit or "no limit") for limit in sides[0])
        raise UsageError(
            f"the workloads differ: concurrency {', '.join(missing)} has no run to compare with",
            hint=f"the other side has concurrency {there}",
        )
    return tuple(_comparison(sides[0][limit], runs) for limit, runs in sides[1].items())


def _comparison(before: tuple[Result, ...], after: tuple[Result, ...]) -> Comparison:
    known = before[0].workload
    for result in (*before[1:], *after):
        if differences := known.differences(result.workload):
            raise UsageError(
                f"the workloads of {before[0].source} and {result.source} differ: {'; '.join(differences)}",
                hint="compare runs of one scenario, with the same prompts and lengths",
            )
        known = known.completed_by(result.workload)
    return Comparison(Result("", known, {}).name, known, before, after)


def _grouped(results: Sequence[Result]) -> Mapping[int | None, tuple[Result, ...]]:
    """The runs by the requests at a time."""
    limits = dict.fromkeys(result.workload.max_concurrency for result in results)
    return {limit: tuple(result for result in results if result.workload.max_concurrency == limit) for limit in limits}


def _sample(metric: Metric, results: Sequence[Result]) -> Sample | None:
    values = tuple(result.figures[metric.key] for result in results if metric.key in result.figures)
    return Sample(values) if len(values) == len(results) else None
