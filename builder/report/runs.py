"""What runs of the benchmark measured, beside the document's tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from m2build.bench.checks import faults, remarks
from m2build.bench.comparison import Delta, Sample
from m2build.bench.metrics import METRICS, Better, Metric
from m2build.bench.reading import DOCUMENT, read_results
from m2build.bench.result import Result
from m2build.bench.roofline import impossible
from m2build.bench.shown import HEADLINES, results_document
from m2build.documents.arguments import typed_arguments

_ENDINGS = (".jsonl", ".txt", ".log")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Runs:
    """The results at one place.

    Attributes:
        place: what the user called it.
        results: the results.
    """

    place: str
    results: tuple[Result, ...]


@typed_arguments
def is_run(word: str) -> bool:
    """Whether a word names results, and not an image: `document`, a file, or a folder that is not an OCI layout.

    >>> [is_run(word) for word in ("document", "runs/low.jsonl", "oci:./image", "registry.example/image:tag")]
    [True, True, False, False]
    """
    path = Path(word)
    is_results = path.is_dir() and not (path / "oci-layout").exists()
    return word == DOCUMENT or word.endswith(_ENDINGS) or path.is_file() or is_results


@typed_arguments
def runs_at(place: str) -> Runs:
    """The results at a place, as `m2build bench show` reads them.

    Raises:
        M2BuildError: as `m2build.bench.read_results`.
    """
    return Runs(place, read_results(place))


@dataclass(frozen=True)
class Series:
    """Results under a short name of the page's own, which plots and tables use.

    Attributes:
        letter: its name: `document`, or a letter.
        place: where the results are.
        results: the results.
    """

    letter: str
    place: str
    results: tuple[Result, ...]

    @property
    def sound(self) -> tuple[Result, ...]:
        """The results that are measurements."""
        return tuple(result for result in self.results if not faults(result))

    def at(self, requests: int) -> tuple[Result, ...]:
        """The measurements with so many requests at a time."""
        return tuple(result for result in self.sound if (result.workload.max_concurrency or 0) == requests)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before its figures are read, a sentence each."""
        said = (
            f"{result.name}: {sentence}"
            for result in self.results
            for sentence in (
                *(f"no measurement: {fault}" for fault in faults(result)),
                *impossible(result),
                *remarks(result),
            )
        )
        return tuple(dict.fromkeys(said))


def series_of(runs: Sequence[Runs]) -> tuple[Series, ...]:
    """The document's tables first, then the runs, each with its letter."""
    others = [one for one in runs if one.place != DOCUMENT]
    names = (f"{letter}{number or ''}" for number in range(len(others)) for letter in _LETTERS)
    lettered = (Series(letter, one.place, one.results) for letter, one in zip(names, others, strict=False))
    return (Series(DOCUMENT, DOCUMENT, read_results(DOCUMENT)), *lettered)


@dataclass(frozen=True)
class Cell:
    """A figure of one series.

    Attributes:
        text: the median of its runs, or nothing.
        spread: the lowest and the highest of several runs, or nothing.
        change: how it differs from the document's figure, or nothing.
    """

    text: str = ""
    spread: str = ""
    change: str = ""

    @property
    def verdict(self) -> str:
        """The last word of the change, as `better`."""
        return self.change.rpartition(" ")[2]


@dataclass(frozen=True)
class Line:
    """A row of a table: a figure, and its cell for each series."""

    label: str
    better: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """All series at one concurrency."""

    title: str
    lines: tuple[Line, ...]


def tables(series: Sequence[Series]) -> tuple[Table, ...]:
    """A table for each concurrency; the first series is what the others are compared with."""
    limits = sorted({result.workload.max_concurrency or 0 for one in series for result in one.sound})
    return tuple(Table(_title(limit), tuple(_lines(series, limit))) for limit in limits)


def _title(requests: int) -> str:
    if not requests:
        return "Without a limit of requests at a time"
    return "One request at a time" if requests == 1 else f"{requests} requests at a time"


def _lines(series: Sequence[Series], limit: int) -> Iterator[Line]:
    found = [one.at(limit) for one in series]
    for metric in (metric for metric in METRICS if metric.key in HEADLINES):
        cells = tuple(_cell(metric, found[0], results) for results in found)
        if any(cell.text for cell in cells):
            better = "" if metric.better is Better.NEITHER else f"{metric.better} is better"
            yield Line(metric.label, better, cells)


def _cell(metric: Metric, baseline: Sequence[Result], results: Sequence[Result]) -> Cell:
    sample = _sample(metric, results)
    if sample is None:
        return Cell()
    values = sample.values
    spread = f"{_shown(min(values))} to {_shown(max(values))}" if min(values) < max(values) else ""
    return Cell(_shown(sample.middle), spread, _change(metric, baseline, results, sample))


def _change(metric: Metric, baseline: Sequence[Result], results: Sequence[Result], sample: Sample) -> str:
    base = _sample(metric, baseline)
    if base is None or results is baseline:
        return ""
    if any(baseline[0].workload.differences(result.workload) for result in results):
        return "another workload"
    delta = Delta(metric, base, sample)
    return f"{delta.percent:+.1f} %, {delta.verdict}" if isfinite(delta.percent) else delta.verdict


def _shown(value: float) -> str:
    return f"{value:,.2f}"


def _sample(metric: Metric, results: Sequence[Result]) -> Sample | None:
    values = tuple(result.figures[metric.key] for result in results if metric.key in result.figures)
    return Sample(values) if values and all(map(isfinite, values)) else None


def as_json(series: Sequence[Series]) -> str:
    """Everything that is known of all results, as JSON."""
    document = [{"name": one.letter, "place": one.place, "results": results_document(one.results)} for one in series]
    return json.dumps(document, indent=1)


def as_csv(series: Sequence[Series]) -> str:
    """All figures as CSV, one a line."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["series", "place", "source", "requests_at_a_time", "figure", "unit", "value"])
    for one in series:
        for result in one.results:
            about = [one.letter, _plain(one.place), _plain(result.source), result.workload.max_concurrency or ""]
            for metric in METRICS:
                if metric.key in result.figures:
                    writer.writerow([*about, metric.key, metric.unit, result.figures[metric.key]])
    return file.getvalue()


def _plain(text: str) -> str:
    """Text that spreadsheets do not take for a formula (OWASP, CSV Injection)."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text
