"""Results from where they are kept: folders, output files, logs, and the document's tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from m2build.bench.lines import parsed, read_lines
from m2build.bench.result import Result
from m2build.bench.roofline import roof
from m2build.bench.table import read_tables
from m2build.bench.workload import SCENARIOS
from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.local.failures import storage
from m2build.local.reading import read_given

DOCUMENT = "document"
"""The name of the document's tables, where a path is expected."""
_LARGEST = 32 << 20
"""Bytes of one file; with `--output-details`, 500 requests are about 10 MB."""
_ENDINGS = (".jsonl", ".txt", ".log")


@typed_arguments
def read_results(place: str, *, gpu: str | None = None, gpus: int | None = None) -> tuple[Result, ...]:
    """The results at a place, in the order in which they stand there.

    Args:
        place: `document` for the document's three tables; a folder, whose `.jsonl`, `.txt` and `.log` files are read;
            or a file, with the client's JSON lines or with any text that holds its printed tables.
        gpu: the server's GPUs, for results that do not say; see `m2build.bench.roof`.
        gpus: how many, likewise.

    Raises:
        UsageError: there is no such place, or no result in it, or the bandwidth of the GPU is not known.
        ContentError: a result is cut off or malformed.
        StorageError: a file cannot be read.
    """
    if gpu is not None:
        roof(1, gpu, gpus or 1, 0)  # for its error: a mistyped name would leave results without a bound
    stated = {key: value for key, value in (("gpu", gpu), ("gpus", gpus)) if value is not None}
    return tuple(_with_facts(result, stated) for result in _read(place))


def _with_facts(result: Result, stated: Mapping[str, object]) -> Result:
    """The result with facts that it lacks."""
    known = {key: value for key, value in result.about.items() if value is not None}
    return replace(result, about={**result.about, **stated, **known})


def _read(place: str) -> tuple[Result, ...]:
    if place == DOCUMENT:
        return document_results()
    path = Path(place)
    with storage(path, "read"):
        if not path.exists():
            raise UsageError(f"there are no results at {place}", hint=f"name a file, a folder, or `{DOCUMENT}`")
        paths = sorted(file for file in path.iterdir() if file.suffix in _ENDINGS) if path.is_dir() else [path]
    found = tuple(result for file in paths for result in _read_file(file))
    if not found:
        raise UsageError(
            f"{place} holds no result of sglang.bench_serving",
            hint="expected its output file (--output-file), or a log with its printed table",
        )
    return found


def _read_file(path: Path) -> Iterator[Result]:
    with storage(path, "read"):
        text = read_given(path, _LARGEST).decode(errors="replace")
    if text.lstrip().startswith("{"):
        yield from read_lines(text, str(path), _sidecar(path))
    else:
        yield from read_tables(text, str(path))


def sidecar_path(path: Path) -> Path:
    """Where what is known of an output file's runs stands: `low.json` beside `low.jsonl`."""
    return path.with_suffix(".json")


def _sidecar(path: Path) -> Mapping[str, object]:
    beside = sidecar_path(path)
    if beside == path or not beside.exists():
        return {}
    with storage(beside, "read"):
        return parsed(read_given(beside, _LARGEST).decode(errors="replace"), str(beside))


@cache
def document_results() -> tuple[Result, ...]:
    """The document's tables for low, medium and high concurrency: MiniMax-M2.1 on four MI300X, SGLang 0.5.7.

    >>> [result.figures["output_throughput"] for result in document_results()]
    [30.47, 511.05, 1642.64]
    """
    data = json.loads(files("m2build.bench").joinpath("document.json").read_bytes())
    title = data["title"]
    return tuple(
        Result(
            f"{title}, section {found['section']}",
            SCENARIOS[found["scenario"]].workload,
            found["figures"],
            about={**data["about"], "source": f"{title}, {data['source']}"},
        )
        for found in data["results"]
    )
