"""Reading recipes: shipped ones by name, own ones by path, with `extends:` and `--set`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from m2build.documents.arguments import typed_arguments
from m2build.documents.document import MAXIMUM_VALUES, load_document
from m2build.documents.files import document_bytes
from m2build.documents.placed import Document
from m2build.documents.shown import shortened
from m2build.documents.suggest import did_you_mean
from m2build.documents.validation import validate
from m2build.errors import UsageError
from m2build.recipes.inheritance import extended
from m2build.recipes.model import Recipe
from m2build.recipes.values import is_path
from m2build.recipes.variation import overridden

_LONGEST_CHAIN = 8
"""Recipes that extend each other: shipped, a company's, a team's and your own are four."""


def recipe_names() -> list[str]:
    """The names of the recipes that come with m2build, sorted.

    Example:
        >>> recipe_names()
        ['minimax-m2', 'minimax-m2-vllm', 'minimax-m2.5', 'minimax-m2.7', 'minimax-m3']
    """
    folder = resources.files("m2build.recipes")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


@typed_arguments
def load_recipe(name: str, overrides: Iterable[str] = (), base_version: str | None = None) -> Recipe:
    """A shipped recipe by its name, or your own by its path, which holds a slash or ends in .yaml or .yml.

    A recipe with `extends: NAME|PATH` starts from that one: mappings are merged, other values replaced, and `null`
    removes a key. A profile with `extends: ID` starts from another profile in the same way. Then each override
    `KEY.KEY=VALUE` is set; VALUE is YAML, a key that holds a full stop goes in double quotes
    (`models."minimax-m2.1".title=Mine`), and `null` removes a key here too. `base_version` chooses one of `bases`.

    Raises:
        UsageError: the recipe does not exist or is invalid (the message holds file and line), or an override names a
            key that does not exist.
        StorageError: the file cannot be read.

    Example:
        >>> recipe = load_recipe("minimax-m2", ["profiles.tp8.flags.port=9000"])
        >>> recipe.select(tp=8).port
        9000
    """
    document = recipe_document(name)
    for override in overrides:
        document = overridden(document, override)
    document = extended(None, document)
    if document.count > MAXIMUM_VALUES:
        raise UsageError(f"{document.position}: the recipe has more than {MAXIMUM_VALUES} values with what it extends")
    recipe = validate(document, Recipe)
    return recipe if base_version is None else recipe.with_base(base_version)


def recipe_document(name: str, seen: tuple[str, ...] = (), asked_at: str = "") -> Document:
    """A recipe merged with what it extends, unchecked; each value has the position in its own file.

    Args:
        name: a shipped recipe, or a path.
        seen: the recipes that extend this one.
        asked_at: where it is named, for messages.

    Raises:
        UsageError: a file does not exist or is not YAML, or the recipes extend each other in a circle.
        StorageError: a file cannot be read.
    """
    content = recipe_bytes(name, asked_at)
    itself = str(Path(name).absolute().resolve()) if is_path(name) else name
    if itself in seen:
        raise UsageError(
            f"{asked_at}the recipes extend each other in a circle: {' -> '.join([*seen, itself])}",
            hint="remove one of these `extends:`",
        )
    if len(seen) == _LONGEST_CHAIN:
        raise UsageError(f"{asked_at}more than {_LONGEST_CHAIN} recipes extend each other", hint="merge some of them")
    document = load_document(content, name=name if is_path(name) else f"{name}.yaml")
    document = _with_series(document, name)
    if not isinstance(document.value, dict):
        return document
    own = dict(document.value)
    if (sources := own.get("sources")) and isinstance(sources.value, dict):
        roots = {key: _with_series(root, name) for key, root in sources.value.items()}
        own["sources"] = Document(sources.position, roots)
    parent = own.pop("extends", None)
    document = Document(document.position, own)
    if parent is None:
        return extended(None, document)
    if not isinstance(parent.value, str):
        raise UsageError(f"{parent.position}: extends takes a recipe's name or path")
    return extended(recipe_document(_relative(parent.value, name), (*seen, itself), f"{parent.position}: "), document)


def _with_series(part: Document, name: str) -> Document:
    """A part of the recipe `name`, with the path of its series, if it names one, relative to the current folder."""
    series = part.inner("series")
    if not isinstance(part.value, dict) or series is None or not isinstance(series.value, str):
        return part
    return Document(part.position, {**part.value, "series": Document(series.position, _relative(series.value, name))})


def recipe_bytes(name: str, asked_at: str = "") -> bytes:
    """The file of a recipe, by its name or its path.

    Raises:
        UsageError: it does not exist; the message begins with `asked_at`.
        StorageError: it cannot be read.
    """
    if not is_path(name):
        if name not in recipe_names():
            raise UsageError(
                f"{asked_at}there is no recipe {did_you_mean(name, recipe_names())}",
                hint=f"shipped: {', '.join(recipe_names())}; for your own, give a path: ./{shortened(name)}.yaml",
            )
        return resources.files("m2build.recipes").joinpath(f"{name}.yaml").read_bytes()
    return document_bytes(name, "recipe", asked_at)


def _relative(reference: str, name: str) -> str:
    """A name or path in the recipe `name`, relative to the current folder."""
    if not is_path(reference):
        return reference
    path = Path(name).parent / reference
    return str(path) if path.is_absolute() else f"./{path}"  # without `./` it could be a name
