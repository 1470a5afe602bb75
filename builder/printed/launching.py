"""What `m2build check`, `flags` and `size` print."""

from __future__ import annotations

from pydantic import JsonValue
from typing_extensions import TypedDict


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
