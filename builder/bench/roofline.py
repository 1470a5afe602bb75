"""The most tokens a second that GPUs can decode: a bound from the bytes that each step has to read.

A step of decoding makes one token for each of B requests. It reads the weights of attention, of the router and of the
output head once, of the experts those that at least one of the B tokens is routed to, and the keys and values of all
contexts:

    experts(B) = E * (1 - (1 - k/E)**B)
    bytes(B)   = L * (attention + experts(B) * expert + router) + head + B * context * kv
    bound(B)   = B * n * bandwidth / bytes(B)

with L layers, k of E experts a token, n GPUs. Nothing but memory counts: no communication, no launches, no activations,
no prefill, so that real servers stay far below it; MiniMax-M2.1 on four MI300X reaches 2 to 18 % of it. Routing is
taken as uniform. A token whose neighbours share its experts reads fewer, but not by a factor of five.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from m2build.bench.result import Result
from m2build.documents.arguments import typed_arguments
from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError
from m2build.launch.facts import Shape, shape_of
from m2build.launch.memory import token_bytes
from m2build.launch.topology import Topology

FORMULA = "B * n * bandwidth / (L * (attention + E * (1 - (1 - k/E)**B) * expert + router) + head + B * context * kv)"
"""The bound in output tokens a second, for messages."""
BANDWIDTHS = {"MI300X": 5.3e12, "MI325X": 6.0e12, "MI355X": 8.0e12}
"""Bytes a second of one GPU's memory: the peaks of AMD's data sheets."""
_MODEL = "minimax-m2.1"
"""The model where none is named: the document's."""


@dataclass(frozen=True)
class Roof:
    """The bound for one workload on its GPUs.

    Attributes:
        requests: B, at a time.
        gpus: n, of this kind.
        gpu: the kind.
        context: tokens of one request's context, on average over its decoding.
        step_bytes: what a step reads.
        throughput: output tokens a second that cannot be exceeded.
        step_ms: milliseconds below which no token can follow another.
    """

    requests: int
    gpus: int
    gpu: str
    context: float
    step_bytes: float
    throughput: float
    step_ms: float


@typed_arguments
def roof(
    requests: int, gpu: str, gpus: int, context: float, *, model: str = _MODEL, kv_cache_dtype: str = "auto"
) -> Roof:
    """The bound for so many requests at a time.

    >>> found = roof(16, "MI300X", 4, 750)
    >>> f"{found.step_bytes / 1e9:.1f} GB, {found.throughput:.0f} tok/s"
    '96.7 GB, 3508 tok/s'

    Raises:
        UsageError: the GPU or the model is not known, or the model does not read its whole context at each step.
    """
    if gpu not in BANDWIDTHS:
        problem = f"the bandwidth of the GPU {did_you_mean(gpu, BANDWIDTHS)} is not known"
        raise UsageError(problem, hint=f"known: {', '.join(BANDWIDTHS)}")
    shape = shape_of(model)
    if shape.index_layers:
        raise UsageError(f"{model} reads a part of its context only, and how much is not known")
    kv = token_bytes(shape, Topology(kv_type=kv_cache_dtype))
    bandwidth = BANDWIDTHS[gpu] * gpus
    read, alone = (step_weights(shape, count) + count * context * kv for count in (requests, 1))
    return Roof(requests, gpus, gpu, context, read, requests * bandwidth / read, 1000 * alone / bandwidth)


def step_weights(shape: Shape, requests: int) -> float:
    """The bytes of weights that one step reads for so many requests; scales and norms are left out."""
    size = 1 if shape.fp8_block else 2
    attention = 2 * shape.hidden * shape.head_dim * (shape.heads + shape.kv_heads)
    mixtures = shape.layers - shape.dense_layers if shape.experts else 0
    used = shape.experts * (1 - (1 - shape.experts_per_token / shape.experts) ** requests) if mixtures else 0
    widths = mixtures * (used * shape.expert_width + shape.shared_width) + (shape.layers - mixtures) * shape.dense_width
    router = mixtures * shape.hidden * shape.experts * 4
    head = shape.vocabulary * shape.hidden * 2
    return size * (shape.layers * attention + 3 * shape.hidden * widths) + router + head


def roof_of(result: Result) -> Roof | None:
    """The bound for a result whose GPUs, requests at a time and tokens are known; None also for an unknown model."""
    about, workload, completed = result.about, result.workload, result.figures.get("completed")
    gpu, gpus = about.get("gpu"), about.get("gpus")
    requests, inputs, outputs = workload.max_concurrency, workload.input_tokens, workload.output_tokens
    if not (isinstance(gpu, str) and isinstance(gpus, int) and completed and requests and inputs and outputs):
        return None
    if min(gpus, completed, requests, inputs, outputs) <= 0:
        return None
    context = (inputs + outputs / 2) / completed
    model = str(about.get("model") or _MODEL).rstrip("/").rpartition("/")[2]
    kv_type = str(about.get("kvCacheDtype") or "auto")
    try:
        return roof(requests, gpu, gpus, context, model=model, kv_cache_dtype=kv_type)
    except UsageError:
        return None


def impossible(result: Result) -> Iterator[str]:
    """In what a result is above its bound, a sentence each. With speculation a step makes several tokens."""
    bound = roof_of(result)
    if bound is None:
        return
    tokens = max(1.0, result.figures.get("accept_length", 1.0))
    most, least = bound.throughput * tokens, bound.step_ms / tokens
    where = f"{bound.gpus} x {bound.gpu} at {bound.requests} requests, {bound.step_bytes / 1e9:.1f} GB a step"
    if (got := result.figures.get("output_throughput", 0.0)) > most:
        yield f"impossible: {got:,.0f} output tok/s, and memory allows at most {most:,.0f} ({where})"
    if (got := result.figures.get("median_tpot_ms", least)) < least:
        yield f"impossible: a token every {got:.2f} ms, and memory allows one every {least:.2f} ms at best ({where})"
