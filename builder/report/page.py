"""The page: one HTML file that loads nothing, runs nothing and says the same for the same facts, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from m2build import __version__
from m2build.documents.arguments import typed_arguments
from m2build.local.failures import storage
from m2build.local.outputs import new_output, output_file
from m2build.local.printable import printable, shell_text
from m2build.patches.waiver import drop_condition, upstream_state
from m2build.report.checks import checks
from m2build.report.entrypoint import explained
from m2build.report.plots import COLOURS, plots
from m2build.report.runs import Runs, as_csv, as_json, series_of, tables
from m2build.report.side_by_side import shown_change
from m2build.verification.findings import KINDS

if TYPE_CHECKING:
    from jinja2 import Environment

    from m2build.report.facts import ImageFacts

_WEB = re.compile(r"https?://[!-~]+")
"""An address that may be a link; everything else stays text."""


@typed_arguments
def render_page(images: Sequence[ImageFacts] = (), runs: Sequence[Runs] = ()) -> str:
    """The page for images and for what runs measured, as HTML. Pure: the same facts give the same text.

    Args:
        images: what `image_facts` found.
        runs: what `runs_at` read; the document's tables stand beside them.

    Raises:
        UsageError: there is nothing to show; or there are runs, and the plotting library is not installed.
    """
    from markupsafe import Markup

    from m2build.errors import UsageError

    if not images and not runs:
        raise UsageError("there is nothing to report", hint="name an image, or results of `m2build bench`")
    environment = _environment()
    style = _text("style.css")
    series = series_of(runs) if runs else ()
    return environment.get_template("page.html").render(
        images=images,
        series=series,
        tables=tables(series),
        plots=plots(series),
        downloads=[("runs.json", "application/json", as_json(series)), ("runs.csv", "text/csv", as_csv(series))],
        style=Markup(style),  # noqa: S704 - the package's own file
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        colours=COLOURS,
        version=__version__,
        kinds=KINDS,
    )


@typed_arguments
def write_page(path: Path, page: str, *, replace: bool = False) -> None:
    """Write a page, whole or not at all.

    Args:
        path: the file.
        page: what `render_page` gave.
        replace: whether an existing file may be replaced.

    Raises:
        UsageError: the file exists already, and may not be replaced.
        StorageError: it cannot be written; an existing file is unchanged.
    """
    with storage(path, "written"), (output_file if replace else new_output)(path) as out:
        out.write(page.encode())


def _text(name: str) -> str:
    return resources.files("m2build.report").joinpath("templates", name).read_text(encoding="utf-8")


def _environment() -> Environment:
    """Templates in which every value is text: escaped for HTML, and visible, whatever is in it."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "checks": checks,
        "count": lambda value: f"{value:,}",
        "data": lambda text: base64.b64encode(text.encode(errors="backslashreplace")).decode(),
        "drawing": Markup,  # of what `plots` has cleaned
        "explained": explained,
        "goes": drop_condition,
        "is_web": lambda text: _WEB.fullmatch(text) is not None,
        "paragraphs": lambda text: re.split(r"\n\s*\n", text.strip()),
        "shell": shell_text,
        "side_by_side": shown_change,
        "upstream": upstream_state,
    }
    return environment


def _visible(value: object) -> object:
    """Text without what a reader cannot see, such as marks of direction, which would swap the words of a line."""
    from markupsafe import Markup

    if isinstance(value, str) and not isinstance(value, Markup):
        lines = ("\t".join(printable(part) for part in line.split("\t")) for line in value.split("\n"))
        return "\n".join(lines)
    return value
