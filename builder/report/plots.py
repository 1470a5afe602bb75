"""Plots as static SVG, by Vega-Lite (vl-convert): the figures of runs against the requests at a time.

They hold names and words of this package only. Texts from outside stand beside them, in HTML.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import median
from typing import TYPE_CHECKING

from m2build.bench.metrics import BY_KEY
from m2build.errors import UsageError

if TYPE_CHECKING:
    from m2build.report.runs import Series

PLOTTED: Mapping[str, str] = {
    "output_throughput": "Output tokens a second",
    "median_ttft_ms": "Median time to the first token",
    "median_tpot_ms": "Median time for each further token",
    "median_e2e_latency_ms": "Median time of a whole request",
}
"""The figures that have a plot, with its title."""
_VERSION = "5.21"
"""Of Vega-Lite: one that every release of vl-convert since 1.7 has."""
_SHAPES = ("square", "circle", "triangle-up", "diamond", "cross", "triangle-down")
COLOURS = 6
"""How many colours the style sheet has for series, the document's included."""
_DRAWN = frozenset({"svg", "g", "path", "line", "text"})
_ATTRIBUTES = frozenset(
    {
        *("width", "height", "viewBox", "transform", "d", "x", "y", "x2", "y2", "fill", "stroke", "stroke-width"),
        *("stroke-dasharray", "stroke-linejoin", "opacity", "text-anchor", "font-size", "font-weight", "font-family"),
    }
)
_LONG = re.compile(r"-?\d+\.\d{3,}")


@dataclass(frozen=True)
class Plot:
    """A plot.

    Attributes:
        title: what it shows.
        unit: of its vertical axis.
        svg: the drawing: elements and attributes of a short list, and no style or script.
    """

    title: str
    unit: str
    svg: str


def plots(series: Sequence[Series]) -> tuple[Plot, ...]:
    """The plots of all figures that have points.

    Raises:
        UsageError: the plotting library is not installed.
    """
    return tuple(plot for key in PLOTTED if (plot := _plot(key, series)))


def _plot(key: str, series: Sequence[Series]) -> Plot | None:
    points = [point for one in series for point in _points(key, one)]
    if not points:
        return None
    unit = BY_KEY[key].unit
    return Plot(PLOTTED[key], unit, drawn(_specification(points, [one.letter for one in series])))


def _points(key: str, series: Series) -> Iterator[dict[str, object]]:
    """The median of the runs at each concurrency, and how far they reach."""
    for limit in sorted({result.workload.max_concurrency or 0 for result in series.sound} - {0}):
        figures = [result.figures.get(key) for result in series.at(limit)]
        values = [value for value in figures if value is not None and isfinite(value)]
        if values:
            yield {"n": limit, "y": median(values), "low": min(values), "high": max(values), "name": series.letter}


def _specification(points: Sequence[Mapping[str, object]], names: Sequence[str]) -> dict[str, object]:
    """What Vega-Lite draws. Colours are the page's own variables, so that they follow its colour scheme."""
    colours = [f"var(--series-{at % COLOURS})" for at in range(len(names))]
    shapes = [_SHAPES[at % len(_SHAPES)] for at in range(len(names))]
    dashes = [[5, 4] if at == 0 else [1, 0] for at in range(len(names))]
    limits = sorted({int(str(point["n"])) for point in points})
    name = {"field": "name", "type": "nominal", "sort": None}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": None,
        "width": 400,
        "height": 220,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": list(points)},
        "encoding": {
            "x": {
                "field": "n", "type": "quantitative", "title": "requests at a time",
                "scale": {"type": "log", "nice": False, "padding": 14}, "axis": {"values": limits, "format": "d"},
            },
            "color": {**name, "scale": {"domain": list(names), "range": colours}, "legend": {"title": None}},
        },
        "layer": [
            {
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {
                    "y": {"field": "y", "type": "quantitative", "title": None, "scale": {"zero": True}},
                    "strokeDash": {**name, "scale": {"domain": list(names), "range": dashes}, "legend": None},
                },
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {
                    "y": {"field": "y", "type": "quantitative"},
                    "shape": {**name, "scale": {"domain": list(names), "range": shapes}, "legend": {"title": None}},
                },
            },
        ],
        "config": {
            "aria": False,
            "font": "system-ui, sans-serif",
            "view": {"stroke": None},
            "axis": {
                "labelColor": "var(--quiet)", "titleColor": "var(--quiet)", "gridColor": "var(--line)",
                "domainColor": "var(--line)", "tickColor": "var(--line)", "labelFontSize": 12,
                "titleFontSize": 12, "titleFontWeight": "normal", "tickCount": 5,
            },
            "axisX": {"grid": False},
            "legend": {
                "orient": "top", "labelColor": "var(--ink)", "labelFontSize": 12, "symbolStrokeWidth": 0,
                "columnPadding": 20,
            },
        },
    }  # fmt: skip


def drawn(specification: Mapping[str, object]) -> str:
    """The SVG of a specification, without what a page has no use for.

    Raises:
        UsageError: the plotting library is not installed.
    """
    try:
        from vl_convert import vegalite_to_svg
    except ModuleNotFoundError as error:
        raise UsageError(
            "plots need vl-convert-python, which is not installed", hint="pip install 'm2build[report]'"
        ) from error
    root = ET.fromstring(vegalite_to_svg(dict(specification), vl_version=_VERSION))  # noqa: S314 - the plotting library has just written it
    found = _cleaned(root)
    if found is None:
        raise UsageError("the plotting library has drawn nothing", hint="pip install --upgrade 'm2build[report]'")
    found.attrib |= {"aria-hidden": "true", "focusable": "false"}
    return ET.tostring(found, encoding="unicode", short_empty_elements=True)


def _cleaned(element: ET.Element) -> ET.Element | None:
    """The element with its drawing, or None for what draws nothing."""
    tag = element.tag.rpartition("}")[2]
    if tag not in _DRAWN or element.get("display") == "none" or element.get("class") in ("background", "foreground"):
        return None
    found = ET.Element(tag, {name: _short(value) for name, value in element.attrib.items() if name in _ATTRIBUTES})
    found.extend(child for part in element if (child := _cleaned(part)) is not None)
    found.text = element.text if tag == "text" else None
    is_empty = len(found) == 0 and (tag == "g" or (tag == "text" and not found.text))
    return None if is_empty else found


def _short(value: str) -> str:
    return _LONG.sub(lambda match: f"{float(match[0]):.2f}", value)
