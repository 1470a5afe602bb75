"""What commands print with `--json`, as types: type checkers compare the results with them, and `--schema` prints them.

The keys of a `TypedDict` stand as they are printed. Only `--schema` loads this module.
"""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Literal, NotRequired

from pydantic import JsonValue, TypeAdapter
from typing_extensions import TypedDict

if TYPE_CHECKING:
    from typing_extensions import TypeForm


def schema_text(
    command: str, kind: TypeForm[object], *, mode: Literal["serialization", "validation"] = "serialization"
) -> str:
    """The JSON Schema of what a command prints, as text.

    Args:
        command: the command, as in `base check`.
        kind: the type of what it prints: of this module, a dataclass whose attributes are the keys, a pydantic model,
            or a list or union of these. What a docstring says of its attributes explains the keys.
        mode: `validation` for models that leave out what is not set.

    Example:
        >>> json.loads(schema_text("cache show", CacheUsage))["title"]
        'What m2build cache show prints with --json'
    """
    head: dict[str, JsonValue] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://m2build.dev/docs/schemas/{command.replace(' ', '-')}/v1",
        "title": f"What m2build {command} prints with --json",
    }
    described = _explained(TypeAdapter[object](kind).json_schema(mode=mode))
    return json.dumps({**head, **described, **head}, indent=2) + "\n"


