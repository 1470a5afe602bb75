"""The page of runs: tables, plots, and data that can be downloaded."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from helpers.report.parsed import parsed, rows, strangers, text

from m2build import bench, report
from m2build.errors import UsageError
from m2build.report.plots import COLOURS, PLOTTED, plots
from m2build.report.runs import as_csv, series_of

TABLES = (Path(__file__).parents[1] / "helpers/serving/document_tables.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs that are faster at 16 requests, one that is slower, and one whose streams were empty."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "faster").mkdir()
    for number, figure in enumerate(("540.00", "562.16", "580.00")):
        (folder / f"faster/{number}.txt").write_text(TABLES.replace("511.05", figure))
    (folder / "slower.txt").write_text(TABLES.replace("511.05", "450.00"))
    (folder / "empty.txt").write_text(TABLES.replace("40801", "20000"))
    return folder


@pytest.fixture(scope="module")
def document(page: str) -> ET.Element:
    return parsed(page)


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return report.render_page(runs=[report.runs_at(f"{folder}/{name}") for name in ("faster", "slower.txt")])


def test_tables_stand_beside_the_documents_figures(document: ET.Element) -> None:
    table = rows(document, "16 requests at a time")
    assert table[0] == ["Figure", "document", "A", "B"]
    throughput = next(row for row in table if row[0].startswith("Output token throughput"))
    assert throughput[1:] == ["511.05", "562.16540.00 to 580.00+10.0 %, better", "450.00-11.9 %, worse"]
    assert [row[1] for row in rows(document, "One request at a time")[3:5]] == ["30.47", "74.53"]
    assert "low: cold start: mean TTFT 4,490 ms against median 382 ms" in text(document)


def test_what_is_no_measurement_is_said_and_left_out(folder: Path) -> None:
    document = parsed(report.render_page(runs=[report.runs_at(f"{folder}/empty.txt")]))
    assert "medium: no measurement: the text has 20,000 of the 40,805 generated tokens" in text(document)
    table = rows(document, "16 requests at a time")[1:]
    assert [row for row in table if any(mark.isdecimal() for mark in row[2])] == []


def test_other_workloads_are_not_compared(tmp_path: Path) -> None:
    figures = {"completed": 5, "max_concurrency": 16, "output_throughput": 400.0, "request_rate": 2.0}
    (tmp_path / "mine.jsonl").write_text(json.dumps(figures))
    document = parsed(report.render_page(runs=[report.runs_at(f"{tmp_path}/mine.jsonl")]))
    assert rows(document, "16 requests at a time")[3][2] == "400.00another workload"


def test_the_data_can_be_taken_out(document: ET.Element, folder: Path) -> None:
    links = {link.get("download"): link.get("href", "") for link in document.iter("a") if link.get("download")}
    data = {name: base64.b64decode(href.partition(",")[2]).decode() for name, href in links.items()}
    found = json.loads(data["runs.json"])
    assert [one["name"] for one in found] == ["document", "A", "B"]
    assert found[0]["results"] == bench.results_document(bench.read_results("document"))
    lines = list(csv.DictReader(io.StringIO(data["runs.csv"])))
    shown = [float(line["value"]) for line in lines if line["figure"] == "output_throughput" and line["series"] == "B"]
    assert shown == [30.47, 450.0, 1642.64]
    assert {line["place"] for line in lines} == {"document", f"{folder}/faster", f"{folder}/slower.txt"}


def test_a_spreadsheet_takes_no_place_for_a_formula(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "=1+1.txt").write_text(TABLES)
    lines = list(csv.reader(io.StringIO(as_csv(series_of([report.runs_at("=1+1.txt")])))))
    assert [cell for line in lines for cell in line if cell[:1] in set("=+-@")] == []
    assert lines[-1][1] == "'=1+1.txt"


def test_plots_have_every_point_and_nothing_but_drawing(document: ET.Element) -> None:
    drawings = [ET.fromstring(plot.svg) for plot in plots(series_of([report.runs_at("document")]))]  # noqa: S314
    assert len(drawings) == len(PLOTTED)
    names = {element.tag for drawing in drawings for element in drawing.iter()}
    assert names == {"svg", "g", "path", "line", "text"}
    labels = ["".join(element.itertext()) for element in drawings[0].iter("text")]
    assert [label for label in labels if label in ("1", "16", "100")] == ["1", "16", "100"]
    squares = [element for element in drawings[0].iter("path") if element.get("fill") == "var(--series-0)"]
    assert len(squares) >= 3
    assert list(strangers(document)) == []
    assert len([1 for element in document.iter("div") if element.get("role") == "img"]) == len(PLOTTED)


def test_the_same_runs_give_the_same_bytes(page: str, folder: Path) -> None:
    runs = [report.runs_at(f"{folder}/{name}") for name in ("faster", "slower.txt")]
    assert report.render_page(runs=runs) == page


def test_without_the_plotting_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(UsageError, match="plots need vl-convert-python") as error:
        report.render_page(runs=[report.runs_at("document")])
    assert error.value.hint == "pip install 'm2build[report]'"


def test_there_has_to_be_something_to_show() -> None:
    with pytest.raises(UsageError, match="nothing to report"):
        report.render_page()


STYLE = (Path(__file__).parents[2] / "builder/report/templates/style.css").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_from_what_is_behind_them(scheme: str) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11: 4.5 for text, 3 for what is drawn. axe-core does not look into plots."""
    blocks = STYLE.split(":root {")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[1 if scheme == "light" else 2]))
    texts = [(text, behind) for text in ("ink", "quiet", "accent", "good", "bad") for behind in ("paper", "panel")]
    texts += [("ink", behind) for behind in ("old", "old-mark", "new", "new-mark")]
    low = [pair for pair in texts if contrast(*(found[name] for name in pair)) < 4.5]
    series = [name for name in found if name.startswith("series-")]
    assert len(series) == COLOURS
    assert low + [name for name in series if contrast(found[name], found["paper"]) < 3] == []


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
