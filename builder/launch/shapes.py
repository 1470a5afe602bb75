"""Whether a model can be divided as a launch asks, with the arithmetic.

Sources: `srt/models/minimax_m2.py` and `srt/layers/quantization/fp8.py` of SGLang, at the lines that refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb

from m2build.launch.facts import Shape
from m2build.launch.findings import Finding
from m2build.launch.topology import Surroundings, Topology, is_in

_SGLANG = "https://github.com/sgl-project/sglang/blob/v0.5.7/python/sglang/srt"
_ATTENTION = f"{_SGLANG}/models/minimax_m2.py#L345"
_FP8_LINEAR = f"{_SGLANG}/layers/quantization/fp8.py"
_FP8_EXPERTS = "https://github.com/sgl-project/sglang/issues/23265"
_PADDING = "https://github.com/sgl-project/sglang/blob/v0.5.11/python/sglang/srt/layers/quantization/fp8.py#L860"
_SERVER = f"{_SGLANG}/server_args.py"
_NODE = 8
"""GPUs of one machine: AMD's platforms with MI300X, MI325X and MI355X have eight."""


def shape_findings(shape: Shape, topology: Topology, surroundings: Surroundings) -> Iterator[Finding]:
    """Every rule of shapes that a launch breaks, in the order in which the server would find them."""
    yield from _gpus(topology)
    yield from _heads(shape, topology, surroundings)
    if shape.experts:
        yield from _experts(shape, topology, surroundings)


def _gpus(topology: Topology) -> Iterator[Finding]:
    needed, nodes, gpus = topology.needed_gpus, topology.nodes, topology.gpus
    product = f"tp {topology.tp} x pp {topology.pp} x dp {1 if topology.shares_attention else topology.dp}"
    if needed % nodes:
        message = f"{product} are {needed} GPUs, which {nodes} machines cannot share evenly"
        yield Finding("gpus", message, "choose sizes that the number of machines divides", _SERVER)
    elif gpus is not None and needed // nodes > gpus:
        message = f"{product} are {needed // nodes} GPUs of each machine, and the profile takes {gpus}"
        yield Finding("gpus", message, f"set the profile's gpus to {needed // nodes}, or use smaller sizes", _SERVER)
    elif gpus is not None and needed // nodes < gpus:
        message = f"{product} are {needed // nodes} GPUs of each machine, and the profile takes {gpus}: some do nothing"
        yield Finding("gpus", message, f"set the profile's gpus to {needed // nodes}", _SERVER, is_fatal=False)
    elif needed // nodes > _NODE:
        message = f"{product} are {needed // nodes} GPUs of each machine, and a machine has {_NODE}"
        yield Finding("gpus", message, "use more machines (nnodes), or smaller sizes", _SERVER, is_fatal=False)


