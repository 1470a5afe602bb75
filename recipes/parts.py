"""The parts of a recipe: its base, its models, the launch, the health check and the profiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from m2build.documents.shown import shortened
from m2build.documents.validation import misplaced
from m2build.errors import UsageError
from m2build.layers.root import Root
from m2build.oci.paths import nested
from m2build.oci.platforms import PLATFORM
from m2build.places.place import registry_place
from m2build.recipes.flags import Flag, FlagValue, flag_words, is_short_for
from m2build.recipes.settings import Settings
from m2build.recipes.values import AbsolutePath, Frozen, Line, RelativePath, Repository, UrlPath, Word

_INT32 = 2**31 - 1
"""The largest --retries of a Dockerfile (moby parses 32 bits), and the largest device number of ROCm."""
_GO_SECONDS = (2**63 - 1) // 10**9
"""A health check's times are nanoseconds in Go's int64 (time.Duration): 292 years."""
_SERVER_PORT = 30000
"""The port of SGLang's server without `--port`."""
INIT_FILE = "/opt/m2build/init"
"""Where an image has the init that starts its command as process 1."""


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
    source_root: AbsolutePath | None = Field(
        default=None,
        description="The folder in the image that holds the Python packages to patch, unless `sources` names several.",
    )


class SourceRoot(Frozen):
    """A folder of sources in the base, and the series that patches it."""

    root: AbsolutePath | Literal["auto"] = Field(
        description="The folder in the image that holds the Python packages to patch; auto: where its marker is."
    )
    marker: RelativePath | None = Field(
        default=None, description="For auto: a file of the folder that no other one has, such as sglang/__init__.py."
    )
    series: Line = Field(description="A shipped patch series by its id, or one's own by path, relative to this file.")

    @model_validator(mode="after")
    def _marker_is_for_auto(self) -> SourceRoot:
        if self.root == "auto" and self.marker is None:
            raise misplaced("root: auto needs a marker, a file in the folder, such as sglang/__init__.py", "root")
        if self.root != "auto" and self.marker is not None:
            raise misplaced("a marker is for root: auto, and this root is named", "marker")
        return self

    def at(self, key: str) -> Root:
        """Where to look for it in a base; `key` is where the recipe names it, for messages."""
        return Root(None if self.root == "auto" else self.root.strip("/"), key, self.marker)


def overlapping_roots(sources: Mapping[str, SourceRoot]) -> Iterator[tuple[str, str]]:
    """The sources whose named root is that of others before them, holds it or is in it."""
    seen: dict[str, str] = {}
    for name, source in sources.items():
        if source.root != "auto":
            yield from ((name, other) for root, other in seen.items() if nested(source.root, root))
            seen[source.root] = name


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
    init: bool = Field(
        default=True,
        description="Whether m2build's init is process 1 and starts the command: a crash is then seen as a failure.",
    )

    @property
    def init_words(self) -> tuple[str, ...]:
        """What is in front of the command. With -I and -S, no variable of the server decides what it loads."""
        return ("python3", "-IS", INIT_FILE) if self.init else ()


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


def command_words(launch: Launch, model: Model, profile: Profile) -> list[str]:
    """A server's command line, word by word: the command, the model, the profile's flags in their order."""
    flags = [word for flag, value in profile.flags.items() for word in flag_words(flag, value)]
    served = [model.repo] if launch.model_is_argument else flag_words(launch.model_flag, model.repo)
    return [*launch.command, *served, *flags]
