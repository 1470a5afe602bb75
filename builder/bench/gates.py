"""Conditions on a comparison under which a pipeline has to stop: `output_throughput < -5%`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from m2build.bench.comparison import Comparison
from m2build.bench.metrics import BY_KEY, Better, Metric
from m2build.documents.arguments import typed_arguments
from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError

_FORM = re.compile(r"\s*(?P<key>\w+)\s*(?P<sign>[<>])\s*(?P<percent>[+-]?\d+(?:\.\d+)?)\s*%\s*")
_EXAMPLES = "as in 'output_throughput < -5%' or 'p99_ttft_ms > 20%'"


@dataclass(frozen=True)
class Gate:
    """A change that must not happen.

    Attributes:
        metric: the figure.
        percent: the change of its median, in percent, beyond which the gate fails; its sign says in which direction.
    """

    metric: Metric
    percent: float

    def __str__(self) -> str:
        """The condition as it is written."""
        return f"{self.metric.key} {'<' if self.metric.better is Better.HIGHER else '>'} {self.percent:+g}%"

    def failures(self, comparisons: Sequence[Comparison]) -> Iterator[str]:
        """Where the figure changed by more, and by more than noise: a sentence each.

        Raises:
            UsageError: a workload lacks the figure, so that nothing would be checked.
        """
        for comparison in comparisons:
            found = [delta for delta in comparison.deltas if delta.metric == self.metric]
            if not found:
                raise UsageError(
                    f"{comparison.name}: not all runs have {self.metric.key}, so that {str(self)!r} checks nothing",
                    hint="choose a figure that both clients report",
                )
            change = found[0].percent
            beyond = change < self.percent if self.metric.better is Better.HIGHER else change > self.percent
            if beyond and not found[0].is_noise:
                yield f"{comparison.name}: {self.metric.key} changed by {change:+.1f} %, and the limit is {self}"


@typed_arguments
def gate(text: str) -> Gate:
    """The gate that a condition describes.

    >>> str(gate("output_throughput < -5%"))
    'output_throughput < -5%'

    Raises:
        UsageError: it is none, or it would fail because a figure got better.
    """
    found = _FORM.fullmatch(text)
    if not found:
        raise UsageError(f"expected METRIC < PERCENT% or METRIC > PERCENT%, got {text!r}", hint=_EXAMPLES)
    metric = BY_KEY.get(found["key"])
    judged = [key for key, one in BY_KEY.items() if one.better is not Better.NEITHER]
    if metric is None:
        raise UsageError(f"there is no figure {did_you_mean(found['key'], judged)}", hint=_EXAMPLES)
    if metric.better is Better.NEITHER:
        raise UsageError(f"{metric.key} is neither better nor worse when it changes", hint=_EXAMPLES)
    worse = "<" if metric.better is Better.HIGHER else ">"
    if found["sign"] != worse:
        raise UsageError(
            f"{text!r} would fail when {metric.key} gets better: {metric.better} is better",
            hint=f"write {metric.key} {worse} {found['percent']}%",
        )
    return Gate(metric, float(found["percent"]))
