"""What a model takes of a GPU's memory, and how many tokens fit into the rest. Arithmetic only.

SGLang loads the weights, and gives the KV cache what is then left of the part that `mem-fraction-static` names
(`profile_max_num_token` in `srt/model_executor/model_runner_kv_cache_mixin.py` of SGLang 0.5.7):

    pool = free after loading - free before loading * (1 - fraction)
    tokens = pool // bytes of a token's keys and values
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from m2build.launch.facts import Gpu, Shape
from m2build.launch.findings import Finding
from m2build.launch.topology import Topology

if TYPE_CHECKING:
    from m2build import printed

GIB = 1 << 30
FRACTION = 0.85
"""What is assumed if `mem-fraction-static` is not given. SGLang 0.5.7 chooses 0.86 for four GPUs of 192 GiB
(`_handle_gpu_memory_settings` in `srt/server_args.py`)."""
PREFILL = 16_384
"""SGLang's `chunked-prefill-size` on GPUs with 160 GiB and more (the same function)."""
_TAKEN = 0.6 * GIB
"""An estimate of what the driver and the runtime take before the weights are loaded."""
_BESIDE = 1.5 * GIB
"""An estimate of what loading leaves beside the weights: communication buffers, kernels, fragments."""
_PROFILER = (
    "https://github.com/sgl-project/sglang/blob/v0.5.7/python/sglang/srt/model_executor/model_runner_kv_cache_mixin.py"
)
KV_BYTES = {"auto": 2, "bf16": 2, "bfloat16": 2, "fp8": 1, "fp8_e4m3": 1, "fp8_e5m2": 1}
"""Of one key's or value's element, by its type; `auto` is the model's own, bfloat16."""


