"""The completions of options and arguments: known words, and files.

Each function is an option's `shell_complete`. It uses no network and starts no program. If it fails, as on a broken
recipe or series, nothing is offered. Words that a terminal cannot show are not offered either.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import click

import m2build
from m2build.local.printable import printable
from m2build.places.place import PlaceKind

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Completer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]

IMAGES = (
    "docker://",
    *(f"{kind}:" for kind in (PlaceKind.OCI, PlaceKind.OCI_ARCHIVE, PlaceKind.DOCKER_ARCHIVE)),
    *(f"{kind}:" for kind in (PlaceKind.DOCKER_DAEMON, PlaceKind.CONTAINERS_STORAGE)),
)
"""The prefixes of image places."""
SOURCES = tuple(f"{kind}:" for kind in (PlaceKind.DIRECTORY, PlaceKind.WHEEL, PlaceKind.PYPI))
"""The prefixes of places of Python sources."""

_FOLDERS = frozenset({PlaceKind.OCI, PlaceKind.DIRECTORY})
_FILES = frozenset({PlaceKind.OCI_ARCHIVE, PlaceKind.DOCKER_ARCHIVE, PlaceKind.WHEEL})
_PATH = re.compile(r"[.~]?/|\.\.?$|\.\./|~$")
"""The beginning of a word that can only be a path."""
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def recipes(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The shipped recipes, and YAML files."""
    return _items([*m2build.recipe_names(), *paths(incomplete, endings=(".yaml", ".yml"))], incomplete)


def profiles(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The profiles of the chosen recipe."""
    chosen = _recipe(context).profiles
    return _items({name: profile.summary for name, profile in chosen.items()}, incomplete)


def sizes(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The tensor parallel sizes of the chosen recipe, except those that several profiles have."""
    chosen = _recipe(context)
    found = chosen.tensor_parallel_sizes
    once = [name for name, size in found.items() if size and [*found.values()].count(size) == 1]
    return _items({str(found[name]): chosen.profiles[name].summary for name in once}, incomplete)


def models(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The models of the chosen recipe."""
    return _items({name: model.repo for name, model in _recipe(context).models.items()}, incomplete)


def served_models(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The models of all shipped recipes, by the last part of their repositories."""
    recipes = [m2build.load_recipe(name) for name in m2build.recipe_names()]
    repos = sorted({model.repo for recipe in recipes for model in recipe.models.values()})
    return _items({repo.rpartition("/")[2].lower(): repo for repo in repos}, incomplete)


def base_versions(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The other releases of the base that the chosen recipe has."""
    return _items({name: base.image for name, base in _recipe(context).bases.items()}, incomplete)


def overrides(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The keys of the chosen recipe, except those that need quotes."""
    return _items([f"{key}=" for key in _keys(_recipe(context).model_dump(mode="json"))], incomplete)


def series(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The shipped series, and YAML files."""
    return _items([*m2build.patches.series_names(), *paths(incomplete, endings=(".yaml", ".yml"))], incomplete)


def patches(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The patches of the chosen series."""
    chosen = m2build.patches.load_series(context.params["series_name"])
    return _items({patch.id: patch.summary for patch in chosen.patches}, incomplete)


def platforms(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The platforms that bases are made for."""
    return _items(["linux/amd64", "linux/arm64"], incomplete)


def places(*beginnings: str) -> Completer:
    """The prefixes of places; after a colon, the folders or files that exist; or a path."""

    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        kind, colon, rest = incomplete.partition(":")
        if colon and kind in _FOLDERS | _FILES:
            return _items([f"{kind}:{path}" for path in paths(rest, folders_only=kind in _FOLDERS)], incomplete)
        if kind == PlaceKind.PYPI:
            return _items([f"pypi:{release}" for release in _pinned()], incomplete)
        is_path = _PATH.match(incomplete)
        return _items(paths(incomplete) if is_path else [*beginnings, "./"], incomplete)

    return complete


def paths(incomplete: str, *, folders_only: bool = False, endings: tuple[str, ...] = ("",)) -> Iterator[str]:
    """The paths that begin with the word so far: folders, with a slash at the end, and files.

    Hidden ones are left out until their leading full stop is typed, and so are names that a terminal cannot show.
    """
    folder, name = os.path.split(incomplete)
    try:
        entries = sorted(os.scandir(os.path.expanduser(folder) or "."), key=lambda entry: entry.name)  # noqa: PTH111 - the word stays as it was typed
    except OSError:
        return
    for entry in entries:
        is_hidden = entry.name.startswith(".") and not name
        if is_hidden or not entry.name.startswith(name) or printable(entry.name) != entry.name:
            continue
        path = os.path.join(folder, entry.name)  # noqa: PTH118 - `./x` has to stay `./x`
        if entry.is_dir():
            yield f"{path}/"
        elif not folders_only and entry.name.endswith(endings):
            yield path


def _items(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """The words that begin with the word so far, with their descriptions if they have any."""
    from click.shell_completion import CompletionItem

    texts: Mapping[str, str] = words if isinstance(words, Mapping) else dict.fromkeys(words, "")
    return [
        CompletionItem(word, help=text)
        for word, text in texts.items()
        if word.startswith(incomplete) and printable(word) == word
    ]


def _recipe(context: click.Context) -> m2build.Recipe:
    return m2build.load_recipe(context.params["recipe_name"])


def _keys(data: Mapping[str, object], *way: str) -> Iterator[str]:
    """The dotted keys of all values that are not mappings."""
    for key, value in data.items():
        if not _PLAIN_KEY.fullmatch(key):
            continue
        if isinstance(value, Mapping):
            yield from _keys(value, *way, key)
        else:
            yield ".".join([*way, key])


def _pinned() -> list[str]:
    import json
    from importlib import resources

    return list(json.loads(resources.files("m2build.patches").joinpath("pinned.json").read_bytes()))
