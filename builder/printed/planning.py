"""What `m2build recipe show` and `m2build image --dry-run` print."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from m2build.printed.patching import Account


class PlanBase(TypedDict):
    """The base of a plan.

    Attributes:
        digest: Of what its name refers to; null if the place has none.
        manifest: Of its manifest for the platform.
        chainId: Of its layers.
        standIn: What a stand-in base was made from; null for an image.
    """

    name: str | None
    digest: str | None
    manifest: str | None
    chainId: str | None
    platform: str
    standIn: str | None


class Source(TypedDict):
    """A folder of sources in the base, and what its series does to it."""

    sourceRoot: str
    changeset: Account


class Selection(TypedDict):
    """One profile of a recipe, with one model.

    Attributes:
        command: The server's command line.
        title: What images of it are called.
        env: What the recipe sets in the image, as far as it is given; so the other keys.
    """

    command: list[str]
    port: int
    title: str
    env: NotRequired[dict[str, str]]
    labels: NotRequired[dict[str, str]]
    annotations: NotRequired[dict[str, str]]
    workdir: NotRequired[str]
    user: NotRequired[str]


class PlanSources(TypedDict, total=False):
    """The folder of sources of a plan and its changeset, or several by name."""

    sourceRoot: str
    changeset: Account
    sources: dict[str, Source]


class PlanSettings(TypedDict, total=False):
    """What the recipe sets in the image, as far as it is given.

    Attributes:
        env: Variables, as NAME=VALUE; their order counts.
    """

    env: list[str]
    labels: dict[str, str]
    annotations: dict[str, str]
    workdir: str
    user: str


class Plan(PlanSources, PlanSettings):
    """Everything that decides an image.

    Attributes:
        m2build: The version of m2build.
        sourceRoot: Where the sources are in the base; in `sources`, by name, if there are several.
        footing: What the base has at the folders of the overlay: kind, mode, UID and GID by path.
        hidden: Paths of the base that the overlay removes.
        entrypoint: How containers start.
        created: The image's time, after RFC 3339.
        env: Variables, as NAME=VALUE.
    """

    m2build: str
    recipe: str
    profile: str
    model: str
    base: PlanBase
    footing: dict[str, list[str | int]]
    hidden: list[str]
    entrypoint: list[str]
    port: int
    health: dict[str, str | int]
    created: str


class Destination(TypedDict):
    """Where an image goes.

    Attributes:
        before: What the name refers to now; null for nothing, or if that is not known.
    """

    place: str
    name: str
    before: str | None


class Estimate(TypedDict):
    """How long it would take, at a rate that is assumed."""

    seconds: int
    bytesPerSecond: int


class Blob(TypedDict):
    """A blob of the image, and what would be done to have it at the destination."""

    digest: str
    size: int
    state: Literal["present", "mountable", "copy"]


class ForecastTransfer(TypedDict):
    """What would be sent.

    Attributes:
        existing: How many blobs are there.
        mountable: How many the registry is asked to mount.
        copied: How many are copied.
        bytes: What is copied.
        isExact: Whether all of that is known before the image is made.
    """

    existing: int
    mountable: int
    copied: int
    bytes: int
    isExact: bool
    estimate: Estimate
    blobs: list[Blob]


class Forecast(Plan):
    """What a build would do, as `--dry-run` prints it: the plan, and what would be sent.

    Attributes:
        digest: Of the plan.
        manifest: Of the image's manifest; null where an engine makes it.
        refusal: Why it would not be delivered; null if it would.
    """

    digest: str
    manifest: str | None
    engine: str
    destination: Destination
    transfer: ForecastTransfer
    refusal: str | None
