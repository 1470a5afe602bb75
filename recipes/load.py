"""Reading recipes: shipped ones by name, own ones by path, with `extends:` and `--set`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

from pydantic import JsonValue

from m2build.documents import Document, Keys, load_document
from m2build.errors import StorageError, UsageError
from m2build.recipes.model import Recipe
from m2build.suggest import did_you_mean
from m2build.validation import validate

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
    double quotes: `models."minimax-m2.1".title=Mine`; here too `null` removes a key.

    Raises:
        UsageError: there is no such recipe, it does not fit the model (the message holds file and line), or an
            override names a key that does not exist.
        StorageError: the file cannot be read.
    """
    document = _load(name, ())
    for override in overrides:
        document = _overridden(document, override)
    return validate(document, Recipe)


def _load(name: str, seen: tuple[str, ...], asked_at: str = "") -> Document:
    is_path = bool(_PATH.search(name))
    itself = str(Path(name).absolute().resolve()) if is_path and "\0" not in name else name
    if itself in seen:
        raise UsageError(
            f"{asked_at}the recipes extend each other in a circle: {' -> '.join([*seen, itself])}",
            hint="remove one of these `extends:`",
        )
    document = load_document(_content(name, asked_at), name=name if is_path else f"{name}.yaml")
    data = document.data
    if not isinstance(data, dict):
        return document
    if isinstance(series := data.get("series"), str):
        data = data | {"series": _relative(series, name)}
    if "extends" not in data:
        return Document(data, document.places)
    parent, asked_at = data.pop("extends"), f"{document.place(('extends',))}: "
    if not isinstance(parent, str):
        raise UsageError(f"{asked_at}extends takes a recipe's name or path")
    return _merged(_load(_relative(parent, name), (*seen, itself), asked_at), Document(data, document.places))


def _content(name: str, asked_at: str) -> bytes:
    if not _PATH.search(name):
        if name not in recipe_names():
            raise UsageError(
                f"{asked_at}there is no recipe {did_you_mean(name, recipe_names())}",
                hint=f"shipped are: {', '.join(recipe_names())}; give your own as a path, such as ./{name}.yaml",
            )
        return resources.files("m2build.recipes").joinpath(f"{name}.yaml").read_bytes()
    try:
        return Path(name).read_bytes()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a path with a NUL
        raise UsageError(f"{asked_at}there is no recipe file {name!r}", hint="check the path") from error
    except IsADirectoryError as error:
        raise UsageError(f"{asked_at}{name} is a directory, not a recipe file", hint="name the file in it") from error
    except OSError as error:
        raise StorageError(f"{asked_at}{name} cannot be read: {error.strerror}", hint="check the file") from error


def _relative(reference: str, name: str) -> str:
    """A name or path that stands in the recipe `name`, as seen from the current folder."""
    if not _PATH.search(reference):
        return reference
    path = Path(name).parent / reference
    return str(path) if path.is_absolute() else f"./{path}"  # or `./mine` would become a name


def _merged(base: Document, own: Document) -> Document:
    places = dict(base.places)

    def merge(below: JsonValue, above: JsonValue, keys: Keys) -> JsonValue:
        if not isinstance(below, dict) or not isinstance(above, dict):
            _replace(places, keys, {way: place for way, place in own.places.items() if way[: len(keys)] == keys})
            return above
        places[keys] = own.place(keys)
        result = dict(below)
        for key, value in above.items():
            if value is not None:
                result[key] = merge(result.get(key), value, (*keys, key))
            elif key in result:
                del result[key]
            else:
                raise UsageError(f"{own.place((*keys, key))}: there is no key to remove {did_you_mean(key, below)}")
        return result

    return Document(merge(base.data, own.data, ()), places)


def _replace(places: dict[Keys, str], keys: Keys, by: Mapping[Keys, str]) -> None:
    """Forget the places at and below `keys`, whose value is another one now."""
    for way in [way for way in places if way[: len(keys)] == keys]:
        del places[way]
    places.update(by)


def _overridden(document: Document, override: str) -> Document:
    way, equals, text = override.partition("=")
    keys = tuple(quoted or plain for quoted, plain in _KEY.findall(way))
    if not equals or not keys or ".".join(f'"{key}"' if f'"{key}"' in way else key for key in keys) != way:
        raise UsageError(f"--set {override} is not KEY=VALUE", hint="as in --set profiles.tp8.flags.port=9000")
    value = load_document(text, name=f"--set {way}").data if text.strip() else ""
    places = dict(document.places)
    _replace(places, keys, {keys: f"--set {override}"})
    return Document(_with_value(document.data, keys, value, override), places)


def _with_value(data: JsonValue, keys: tuple[str, ...], value: JsonValue, override: str) -> JsonValue:
    key, *rest = keys
    if not isinstance(data, dict):
        raise UsageError(
            f"--set {override}: {key!r} is looked for in a value that has no keys",
            hint="set the whole value, as in --set 'launch.command=[python3, -m, sglang.launch_server]'",
        )
    if key not in data and (rest or value is None):
        raise UsageError(
            f"--set {override}: there is no key {did_you_mean(key, data)}",
            hint="a key that holds a full stop goes in double quotes, as in 'models.\"minimax-m2.1\".title=Mine'",
        )
    if value is None and not rest:
        return {other: inner for other, inner in data.items() if other != key}
    return {**data, key: _with_value(data[key], tuple(rest), value, override) if rest else value}
