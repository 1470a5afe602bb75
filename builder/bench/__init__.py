"""SGLang's own benchmark with the document's workloads: run, checked, stored, and compared as a gate.

Example:
    >>> from m2build import bench
    >>> document = bench.read_results("document")
    >>> (low,) = bench.compare(document, document[:1])
    >>> low.remarks[0].partition(";")[0]
    'MiniMax-M2, AMD GPU Support, section 4.1.1: cold start: mean TTFT 4,490 ms against median 382 ms'
    >>> list(bench.gate("output_throughput < -5%").failures([low]))
    []
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build.bench.checks import faults, remarks
    from m2build.bench.client import Client, in_container, in_image, local
    from m2build.bench.comparison import Comparison, compare
    from m2build.bench.gates import Gate, gate
    from m2build.bench.reading import read_results
    from m2build.bench.result import Result
    from m2build.bench.roofline import Roof, roof
    from m2build.bench.run import Target, run_scenarios
    from m2build.bench.shown import (
        comparison_document,
        comparison_markdown,
        results_document,
        results_markdown,
    )
    from m2build.bench.table import render_table
    from m2build.bench.workload import Scenario, scenarios

_HOMES = {
    "Client": "m2build.bench.client",
    "Comparison": "m2build.bench.comparison",
    "Gate": "m2build.bench.gates",
    "Result": "m2build.bench.result",
    "Roof": "m2build.bench.roofline",
    "Scenario": "m2build.bench.workload",
    "Target": "m2build.bench.run",
    "compare": "m2build.bench.comparison",
    "comparison_document": "m2build.bench.shown",
    "comparison_markdown": "m2build.bench.shown",
    "faults": "m2build.bench.checks",
    "gate": "m2build.bench.gates",
    "in_container": "m2build.bench.client",
    "in_image": "m2build.bench.client",
    "local": "m2build.bench.client",
    "read_results": "m2build.bench.reading",
    "remarks": "m2build.bench.checks",
    "render_table": "m2build.bench.table",
    "results_document": "m2build.bench.shown",
    "results_markdown": "m2build.bench.shown",
    "roof": "m2build.bench.roofline",
    "run_scenarios": "m2build.bench.run",
    "scenarios": "m2build.bench.workload",
}

__all__ = [
    "Client",
    "Comparison",
    "Gate",
    "Result",
    "Roof",
    "Scenario",
    "Target",
    "compare",
    "comparison_document",
    "comparison_markdown",
    "faults",
    "gate",
    "in_container",
    "in_image",
    "local",
    "read_results",
    "remarks",
    "render_table",
    "results_document",
    "results_markdown",
    "roof",
    "run_scenarios",
    "scenarios",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
