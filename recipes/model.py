"""The recipe as a value: the base, the series, the models, the launch flags and one profile per topology.

No I/O happens here; `load.py` reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from m2build.documents.placed import Document, Position
from m2build.documents.shown import shortened, shown
from m2build.documents.suggest import did_you_mean
from m2build.documents.validation import misplaced, validate
from m2build.errors import UsageError
from m2build.oci.platforms import PLATFORM
from m2build.places.place import registry_place
from m2build.recipes.flags import Flag, FlagValue, flag_words, is_short_for, tensor_parallel_size
from m2build.recipes.settings import Settings
from m2build.recipes.values import AbsolutePath, Frozen, Id, Line, Repository, UrlPath, Word

_INT32 = 2**31 - 1
"""The largest --retries of a Dockerfile (moby parses 32 bits), and the largest device number of ROCm."""
_GO_SECONDS = (2**63 - 1) // 10**9
"""A health check's times are nanoseconds in Go's int64 (time.Duration): 292 years."""
_MOST = 100
"""Models of a recipe, or profiles; each pair is an image."""
_LONGEST_LINE = 65_535
"""Bytes of a Dockerfile's line (BuildKit, frontend/dockerfile/parser, bufio.MaxScanTokenSize)."""
_SERVER_PORT = 30000
"""The port of SGLang's server without `--port`."""


def _named_in_a_registry(value: str) -> str:
    try:
        registry_place(value)
    except UsageError as error:
        raise ValueError(str(error)) from None
    return value


Image = Annotated[Line, AfterValidator(_named_in_a_registry)]


class BaseImage(Frozen):
    """The image to derive from."""

    image: Image = Field(description="Reference of the base image, such as docker.io/lmsysorg/sglang:TAG.")
    platform: Annotated[str, StringConstraints(pattern=f"^{PLATFORM}$")] = "linux/amd64"
    source_root: AbsolutePath = Field(description="The folder in the image that holds the Python packages to patch.")


class BaseVersion(Frozen):
    """Another release of the base, for the same series, models and profiles."""

    summary: Line = Field(description="The recipe's summary with this base.")
    image: Image = Field(description="Reference of the base image.")
    source_root: AbsolutePath | None = Field(default=None, description="The sources' folder, if it is another one.")


class Model(Settings):
    """A model to serve."""

    repo: Repository = Field(description="The model's repository on Hugging Face.")
    title: Line


class Launch(Frozen):
    """The server's command, before the profile's flags."""

    command: tuple[Word, ...] = Field(min_length=1)
    model_flag: Flag = Field(default="model-path", description="The flag that takes the model's repository.")
    model_is_argument: bool = Field(
        default=False, description="Whether the repository comes without a flag, as in `vllm serve MODEL`."
    )


class Health(Frozen):
    """The health check. All times are in seconds.

    SGLang's /health generates one token, always sleeps 1 s before it answers and gives up after 20 s
    (sglang/srt/entrypoints/http_server.py, SGLANG_HEALTH_CHECK_TIMEOUT): a shorter time-out fails a healthy server.
    Until the weights are loaded it answers 503, which on a cold cache takes most of an hour.
    """

    path: UrlPath = "/health"
    interval: Annotated[int, Field(ge=1, le=_GO_SECONDS)] = 30
    timeout: Annotated[int, Field(ge=22, le=60)] = 30
    start_period: Annotated[int, Field(ge=0, le=_GO_SECONDS)] = 3600
    retries: Annotated[int, Field(ge=1, le=_INT32)] = 5


class Profile(Settings):
    """One launch configuration."""

    summary: Line
    gpus: Annotated[int, Field(ge=1, le=_INT32)] = Field(description="How many GPUs it takes.")
    flags: dict[Flag, FlagValue] = Field(
        description="The server's flags without their dashes, in order: a value, a list of values, or true (a switch).",
        json_schema_extra={"properties": {"port": {"type": "integer", "minimum": 1, "maximum": 65535}}},
    )

    @field_validator("flags")
    @classmethod
    def _port_is_a_port(cls, flags: dict[str, FlagValue]) -> dict[str, FlagValue]:
        port = flags.get("port", _SERVER_PORT)
        if type(port) is not int or not 1 <= port <= 65535:
            raise misplaced(f"the port {shortened(repr(port))} is not a number from 1 to 65535", "port")
        for flag in flags:
            if flag != "port" and is_short_for(flag, "port"):
                raise misplaced(f"argparse reads --{flag} as --port; write it out", flag)
        return flags

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        port = self.flags.get("port", _SERVER_PORT)
        return port if isinstance(port, int) else _SERVER_PORT


class Recipe(Settings):
    """What to derive, from which base, and how to start it."""

    name: Id
    summary: Line
    base: BaseImage
    bases: dict[Id, BaseVersion] = Field(
        default={}, max_length=_MOST, description="Other releases of the base, by the words of --base-version."
    )
    series: Line = Field(description="A shipped patch series by its id, or one's own by path, relative to this file.")
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
            words = command_words(self.launch, model, profile)
            if len(f"ENTRYPOINT {json.dumps(words)}") > _LONGEST_LINE:
                problem = f"the command line is longer than the {_LONGEST_LINE:,} bytes of a Dockerfile's line"
                raise misplaced(problem, "profiles", name, "flags")
        return self

    @property
    def tensor_parallel_sizes(self) -> dict[str, int | None]:
        """Each profile's tensor parallel size, by the profile's id; None where its flag holds no number."""
        model = self.models[self.default_model]
        return {
            name: tensor_parallel_size(command_words(self.launch, model, profile))
            for name, profile in self.profiles.items()
        }

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

        Loaded again, it is the same recipe. A series of one's own is named by its path from the working directory.

        >>> from m2build.recipes.load import load_recipe
        >>> load_recipe("minimax-m2").yaml().splitlines()[0]
        'name: minimax-m2'
        """
        import yaml

        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=2**31)

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


def command_words(launch: Launch, model: Model, profile: Profile) -> list[str]:
    """A server's command line, word by word: the command, the model, the profile's flags in their order."""
    flags = [word for flag, value in profile.flags.items() for word in flag_words(flag, value)]
    served = [model.repo] if launch.model_is_argument else flag_words(launch.model_flag, model.repo)
    return [*launch.command, *served, *flags]


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


def workdirs(selections: Sequence[Selection]) -> tuple[str, ...]:
    """The working directories that images get instead of the base's, relative to the root."""
    found = (selection.settings.workdir for selection in selections)
    return tuple(dict.fromkeys(path.strip("/") for path in found if path))


def common_recipe(selections: Sequence[Selection]) -> Recipe:
    """The recipe of several selections.

    Raises:
        UsageError: they have different recipes, or there are none.
    """
    recipes = {id(selection.recipe): selection.recipe for selection in selections}
    if len(recipes) != 1:
        raise UsageError(f"images are derived from one recipe at a time, and these are of {len(recipes)}")
    return selections[0].recipe
