"""Recipes that say only what differs: `extends:` in a file, and `--set` on the command line."""

from __future__ import annotations

import re

from m2build.documents.document import load_document
from m2build.documents.placed import Document, Position
from m2build.documents.shown import shortened, shown
from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError
from m2build.oci.reference import without_user

_KEY = re.compile(r'"([^"]*)"|([^."]+)')
_OPTIONAL = ("env", "labels", "annotations")
"""Mappings that a recipe need not have: one value of them can be set all the same."""
_WAY = re.compile(rf"(?:{_KEY.pattern})(?:\.(?:{_KEY.pattern}))*")


def merged(below: Document, above: Document) -> Document:
    """A document with another one above it: mappings are merged, other values replaced, null removes a key.

    Raises:
        UsageError: null removes a key that does not exist.
    """
    if not isinstance(below.value, dict) or not isinstance(above.value, dict):
        return above
    found = dict(below.value)
    for key, inner in above.value.items():
        if inner.value is not None:
            found[key] = merged(found[key], inner) if key in found else inner
        elif key in found:
            del found[key]
        else:
            raise UsageError(f"{inner.position}: there is no key to remove {did_you_mean(key, below.value)}")
    return Document(above.position, found)


def overridden(document: Document, override: str) -> Document:
    """The document with one value set or, by `null`, removed.

    Args:
        document: the document to change.
        override: KEY.KEY=VALUE; VALUE is YAML, and a key that holds a full stop goes in double quotes.

    Raises:
        UsageError: the override has another form, or names a key that does not exist.
    """
    way, equals, text = override.partition("=")
    is_private = not {part.strip('"') for part in way.split(".")}.isdisjoint(_OPTIONAL)
    told = "…" if is_private else without_user(text)  # it may be a credential, which is refused later
    said = f"--set {shortened(f'{way}{equals}{told}' if equals else without_user(way), 120)}"
    if not equals or not _WAY.fullmatch(way):
        raise UsageError(f"{said} is not KEY=VALUE", hint="as in --set profiles.tp8.flags.port=9000")
    keys = [quoted or plain for quoted, plain in _KEY.findall(way)]
    value = load_document(text, name=f"--set {shortened(way, 120)}").value if text.strip() else ""
    return _with_value(document, keys, Document(Position(said), value))


def _with_value(document: Document, keys: list[str], value: Document) -> Document:
    key, *rest = keys
    inner = document.value
    if not isinstance(inner, dict):
        raise UsageError(
            f"{value.position}: {shown(key)} is not a key: the value above it has no keys",
            hint="set the whole value, as in --set 'launch.command=[python3, -m, sglang.launch_server]'",
        )
    if key in _OPTIONAL and rest:
        inner = {key: Document(value.position, {}), **inner}
    if key not in inner and (rest or value.value is None):
        raise UsageError(
            f"{value.position}: there is no key {did_you_mean(key, inner)}",
            hint="a key that holds a full stop goes in double quotes, as in 'models.\"minimax-m2.1\".title=Mine'",
        )
    if rest:
        return Document(document.position, inner | {key: _with_value(inner[key], rest, value)})
    if value.value is None:
        return Document(document.position, {other: kept for other, kept in inner.items() if other != key})
    return Document(document.position, inner | {key: value})
