"""A page as html5lib reads it, which follows the HTML standard's own algorithm, and what pages may hold."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import html5lib

TAGS = frozenset(
    {
        *("html", "head", "meta", "title", "link", "style", "body", "a"),
        *("header", "h1", "h2", "h3", "h4", "p", "nav", "ul"),
        *("li", "main", "section", "strong", "dl", "div", "dt", "dd"),
        *("code", "br", "span", "article", "details", "summary", "table", "caption"),
        *("thead", "tbody", "tfoot", "tr", "th", "td", "del", "ins"),
        *("pre", "ol", "samp", "footer", "figure", "figcaption", "svg", "g"),
        *("path", "line", "text"),
    }
)
ATTRIBUTES = frozenset(
    {
        *("lang", "charset", "http-equiv", "content", "name", "rel", "href", "class"),
        *("id", "aria-labelledby", "aria-label", "aria-hidden", "role", "tabindex", "scope", "download"),
        *("open", "focusable", "width", "height", "viewBox", "transform", "d", "x"),
        *("y", "x2", "y2", "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin"),
        *("opacity", "text-anchor", "font-size", "font-weight", "font-family"),
    }
)
HREF = re.compile(r"#[a-z0-9-]+|data:,|data:(application/json|text/csv);base64,[A-Za-z0-9+/=]+|https?://[!-~]+")


def parsed(page: str) -> ET.Element:
    """The document; the parser raises at the first mistake in the markup."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), strict=True, namespaceHTMLElements=False)
    document: ET.Element = parser.parse(page)
    return document


def tag(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def strangers(document: ET.Element) -> Iterator[str]:
    """Elements, attributes and addresses that no page of ours has."""
    for element in document.iter():
        if tag(element) not in TAGS:  # that of a comment is a function
            yield f"<{element.tag}>"
        for name, value in element.attrib.items():
            if name not in ATTRIBUTES:
                yield f"{element.tag} {name}"
            if name == "href" and not HREF.fullmatch(value):
                yield f"href {value}"


def text(element: ET.Element) -> str:
    return "".join(element.itertext())


def rows(document: ET.Element, caption: str) -> list[list[str]]:
    """The cells of the table whose caption begins like that."""
    (table,) = [
        table
        for table in document.iter("table")
        if (found := table.find("caption")) is not None and text(found).startswith(caption)
    ]
    return [[text(cell) for cell in row] for row in table.iter("tr")]


def steps(document: ET.Element) -> list[tuple[str, str]]:
    """The commands of each step of a check, and what the page says that they print."""
    found = []
    for item in next(one for one in document.iter("ol") if one.get("class") == "steps"):
        commands, *printed = [text(box) for box in item.iter("pre")]
        found.append((commands, "".join(f"{line}\n" for line in printed)))
    return found