def _heads(shape: Shape, topology: Topology, surroundings: Surroundings) -> Iterator[Finding]:
    size = topology.attention_tp
    if shape.heads % size:
        quotient = f"{shape.heads} / {size} = {shape.heads / size:.4g}"
        message = f"{shape.heads} attention heads cannot be divided by {size}: {quotient}"
        yield Finding("heads", message, f"use a tensor parallel size of {_sizes(shape)}", _ATTENTION)
        return
    if shape.kv_heads % size and size % shape.kv_heads:
        message = f"{shape.kv_heads} KV heads and tensor parallel size {size}: neither divides the other"
        yield Finding("kv-heads", message, f"use a tensor parallel size of {_sizes(shape)}", _ATTENTION)
        return
    yield from _key_norm(shape, size, surroundings)
    block = shape.fp8_block
    widths = {
        f"{shape.heads} / {size} heads of {shape.head_dim}": shape.heads // size * shape.head_dim,
        f"{max(1, shape.kv_heads // size)} KV heads of {shape.head_dim}": max(1, shape.kv_heads // size)
        * shape.head_dim,
        "the hidden size": shape.hidden,
    }
    for what, width in widths.items():
        if block and width % block:
            message = f"FP8 has blocks of {block}, and {what} are {width} columns: {_rest(width, block)}"
            yield Finding("attention-block", message, "use a smaller tensor parallel size", _FP8_LINEAR)


def _key_norm(shape: Shape, size: int, surroundings: Surroundings) -> Iterator[Finding]:
    """`MiniMaxM2RMSNormTP` divides the weight of k_norm; from 0.5.11 on it repeats it as KV heads are repeated."""
    is_fixed = is_in(surroundings.release, ">=0.5.11")
    if shape.norms_all_heads and size > shape.kv_heads and not is_fixed:
        width = shape.kv_heads * shape.head_dim
        message = (
            f"tensor parallel size {size} is more than the {shape.kv_heads} KV heads: each GPU has one of them, of "
            f"{shape.head_dim}, and SGLang before 0.5.11 gives k_norm {width} / {size} = {width // size} weights"
        )
        hint = f"use a tensor parallel size up to {shape.kv_heads}, or derive from SGLang 0.5.11 or newer"
        is_fatal = surroundings.release is not None
        yield Finding("k-norm", message, hint, f"{_SGLANG}/models/minimax_m2.py#L90", is_fatal=is_fatal)


def _experts(shape: Shape, topology: Topology, surroundings: Surroundings) -> Iterator[Finding]:
    tp, ep = topology.tp, topology.ep
    if (tp * topology.dp) % ep:
        message = f"expert parallel size {ep} does not divide tensor parallel size {tp}"
        yield Finding("experts", message, f"use ep-size {tp}", _SERVER)
    elif shape.experts % ep:
        rest = f"{shape.experts} / {ep} = {shape.experts / ep:.4g}"
        message = f"{shape.experts} experts cannot be divided by the expert parallel size: {rest}"
        yield Finding("experts", message, f"use ep-size {tp}", _SERVER)
    else:
        yield from _expert_blocks(shape, topology, surroundings)


def _expert_blocks(shape: Shape, topology: Topology, surroundings: Surroundings) -> Iterator[Finding]:
    tp, ep, block = topology.tp, topology.ep, shape.fp8_block or 1
    parts = max(1, tp // ep)
    width, left = divmod(shape.expert_width, parts)
    if not left and width % block == 0:
        if ep > 1 and shape.expert_width % tp == 0 and shape.expert_width // tp % block == 0:
            yield _busiest(shape, topology)
        return
    division = f"{shape.expert_width} / {parts} = {shape.expert_width / parts:g}"
    columns = f"each GPU gets {division} columns of an expert, and " + (
        f"FP8 has blocks of {block}" if shape.fp8_block else "a column cannot be divided"
    )
    if surroundings.pads_experts and not left:
        padded = -(-width // block) * block
        message = f"{columns}: SGLang pads {width} to {padded}, and experts take {padded / width - 1:.0%} more memory"
        yield Finding("expert-padding", message, f"use ep-size {tp} to save that", _PADDING, is_fatal=False)
    else:
        is_fatal = left > 0 or surroundings.pads_experts is not None
        doubt = "" if is_fatal else "; SGLang before 0.5.11 refuses that"
        message = f"{columns}: {_rest(shape.expert_width / parts, block)}{doubt}"
        yield Finding("expert-block", message, f"add ep-size {tp}", _FP8_EXPERTS, is_fatal=is_fatal)


def _busiest(shape: Shape, topology: Topology) -> Finding:
    """Expert parallelism where it is not needed: a single request waits for the GPU with most of its experts."""
    ep, chosen = topology.ep, shape.experts_per_token
    message = (
        f"with ep-size {ep} a token's {chosen} experts are spread unevenly: the busiest of {ep} GPUs has "
        f"{busiest_share(shape.experts, chosen, ep):.1f} of them, and without it each has the work of {chosen / ep:g}"
    )
    hint = "for few requests at a time leave ep-size out; for many it makes little difference"
    return Finding("expert-spread", message, hint, "arithmetic, for experts chosen evenly", is_fatal=False)


def busiest_share(experts: int, chosen: int, groups: int) -> float:
    """How many of the chosen experts the group with most of them has, on average over all choices.

    >>> round(busiest_share(256, 8, 4), 1), round(busiest_share(256, 8, 8), 1)
    (3.5, 2.6)
    """
    size = experts // groups

    def choices(most: int) -> int:
        """In how many ways no group has more than `most`: a coefficient of (sum of C(size, k) x^k) ^ groups."""
        ways = [1] + [0] * chosen
        for _ in range(groups):
            ways = [sum(ways[n - k] * comb(size, k) for k in range(min(most, n) + 1)) for n in range(chosen + 1)]
        return ways[chosen]

    return sum(1 - choices(most) / comb(experts, chosen) for most in range(chosen))


def _sizes(shape: Shape) -> str:
    """The tensor parallel sizes of one machine that the heads allow."""
    sizes = [
        str(size)
        for size in range(1, _NODE + 1)
        if shape.heads % size == 0 and (shape.kv_heads % size == 0 or size % shape.kv_heads == 0)
    ]
    return f"{', '.join(sizes[:-1])} or {sizes[-1]}" if len(sizes) > 1 else sizes[0]


def _rest(width: float, block: int) -> str:
    return f"{width:g} / {block} = {width / block:.4g}"
