"""The recipe as a value: the base, the series, the models, the launch flags and one profile per topology.

No I/O happens here; `load.py` reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike

from pydantic import Field, model_validator

from m2build.documents.arguments import typed_arguments
from m2build.documents.placed import Document, Position
from m2build.documents.shown import shown
from m2build.documents.suggest import did_you_mean
from m2build.documents.validation import misplaced, validate
from m2build.errors import UsageError
from m2build.layers.root import Root
from m2build.recipes.flags import is_short_for, tensor_parallel_size
from m2build.recipes.parts import (
    INIT_FILE,
    BaseImage,
    BaseVersion,
    Health,
    Launch,
    Model,
    Profile,
    SourceRoot,
    command_words,
    overlapping_roots,
)
from m2build.recipes.schema import with_variations
from m2build.recipes.settings import Settings
from m2build.recipes.values import Id, Line

_MOST = 100
"""Models of a recipe, or profiles; each pair is an image."""
_MOST_ROOTS = 20
"""Folders of sources; real images have two or three that people patch."""
_LONGEST_LINE = 65_535
"""Bytes of a Dockerfile's line (BuildKit, frontend/dockerfile/parser, bufio.MaxScanTokenSize)."""


class Recipe(Settings):
    """What to derive, from which base, and how to start it."""

    name: Id
    summary: Line
    base: BaseImage
    bases: dict[Id, BaseVersion] = Field(
        default={}, max_length=_MOST, description="Other releases of the base, by the words of --base-version."
    )
    series: Line | None = Field(
        default=None,
        description="A shipped patch series by its id, or one's own by path, relative to this file; it is for "
        "base.source_root.",
    )
    sources: dict[Id, SourceRoot] = Field(
        default={},
        max_length=_MOST_ROOTS,
        description="Folders of sources in the base, each with its series, instead of base.source_root and series.",
    )
    launch: Launch
    health: Health = Health()
    default_model: Id
    models: dict[Id, Model] = Field(min_length=1, max_length=_MOST)
    profiles: dict[Id, Profile] = Field(min_length=1, max_length=_MOST)

    @model_validator(mode="after")
    def _default_model_exists(self) -> Recipe:
        if self.default_model not in self.models:
            problem = f"there is no model {did_you_mean(self.default_model, self.models)}"
            raise misplaced(problem, "default_model")
        return self

    @model_validator(mode="after")
    def _sources_are_given_once(self) -> Recipe:
        if not self.sources:
            if self.base.source_root is None:
                raise misplaced("the key 'source_root' is missing", "base", "source_root")
            if self.series is None:
                raise misplaced("the key 'series' is missing", "series")
            return self
        if self.series is not None:
            raise misplaced("each of `sources` has its own series", "series")
        if self.base.source_root is not None:
            raise misplaced("`sources` name the folders", "base", "source_root")
        for name, version in self.bases.items():
            if version.source_root is not None:
                raise misplaced("`sources` name the folders", "bases", name, "source_root")
        if self.launch.init and "init" in self.sources:
            raise misplaced(f"{INIT_FILE} is the init, so no folder's account can be called that", "sources", "init")
        for name, overlapping in overlapping_roots(self.sources):
            raise misplaced(f"it and the root of {overlapping} hold one another", "sources", name, "root")
        return self

    @model_validator(mode="after")
    def _model_is_given_once(self) -> Recipe:
        given = self.launch.model_flag
        for name, profile in self.profiles.items():
            for flag in profile.flags:
                if is_short_for(flag, given):
                    problem = f"the model is set by models and --model, as --{given}"
                    raise misplaced(problem, "profiles", name, "flags", flag)
        return self

    @model_validator(mode="after")
    def _command_is_before_the_flags(self) -> Recipe:
        for word in self.launch.command:
            option = word.partition("=")[0].removeprefix("--")
            for flag in (self.launch.model_flag, "port"):
                if word.startswith("--") and is_short_for(option, flag):
                    problem = f"{shown(word)} sets --{flag}, which belongs in models or in a profile's flags"
                    raise misplaced(problem, "launch", "command")
        return self

    @model_validator(mode="after")
    def _command_lines_fit(self) -> Recipe:
        model = max(self.models.values(), key=lambda model: len(model.repo))
        for name, profile in self.profiles.items():
            words = [*self.launch.init_words, *command_words(self.launch, model, profile)]
            if len(f"ENTRYPOINT {json.dumps(words)}") > _LONGEST_LINE:
                problem = f"the command line is longer than the {_LONGEST_LINE:,} bytes of a Dockerfile's line"
                raise misplaced(problem, "profiles", name, "flags")
        return self

    @cached_property
    def roots(self) -> dict[str, Root]:
        """The folders of sources, by name and in order; that of `base.source_root` is called `sources`."""
        if self.base.source_root is not None:
            return {"sources": Root(self.base.source_root.strip("/"), "base.source_root")}
        return {name: source.at(f"sources.{name}.root") for name, source in self.sources.items()}

    @property
    def series_names(self) -> dict[str, str]:
        """The series of each folder of sources, by the folder's name: a shipped id, or a path.

        >>> from m2build.recipes.load import load_recipe
        >>> load_recipe("minimax-m2").series_names
        {'sources': 'minimax-m2-rocm'}
        """
        if self.series is not None:
            return {"sources": self.series}
        return {name: source.series for name, source in self.sources.items()}

    @property
    def tensor_parallel_sizes(self) -> dict[str, int | None]:
        """Each profile's tensor parallel size, by the profile's id; None where its flag holds no number."""
        model = self.models[self.default_model]
        return {
            name: tensor_parallel_size(command_words(self.launch, model, profile))
            for name, profile in self.profiles.items()
        }

    @typed_arguments
    def with_base(self, version: str) -> Recipe:
        """The recipe on another release of its base.

        Raises:
            UsageError: the recipe has no such release.
        """
        if version not in self.bases:
            problem = f"the recipe {self.name} has no base version {did_you_mean(version, self.bases)}"
            raise UsageError(problem, hint=f"it has: {', '.join(self.bases) or 'none but its base'}")
        other = self.bases[version]
        root = other.source_root or self.base.source_root
        base = self.base.model_copy(update={"image": other.image, "source_root": root})
        return self.model_copy(update={"base": base, "summary": other.summary})

    def yaml(self) -> str:
        """The recipe as YAML: with what it extends, with every profile written out, and with its defaults.

        Loading it gives the same recipe. The path of your own series is written relative to the working directory.

        >>> from m2build.recipes.load import load_recipe
        >>> load_recipe("minimax-m2").yaml().splitlines()[0]
        'name: minimax-m2'
        """
        from m2build.documents.yaml_text import yaml_text

        return yaml_text(self.model_dump(mode="json"))

    @classmethod
    def schema_text(cls) -> str:
        """The text of `recipe.schema.json`, for editors: of a full recipe, and of one that extends another.

        Example:
            >>> json.loads(Recipe.schema_text())["$schema"]
            'https://json-schema.org/draft/2020-12/schema'
        """
        recipe = cls.model_json_schema()
        document = with_variations({**recipe.pop("$defs"), "Recipe": recipe})
        return json.dumps(document, indent=2, sort_keys=True) + "\n"

    @typed_arguments
    def starter(self, name: str, start: str | None = None, *, folder: str | PathLike[str] = ".") -> str:
        """The text of a new recipe that starts from this one, with comments on what it could change.

        Args:
            name: what the new recipe is called.
            start: what this one was loaded as, a name or a path; None for its name.
            folder: where the new recipe will be, from which a path is written.

        Raises:
            UsageError: no recipe can have that name.
        """
        from m2build.recipes.starter import starter_text

        return starter_text(self, name, start or self.name, folder)

    @typed_arguments
    def select(
        self,
        *,
        tp: int | None = None,
        profile: str | None = None,
        model: str | None = None,
        env: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> Selection:
        """One image of the recipe, by its profile and its model.

        >>> from m2build.recipes.load import load_recipe
        >>> selection = load_recipe("minimax-m2").select(tp=8, model="minimax-m2", env={"HF_HOME": "/models"})
        >>> selection.title, selection.settings.env
        ('MiniMax-M2, tp8', {'HF_HOME': '/models'})

        Args:
            tp: the tensor parallel size of the profile: the value of its flag, whatever its id.
            profile: the profile's id, instead of `tp`.
            model: the model's id; the recipe's default model if None.
            env: variables to set beside the recipe's; of the same name these count.
            labels: labels, likewise.
            annotations: annotations of the manifest, likewise.

        Raises:
            UsageError: neither or both of `tp` and `profile` are given, none or several profiles have that size, the
                recipe has no such profile or model, or a variable, a label or an annotation does not fit, such as one
                that looks like a credential.
        """
        given = _given({"env": env, "labels": labels, "annotations": annotations})
        if tp is not None and profile is None:
            profile = self._profile_of_size(tp)
        elif tp is not None or profile is None:
            problem = "say which profile to use" if tp is None else "tp and profile exclude each other"
            raise UsageError(problem, hint=f"the recipe {self.name} has: {self._profiles_with_sizes()}")
        model = self.default_model if model is None else model
        for kind, name, known in (("profile", profile, self.profiles), ("model", model, self.models)):
            if name not in known:
                problem = f"the recipe {self.name} has no {kind} {did_you_mean(name, known)}"
                raise UsageError(problem, hint=f"it has: {', '.join(known)}")
        return Selection(self, profile, model, given)

    def _profile_of_size(self, tp: int) -> str:
        found = [name for name, size in self.tensor_parallel_sizes.items() if size == tp]
        if not found:
            problem = f"the recipe {self.name} has no profile with tensor parallel size {tp}"
            raise UsageError(problem, hint=f"it has: {self._profiles_with_sizes()}")
        if len(found) > 1:
            problem = f"the recipe {self.name} has several profiles with tensor parallel size {tp}: {', '.join(found)}"
            raise UsageError(problem, hint=f"choose one by its id, as in --profile {found[0]}")
        return found[0]

    def _profiles_with_sizes(self) -> str:
        sizes = {name: "unknown" if size is None else size for name, size in self.tensor_parallel_sizes.items()}
        return ", ".join(f"{name} (tensor parallel size {size})" for name, size in sizes.items())


def _given(values: Mapping[str, Mapping[str, str] | None]) -> Settings:
    place = Position("this selection")
    found = {
        name: Document(place, {key: Document(place, value) for key, value in texts.items()})
        for name, texts in values.items()
        if texts
    }
    return validate(Document(place, found), Settings)


@dataclass(frozen=True)
class Selection:
    """One image of a recipe: a profile and a model.

    Attributes:
        recipe: the recipe.
        profile_id: the profile, by its id.
        model_id: the model, by its id.
        given: what is set for this image before what the recipe says.
    """

    recipe: Recipe
    profile_id: str
    model_id: str
    given: Settings = field(default_factory=Settings)

    @property
    def profile(self) -> Profile:
        """The profile."""
        return self.recipe.profiles[self.profile_id]

    @property
    def model(self) -> Model:
        """The model."""
        return self.recipe.models[self.model_id]

    @cached_property
    def settings(self) -> Settings:
        """What the image's config gets: as given for this image, else by the profile, the model, the recipe."""
        return self.given.over(self.profile.over(self.model.over(self.recipe)))

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        return self.profile.port

    @property
    def title(self) -> str:
        """The image's title."""
        return f"{self.model.title}, {self.profile_id}"

    @cached_property
    def command(self) -> tuple[str, ...]:
        """The server's command line, word by word."""
        return tuple(command_words(self.recipe.launch, self.model, self.profile))

    @cached_property
    def entrypoint(self) -> tuple[str, ...]:
        """What the image starts: the server's command line, by the init if the recipe has one."""
        return (*self.recipe.launch.init_words, *self.command)