def _explained(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """A schema in which objects have no other keys, and in which keys are explained as their class's docstring does."""
    explained = {key: _inner(value) for key, value in schema.items()}
    properties = explained.get("properties")
    if not isinstance(properties, dict):
        return explained
    about, _, attributes = str(schema.get("description", "")).partition("\n\nAttributes:\n")
    for name, text in _attributes(attributes).items():
        if isinstance(key := properties.get(name), dict):
            key["description"] = text
    if about:
        explained["description"] = about.partition("\n\n")[0].replace("\n", " ")
    return {"additionalProperties": False} | explained


def _inner(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_inner(item) for item in value]
    return _explained(value) if isinstance(value, dict) else value


def _attributes(text: str) -> dict[str, str]:
    """The attributes of a docstring, by name: `name: text`, with further lines indented."""
    found, name = dict[str, str](), ""
    for line in inspect.cleandoc(text.partition("\n\n")[0]).splitlines():
        if line.startswith(" "):
            found[name] += f" {line.strip()}"
        else:
            name, _, found[name] = line.partition(": ")
    return found


class CacheKind(TypedDict):
    """The entries of one kind.

    Attributes:
        name: The folder that they are in, below the cache.
        holds: What they are.
        entries: How many there are.
        bytes: What they take.
    """

    name: str
    holds: str
    entries: int
    bytes: int


class CacheUsage(TypedDict):
    """What the cache holds.

    Attributes:
        folder: Where it is.
        bound: The bytes that it may have.
        bytes: What all entries take.
    """

    folder: str
    bound: int
    bytes: int
    kinds: list[CacheKind]


class Removed(TypedDict):
    """What was removed."""

    entries: int
    bytes: int


class Pruned(TypedDict):
    """What was removed from the cache, and what it holds now."""

    removed: Removed
    left: CacheUsage


class MemoryFit(TypedDict):
    """What a model takes of one GPU's memory, and how many tokens fit beside it.

    Attributes:
        tp: How many GPUs share each layer.
        ep: How many share the experts.
        memFractionStatic: The part of the memory for weights and KV cache.
        kvPoolBytesPerGpu: Not above zero if the weights do not fit.
        tokens: How many fit into the KV cache.
        context: The longest context that the model was made for.
        longestContext: The longest that fits.
        fullContexts: How many of the longest fit at the same time.
    """

    gpu: str
    tp: int
    ep: int
    memFractionStatic: float
    kvCacheDtype: str
    weightBytesPerGpu: int
    kvPoolBytesPerGpu: int
    kvBytesPerTokenAndGpu: int
    tokens: int
    context: int
    longestContext: int
    fullContexts: float


class Mirror(TypedDict):
    """The copy that a lock names.

    Attributes:
        there: Whether it has the locked digest.
    """

    name: str
    there: bool | None


class BaseCheck(TypedDict):
    """What registries say of a locked base.

    Attributes:
        image: The base's name, with its tag.
        locked: The digest in the lock.
        found: What the tag names now; null if it does not exist.
        kept: Whether the locked digest can still be pulled from there.
        mirror: The copy that the lock names, or null.
    """

    image: str
    standing: Literal["same", "moved", "gone"]
    locked: str
    found: str | None
    kept: bool
    mirror: Mirror | None


class Mirrored(TypedDict):
    """A copy of a base.

    Attributes:
        base: What was copied.
        digest: The same in both places.
        mirror: The copy's name.
        reference: The same with its digest.
        uploaded: How many blobs were sent.
        bytes: What they took.
    """

    base: str
    digest: str
    mirror: str
    reference: str
    uploaded: int
    bytes: int


class Reverted(TypedDict):
    """The base that an image stands on.

    Attributes:
        reference: Its name with its digest.
        digest: Of what the name refers to: the manifest, or an index with it.
        manifest: Of the manifest of the image's platform.
        layers: How many of the image's layers are the base's.
        layersAbove: How many are not.
    """

    reference: str
    digest: str
    manifest: str
    layers: int
    layersAbove: int


class Tagged(Reverted):
    """The base that an image stands on, as `m2build revert` prints it.

    Attributes:
        tagged: What was published with `-t`, by digest; or null.
    """

    tagged: str | None


class Entry(TypedDict):
    """What is at a path.

    Attributes:
        mode: Permissions, octal.
        owner: UID:GID.
        value: The digest of a file's content, or the target of a link.
        capabilities: A file's, in hexadecimal.
    """

    kind: str
    mode: str
    owner: str
    value: NotRequired[str]
    capabilities: NotRequired[str]


Side = Entry | Literal["unread"] | None


class PathDifference(TypedDict):
    """One path in which two images differ; `unread` is what the common layers have, null is nothing."""

    path: str
    before: Side
    after: Side


class Configs(TypedDict):
    """The config and the annotations of two images, each in one normal form."""

    before: dict[str, object]
    after: dict[str, object]


class Difference(TypedDict):
    """How two images differ.

    Attributes:
        commonLayers: How many layers they have in common, from the lowest up; they are not read.
        fields: The fields of `config` that differ.
        paths: The paths that differ, sorted.
    """

    commonLayers: int
    fields: list[str]
    config: Configs
    paths: list[PathDifference]


class State(TypedDict):
    """A file before or after.

    Attributes:
        mode: Permissions, octal.
    """

    sha256: str
    size: int
    mode: str


class ChangedFile(TypedDict):
    """A file that patches change.

    Attributes:
        renamedFrom: Where it was before, or null.
        before: Null if it is new.
        after: Null if it is deleted.
    """

    path: str
    renamedFrom: str | None
    before: State | None
    after: State | None


class Mention(TypedDict):
    """A place that a person should look at.

    Attributes:
        line: Null for what concerns the file as a whole.
        reason: Why it was left alone, where the line itself does not show it.
    """

    kind: str
    path: str
    line: int | None
    text: str
    reason: NotRequired[str]


class Proof(TypedDict):
    """What was done to show that a change is whole: the places that were found, and what was found afterwards."""

    method: Literal["find", "run"]
    found: int
    foundAgain: int


class PatchAccount(TypedDict):
    """A patch and what it did; its own keys are those of the series.

    Attributes:
        outcome: What became of it.
        detail: One line for people.
        files: The paths of the files that it changes.
        proof: Null where the codemod does not look at its result.
        dropNow: Why the patch can go, by its `drop_when`; null if it has to stay.
    """

    id: str
    summary: str
    why: str
    codemod: str
    parameters: dict[str, JsonValue]
    references: list[str]
    releases: str
    when_absent: str
    accept: list[str]
    author: str
    forwarded: str
    last_update: str
    origin: NotRequired[str]
    applied_upstream: NotRequired[str]
    drop_when: NotRequired[str]
    upstream: NotRequired[dict[str, JsonValue]]
    relevant_when: NotRequired[list[dict[str, JsonValue]]]
    dropNow: NotRequired[str | None]
    outcome: Literal["applied", "already-applied", "done-otherwise", "not-needed", "target-gone", "conflict"]
    detail: str
    files: list[str]
    mentions: list[Mention]
    proof: Proof | None


class Account(TypedDict):
    """What a series does to one source tree.

    Attributes:
        generator: The version of m2build.
        release: The release that the sources say they are.
        files: Every file that differs afterwards.
    """

    schemaVersion: int
    generator: str
    series: str
    distribution: str
    release: str | None
    patches: list[PatchAccount]
    files: list[ChangedFile]


class LaunchFinding(TypedDict):
    """What the server starts with, but should not.

    Attributes:
        rule: The rule's id; ids stay what they are.
        hint: The next step.
        source: Where the rule comes from: a link, or a file of the base's sources with its line.
        is_fatal: Whether the server cannot run so.
    """

    rule: str
    message: str
    hint: str
    source: str
    is_fatal: bool


class LaunchProof(TypedDict):
    """What is known of launch flags that the server does not refuse.

    Attributes:
        proven: Whether the server accepts the command line.
        server: The server whose flags it was held against; null if nothing is proven.
        reason: Why nothing is proven; null if it is.
        unjudged: Flags of which a value was not looked at, and why.
    """

    proven: bool
    server: str | None
    reason: str | None
    warnings: list[LaunchFinding]
    unjudged: list[str]


class Flag(TypedDict):
    """A launch flag of a server, as argparse knows it.

    Attributes:
        names: Its option strings, in the order of its definition.
        dest: The attribute that its value is stored in.
        action: `store`, `store_true`, `store_false`, `store_const`, `append`, `boolean` (`--x` and `--no-x`), or the
            name of a class of the server.
        type: What converts a value, by its name; null for text.
        nargs: How many values it takes: null for one, 0 for none, a number, `?`, `*` or `+`.
        const: What it stores if it is given without a value.
        default: Its value if it is not given.
        choices: The only values that it takes; null for any.
        required: Whether the server refuses to start without it.
        help: What the server says of it.
        retired: The error with which the server refuses it, if it always does.
        unknown: The keys above that the sources leave to run time, or that are not understood; these are null.
    """

    names: list[str]
    dest: str
    action: str
    type: str | None
    nargs: str | int | None
    const: JsonValue
    default: JsonValue
    choices: list[JsonValue] | None
    required: bool
    help: str | None
    retired: str | None
    unknown: list[str]


class FlagChange(TypedDict):
    """A flag that both servers have, and how it differs: a phrase each, as `default: 1 -> 2`."""

    name: str
    differences: list[str]


class FlagDifference(TypedDict):
    """How the flags of two servers differ.

    Attributes:
        added: Flags of the newer one alone.
        removed: Flags of the older one alone.
    """

    added: list[Flag]
    removed: list[Flag]
    changed: list[FlagChange]


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


Figure = float | Literal["inf", "-inf", "nan"]
"""A number; strict JSON has no others."""


class Workload(TypedDict):
    """What a run asks of a server; null for what its source does not say.

    Attributes:
        backend: The client's word for the protocol.
        dataset_name: Where prompts come from.
        random_range_ratio: The shortest length as a share of the longest.
        request_rate: Requests a second; `inf` sends all at once.
        max_concurrency: Requests at a time; 0 for no limit.
        prompts: How many requests.
        input_tokens: In all prompts.
        output_tokens: To be generated in all.
    """

    backend: str | None
    dataset_name: str | None
    random_input_len: int | None
    random_output_len: int | None
    random_range_ratio: Figure | None
    request_rate: Figure | None
    max_concurrency: int | None
    prompts: int | None
    input_tokens: int | None
    output_tokens: int | None


class Requests(TypedDict):
    """What became of single requests.

    Attributes:
        empty: Those that the client counts as successful although no text came.
        reason: The first error, or empty.
    """

    sent: int
    failed: int
    empty: int
    reason: str


class Roof(TypedDict):
    """What the memory of the GPUs allows at most.

    Attributes:
        requests: At a time.
        context: Tokens of one request's context, on average over its decoding.
        step_bytes: What a step reads.
        throughput: Output tokens a second that cannot be exceeded.
        step_ms: Milliseconds below which no token can follow another.
        formula: How it was reckoned.
    """

    requests: int
    gpus: int
    gpu: str
    context: Figure
    step_bytes: Figure
    throughput: Figure
    step_ms: Figure
    formula: NotRequired[str]


class Measured(TypedDict):
    """What one run measured.

    Attributes:
        source: Where it was read.
        name: The scenario, or its concurrency.
        figures: The client's figures by their keys.
        requests: Null if the source does not say.
        faults: Why it is no measurement.
        impossible: What lies above the roof.
        remarks: What to keep in mind when reading it.
        roof: Null if the GPUs are not known.
        about: What is known of the run besides.
    """

    source: str
    name: str
    workload: Workload
    figures: dict[str, Figure]
    requests: Requests | None
    faults: list[str]
    impossible: list[str]
    remarks: list[str]
    roof: Roof | None
    about: dict[str, JsonValue]


class Delta(TypedDict):
    """How a figure changed; `before` and `after` are medians."""

    unit: str
    better: Literal["higher", "lower", "neither"]
    before: Figure
    after: Figure
    percent: Figure
    verdict: Literal["better", "worse", "noise", "same", "changed"]
    runsBefore: list[Figure]
    runsAfter: list[Figure]


class Compared(TypedDict):
    """The runs of one workload on both sides.

    Attributes:
        figures: By the client's keys.
        roof: Of the second side; null if its GPUs are not known.
    """

    name: str
    workload: Workload
    figures: dict[str, Delta]
    roof: Roof | None
    impossible: list[str]
    remarks: list[str]


class Comparison(TypedDict):
    """Two sets of results.

    Attributes:
        failures: The conditions of --fail-if that hold, one sentence each.
    """

    comparisons: list[Compared]
    failures: list[str]
