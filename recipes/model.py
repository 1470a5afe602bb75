"""The recipe as a value: the base, the series, the models, the launch flags and one profile per topology.

No I/O happens here; `load.py` reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from m2build.errors import UsageError
from m2build.suggest import did_you_mean
from m2build.validation import misplaced

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$", max_length=80)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\r\n\x00]+$")]
AbsolutePath = Annotated[str, StringConstraints(pattern=r"^(/[^/\x00\r\n]+)+$")]
UrlPath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/?=&%+:@-]*$")]
Flag = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
Scalar = Annotated[str, StringConstraints(pattern=r"^[^\x00\r\n]*$")] | int | float
FlagValue = Literal[True] | Scalar | Annotated[tuple[Scalar, ...], Field(min_length=1)]

_SERVER_PORT = 30000
"""What SGLang's server listens on without `--port`."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class BaseImage(_Frozen):
    """The image that is derived from."""

    image: Line = Field(description="Reference of the base image, such as docker.io/lmsysorg/sglang:TAG.")
    platform: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?$")] = "linux/amd64"
    source_root: AbsolutePath = Field(description="The folder in the image that holds the Python packages to patch.")

    @field_validator("source_root")
    @classmethod
    def _is_normal(cls, value: str) -> str:
        if {".", ".."} & set(value.split("/")):
            raise ValueError(f"{value!r} is not a normalised absolute path")
        return value


class Model(_Frozen):
    """One model that the server can be started with."""

    repo: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")] = Field(
        description="The model's repository on Hugging Face."
    )
    title: Line


class Launch(_Frozen):
    """How the server is started, before the profile's flags."""

    command: tuple[Line, ...] = Field(min_length=1)
    model_flag: Flag = Field(default="model-path", description="The flag that takes the model's repository.")


class Health(_Frozen):
    """The health check. All times are in seconds.

    SGLang's /health generates one token, always sleeps 1 s before it answers and gives up after 20 s
    (sglang/srt/entrypoints/http_server.py, SGLANG_HEALTH_CHECK_TIMEOUT): a shorter time-out fails a healthy server.
    Until the weights are loaded it answers 503, which on a cold cache takes most of an hour.
    """

    path: UrlPath = "/health"
    interval: Annotated[int, Field(ge=1)] = 30
    timeout: Annotated[int, Field(ge=22, le=60)] = 30
    start_period: Annotated[int, Field(ge=0)] = 3600
    retries: Annotated[int, Field(ge=1)] = 5


class Profile(_Frozen):
    """One launch configuration."""

    summary: Line
    gpus: Annotated[int, Field(ge=1)] = Field(description="How many GPUs it takes.")
    flags: dict[Flag, FlagValue] = Field(
        description="The server's flags without their dashes, in order: a value, a list of values, or true (a switch)."
    )

    @field_validator("flags")
    @classmethod
    def _port_is_a_port(cls, flags: dict[str, FlagValue]) -> dict[str, FlagValue]:
        port = flags.get("port", _SERVER_PORT)
        if type(port) is not int or not 1 <= port <= 65535:
            raise misplaced(f"the port {port!r} is not a number from 1 to 65535", "port")
        return flags

    @property
    def port(self) -> int:
        """Where the server listens."""
        port = self.flags.get("port", _SERVER_PORT)
        return port if isinstance(port, int) else _SERVER_PORT


class Recipe(_Frozen):
    """What to derive, from which base, and how to start it."""

    name: Id
    summary: Line
    base: BaseImage
    series: Line = Field(description="A shipped patch series by its id, or one's own by path, relative to this file.")
    launch: Launch
    health: Health = Health()
    default_model: Id
    models: dict[Id, Model] = Field(min_length=1)
    profiles: dict[Id, Profile] = Field(min_length=1)

    @model_validator(mode="after")
    def _default_model_exists(self) -> Recipe:
        if self.default_model not in self.models:
            problem = f"there is no model {did_you_mean(self.default_model, self.models)}"
            raise misplaced(problem, "default_model")
        return self

    @model_validator(mode="after")
    def _model_is_given_once(self) -> Recipe:
        flag = self.launch.model_flag
        for name, profile in self.profiles.items():
            if flag in profile.flags:
                problem = f"the model is given by models and --model already, as --{flag}"
                raise misplaced(problem, "profiles", name, "flags", flag)
        return self


@dataclass(frozen=True)
class Selection:
    """One image of a recipe: a profile and a model."""

    recipe: Recipe
    profile_id: str
    model_id: str

    @property
    def profile(self) -> Profile:
        """The profile."""
        return self.recipe.profiles[self.profile_id]

    @property
    def model(self) -> Model:
        """The model."""
        return self.recipe.models[self.model_id]

    @property
    def port(self) -> int:
        """Where the server listens."""
        return self.profile.port

    @property
    def title(self) -> str:
        """What to call the image."""
        return f"{self.model.title}, {self.profile_id}"

    @cached_property
    def command(self) -> tuple[str, ...]:
        """The server's command line, token by token: the command, the model, the profile's flags in their order."""
        tokens = [*self.recipe.launch.command, f"--{self.recipe.launch.model_flag}", self.model.repo]
        for flag, value in self.profile.flags.items():
            tokens.append(f"--{flag}")
            if value is not True:
                tokens += [str(item) for item in (value if isinstance(value, tuple) else (value,))]
        return tuple(tokens)


def select(recipe: Recipe, *, profile: str, model: str | None = None) -> Selection:
    """One image of a recipe; the recipe's default model if none is named.

    Raises:
        UsageError: there is no such profile or model; the nearest one is named.
    """
    model = recipe.default_model if model is None else model
    for kind, name, known in (("profile", profile, recipe.profiles), ("model", model, recipe.models)):
        if name not in known:
            raise UsageError(
                f"the recipe {recipe.name} has no {kind} {did_you_mean(name, known)}",
                hint=f"it has: {', '.join(known)}",
            )
    return Selection(recipe, profile, model)


def every_selection(recipe: Recipe) -> tuple[Selection, ...]:
    """All images of a recipe: for each model each profile."""
    return tuple(Selection(recipe, profile, model) for model in recipe.models for profile in recipe.profiles)
