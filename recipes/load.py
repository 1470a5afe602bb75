"""Reading recipes: shipped ones by name, own ones by path, with `extends:` and `--set`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

from pydantic import JsonValue

from m2build.documents import Document, Keys, load_document, validate
from m2build.errors import StorageError, UsageError
from m2build.recipes.model import Recipe
from m2build.suggest import did_you_mean

_PATH = re.compile(r"/|\.ya?ml$")
_KEY = re.compile(r'"([^"]*)"|([^."]+)')


def recipe_names() -> list[str]:
    """The names of the recipes that come with m2build."""
    folder = resources.files("m2build.recipes")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_recipe(name: str, overrides: Iterable[str] = ()) -> Recipe:
    """A shipped recipe by its name, or one's own by its path (anything that holds a slash or ends in .yaml or .yml).

    A recipe that says `extends: NAME|PATH` starts from that one: mappings are merged, anything else replaces, `null`
    removes a key. Then each override `KEY.KEY=VALUE` is set; VALUE is YAML, and a key that holds a full stop goes in
    double quotes: `models."minimax-m2.1".title=Mine`.

    Raises:
        UsageError: there is no such recipe, it does not fit the model (the message holds file and line), or an
            override names a key that does not exist.
        StorageError: the file cannot be read.
    """
    document = _load(name, ())
    for override in overrides:
        document = _overridden(document, override)
    return validate(document, Recipe)


def _load(name: str, seen: tuple[str, ...]) -> Document:
    if name in seen:
        raise UsageError(f"the recipes extend each other in a circle: {' -> '.join([*seen, name])}")
    document = load_document(_text(name), name=name if _PATH.search(name) else f"{name}.yaml")
    if isinstance(document.data, dict):
        document = _resolved_series(document, name)
    parent = document.data.get("extends") if isinstance(document.data, dict) else None
    if parent is None:
        return document
    if not isinstance(parent, str):
        raise UsageError(f"{document.place(('extends',))}: extends takes a recipe's name or path")
    base = _load(_relative(parent, name), (*seen, name))
    own = (
        {key: value for key, value in document.data.items() if key != "extends"}
        if isinstance(document.data, dict)
        else {}
    )
    return _merged(base, Document(own, document.places))


def _text(name: str) -> str:
    if not _PATH.search(name):
        if name not in recipe_names():
            raise UsageError(
                f"there is no recipe {did_you_mean(name, recipe_names())}",
                hint=f"shipped are: {', '.join(recipe_names())}; give your own as a path, such as ./{name}.yaml",
            )
        return resources.files("m2build.recipes").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    try:
        return Path(name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(f"there is no recipe file {name}", hint="check the path") from error
    except IsADirectoryError as error:
        raise UsageError(f"{name} is a directory, not a recipe file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 text") from error
    except OSError as error:
        raise StorageError(f"{name} cannot be read: {error.strerror}") from error


def _relative(reference: str, name: str) -> str:
    """A name or path that stands in the recipe `name`, as seen from the current folder."""
    return str(Path(name).parent / reference) if _PATH.search(reference) else reference


def _resolved_series(document: Document, name: str) -> Document:
    data = document.data
    if not isinstance(data, dict) or not isinstance(series := data.get("series"), str):
        return document
    return Document(data | {"series": _relative(series, name)}, document.places)


def _merged(base: Document, own: Document) -> Document:
    places = dict(base.places)

    def merge(below: JsonValue, above: JsonValue, keys: Keys) -> JsonValue:
        if not isinstance(below, dict) or not isinstance(above, dict):
            for way in [way for way in places if way[: len(keys)] == keys]:
                del places[way]
            places.update({way: place for way, place in own.places.items() if way[: len(keys)] == keys})
            return above
        result = dict(below)
        for key, value in above.items():
            if value is None:
                result.pop(key, None)
            else:
                result[key] = merge(result.get(key), value, (*keys, key))
        return result

    return Document(merge(base.data, own.data, ()), places | {(): own.places[()]})


def _overridden(document: Document, override: str) -> Document:
    way, equals, text = override.partition("=")
    keys = tuple(quoted or plain for quoted, plain in _KEY.findall(way))
    if not equals or not keys or ".".join(f'"{key}"' if f'"{key}"' in way else key for key in keys) != way:
        raise UsageError(f"--set {override} is not KEY=VALUE", hint="as in --set profiles.tp8.flags.port=9000")
    value = load_document(text, name=f"--set {way}").data if text.strip() else ""
    data = _with_value(document.data, keys, value, override)
    return Document(data, {**document.places, keys: f"--set {override}"})


def _with_value(data: JsonValue, keys: tuple[str, ...], value: JsonValue, override: str) -> JsonValue:
    key, *rest = keys
    if not isinstance(data, Mapping):
        raise UsageError(f"--set {override}: {key!r} is looked for in a value that has no keys")
    if not rest:
        return {**data, key: value}
    if key not in data:
        raise UsageError(f"--set {override}: there is no key {did_you_mean(key, list(data))}")
    return {**data, key: _with_value(data[key], tuple(rest), value, override)}
