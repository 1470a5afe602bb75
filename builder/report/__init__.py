"""One page that shows what images are and what runs measured: a single HTML file for people who have to decide.

Example:
    >>> from m2build import report
    >>> page = report.render_page(runs=[report.runs_at("document")])
    >>> page.startswith("<!doctype html>"), "<script" in page
    (True, False)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build.report.attached import Attachment
    from m2build.report.facts import ImageFacts, image_facts
    from m2build.report.page import render_page, write_page
    from m2build.report.runs import Runs, is_run, runs_at

_HOMES = {
    "Attachment": "m2build.report.attached",
    "ImageFacts": "m2build.report.facts",
    "Runs": "m2build.report.runs",
    "image_facts": "m2build.report.facts",
    "is_run": "m2build.report.runs",
    "render_page": "m2build.report.page",
    "runs_at": "m2build.report.runs",
    "write_page": "m2build.report.page",
}

__all__ = ["Attachment", "ImageFacts", "Runs", "image_facts", "is_run", "render_page", "runs_at", "write_page"]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
