"""The tags of a repository's images, page by page (distribution specification, "Listing tags")."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urljoin

from m2build.errors import ContentError, TransportError
from m2build.oci.artifact import is_about_another
from m2build.oci.reference import TAG
from m2build.oci.strict_json import LARGEST_DOCUMENT
from m2build.registry.client import ASK_OPERATORS, Client
from m2build.registry.messages import Answer

_PAGE = 1000
"""Tags to ask for at a time; registries may send fewer."""
_MOST_PAGES = 1000
_LINK = re.compile(r"<([^<>]*)>((?:\s*;[^;,<]*)*)")
_NEXT = re.compile(r""";\s*rel\s*=\s*("[^"]*\bnext\b[^"]*"|next\b)""", re.IGNORECASE)


def list_tags(client: Client) -> tuple[str, ...]:
    """All tags of a repository's images, each once, in the registry's order.

    What is attached to images, such as signatures, may have tags of its own; those are left out.

    Raises:
        TransportError: there is no such repository, the registry fails, or its pages do not end.
        ContentError: a page is not a list of tags.
    """
    tags: dict[str, None] = {}
    asked: set[str] = set()
    page: str | None = f"tags/list?n={_PAGE}"
    while page is not None:
        if page in asked or len(asked) == _MOST_PAGES:
            raise TransportError(f"{client.name}: the pages with its tags do not end", hint=ASK_OPERATORS)
        asked.add(page)
        answer = client.send("GET", page, expected=(200,), largest=LARGEST_DOCUMENT)
        found = _tags(answer.content, client.name)
        page = _next_page(answer) or _after_full_page(found, tags)
        tags |= dict.fromkeys(found)
    return tuple(tag for tag in tags if not is_about_another(tag))


def _tags(content: bytes, name: str) -> list[str]:
    """The tags of a page; of an empty repository, some registries send null."""
    try:
        found = json.loads(content)["tags"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ContentError(f"{name}: the registry's answer is not a list of tags", hint=ASK_OPERATORS) from error
    tags = found if isinstance(found, list) else []
    for tag in tags:
        if not isinstance(tag, str) or not TAG.fullmatch(tag):
            raise ContentError(f"{name}: the registry lists {str(tag)[:200]!r}, which is not a tag", hint=ASK_OPERATORS)
    return tags


def _after_full_page(found: Sequence[str], known: Mapping[str, None]) -> str | None:
    """What to ask for after a full page without a link, which some registries forget; one that was known ends it."""
    is_full = len(found) >= _PAGE and not known.keys() >= set(found)
    return f"tags/list?n={_PAGE}&last={found[-1]}" if is_full else None


def _next_page(answer: Answer) -> str | None:
    """The URL of the next page from the `Link` header (RFC 8288), which may be relative to this one's."""
    for url, parameters in _LINK.findall(answer.header("Link") or ""):
        if _NEXT.search(parameters):
            return str(urljoin(answer.url, url))
    return None