@dataclass(frozen=True)
class MemoryFit:
    """What fits into the memory of each GPU. All sizes are bytes of one GPU.

    Attributes:
        gpu: the GPU's name.
        topology: how the model is divided.
        weights: the model's weights.
        pool: what is left for keys and values; negative if the weights do not fit.
        token: keys and values of one token.
        context: tokens of the longest context that the model or the flags allow.
    """

    gpu: str
    topology: Topology
    weights: int
    pool: int
    token: int
    context: int

    @property
    def tokens(self) -> int:
        """How many tokens fit, over all requests of one server."""
        return max(0, self.pool // self.token)

    @property
    def longest(self) -> int:
        """The longest context that one request can have."""
        return min(self.context, self.tokens)

    @property
    def full_contexts(self) -> float:
        """How many requests of the longest context fit at the same time."""
        return self.tokens / self.context

    def document(self) -> printed.MemoryFit:
        """The figures, under names for JSON."""
        return {
            "gpu": self.gpu,
            "tp": self.topology.tp,
            "ep": self.topology.ep,
            "memFractionStatic": fraction_of(self.topology),
            "kvCacheDtype": self.topology.kv_type,
            "weightBytesPerGpu": self.weights,
            "kvPoolBytesPerGpu": self.pool,
            "kvBytesPerTokenAndGpu": self.token,
            "tokens": self.tokens,
            "context": self.context,
            "longestContext": self.longest,
            "fullContexts": round(self.full_contexts, 2),
        }


def fraction_of(topology: Topology) -> float:
    """The part of the memory for weights and KV cache."""
    return FRACTION if topology.fraction is None else topology.fraction


def fit(shape: Shape, topology: Topology, gpu: Gpu) -> MemoryFit:
    """What fits on GPUs of a kind that nothing else uses.

    >>> from m2build.launch.facts import gpu_of, shape_of
    >>> fit(shape_of("minimax-m2.1"), Topology(tp=4), gpu_of("MI300X")).longest
    196608
    """
    return fit_bytes(shape, topology, gpu.name, gpu.memory * GIB - int(_TAKEN))


def fit_bytes(shape: Shape, topology: Topology, name: str, free: int) -> MemoryFit:
    """What fits into so many free bytes of each GPU; `name` is what the GPUs are called."""
    weights, token = weight_bytes(shape, topology), token_bytes(shape, topology)
    pool = int(free * fraction_of(topology)) - weights - int(_BESIDE)
    context = min(shape.context, topology.context or shape.context)
    return MemoryFit(name, topology, weights, pool, token, context)


def needed_bytes(shape: Shape, topology: Topology) -> int:
    """How much of each GPU's memory has to be free for the weights and one chunk of a prompt.

    >>> from m2build.launch.facts import shape_of
    >>> needed_bytes(shape_of("minimax-m2.1"), Topology(tp=4)) // GIB
    66
    """
    least = weight_bytes(shape, topology) + _BESIDE + (topology.prefill or PREFILL) * token_bytes(shape, topology)
    return ceil(least / fraction_of(topology))


def token_bytes(shape: Shape, topology: Topology) -> int:
    """Keys and values of one token on one GPU; heads that cannot be divided further are repeated.

    An element of a type that is not known counts as two bytes.

    >>> from m2build.launch.facts import shape_of
    >>> token_bytes(shape_of("minimax-m2.1"), Topology())
    253952
    """
    layers = ceil(shape.layers / topology.pp)
    heads = max(1, shape.kv_heads // topology.attention_tp)
    keys = layers * 2 * heads * shape.head_dim * KV_BYTES.get(topology.kv_type, 2)
    return keys + ceil(shape.index_layers / topology.pp) * shape.index_dim * 2


def weight_bytes(shape: Shape, topology: Topology) -> int:
    """The weights on one GPU. Norms are left out: they are some megabytes.

    The router is repeated on each GPU, in float32 (`MiniMaxM2MoE` in `srt/models/minimax_m2.py`).
    """
    experts = shape.layers - shape.dense_layers if shape.experts else 0
    in_a_layer = {
        "experts": experts * _expert_weights(shape, topology),
        "shared": experts * 3 * shape.hidden * shape.shared_width / topology.tp,
        "dense": (shape.layers - experts) * 3 * shape.hidden * shape.dense_width / topology.tp,
        "attention": shape.layers * _attention_weights(shape, topology),
    }
    router = experts * shape.hidden * shape.experts * 4
    ends = shape.vocabulary * shape.hidden * 2 * (1 if shape.ties_embeddings else 2) / topology.tp
    return ceil((sum(in_a_layer.values()) * _weight_size(shape) + router) / topology.pp + ends)


def _weight_size(shape: Shape) -> float:
    """Bytes of one weight: one and its share of a block's scale in FP8, and two in bfloat16."""
    return 1 + 4 / shape.fp8_block**2 if shape.fp8_block else 2


def _attention_weights(shape: Shape, topology: Topology) -> float:
    queries = 2 * shape.heads / topology.attention_tp  # and the output's projection, which is as large
    keys = 2 * max(1, shape.kv_heads / topology.attention_tp)
    return shape.hidden * shape.head_dim * (queries + keys)


def _expert_weights(shape: Shape, topology: Topology) -> float:
    """Of one layer on one GPU; columns that do not fill a block are padded, where the server pads at all."""
    width = shape.expert_width / max(1, topology.tp // topology.ep)
    block = shape.fp8_block or 1
    return shape.experts / topology.ep * 3 * shape.hidden * ceil(width / block) * block


def workable(shape: Shape, topology: Topology) -> Topology:
    """The topology, with expert parallelism if tensor parallelism alone would cut through blocks of FP8."""
    width = shape.expert_width / topology.tp
    cuts = bool(shape.experts and shape.fp8_block) and width % (shape.fp8_block or 1) != 0
    return replace(topology, ep=topology.tp) if cuts and topology.ep == 1 else topology


def memory_findings(shape: Shape, topology: Topology, gpu: Gpu) -> Iterator[Finding]:
    """Whether weights and KV cache fit, with their sizes."""
    found, fraction = fit(shape, topology, gpu), fraction_of(topology)
    share = f"{fraction:g} of {gpu.memory} GiB"
    weights, pool = f"{found.weights / GIB:.1f} GiB of weights", f"{max(0, found.pool) / GIB:.1f} GiB"
    tokens = f"{pool} for keys and values hold {found.tokens:,} tokens of {found.token:,} bytes"
    hint, chunk = "use more GPUs, a larger mem-fraction-static, or kv-cache-dtype fp8_e4m3", topology.prefill or PREFILL
    if not 0 < fraction < 1:
        message = f"mem-fraction-static is {fraction:g}, and has to be between 0 and 1"
        yield Finding("memory-fraction", message, "use 0.85, as the recipes do", _PROFILER)
    elif found.pool <= 0:
        message = f"each {gpu.name} gets {weights}, which do not fit into {share}"
        yield Finding("memory", message, hint, _PROFILER)
    elif found.tokens < chunk:
        message = f"beside {weights} on each {gpu.name}, {tokens}, and one chunk of a prompt has {chunk:,}"
        yield Finding("memory", message, hint, _PROFILER)
    elif found.tokens < found.context:
        message = f"beside {weights} on each {gpu.name}, {tokens}, and the longest context has {found.context:,}"
        yield Finding("memory", message, f"{hint}; or set context-length {found.tokens}", _PROFILER, is_fatal=False)
    if 0.9 < fraction < 1:
        message = (
            f"mem-fraction-static {fraction:g} leaves {(1 - fraction) * gpu.memory:.1f} GiB for activations and graphs"
        )
        yield Finding("memory-fraction", message, "use 0.9 or less", _PROFILER, is_fatal=False)
