"""What a model takes, and what fits beside it, over several GPUs and topologies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from m2build.documents.arguments import typed_arguments
from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError
from m2build.launch.facts import Shape, facts, gpu_of, shape_of
from m2build.launch.memory import FRACTION, KV_BYTES, MemoryFit, fit, workable
from m2build.launch.model_config import shape_from_config
from m2build.launch.shapes import shape_findings
from m2build.launch.topology import Surroundings, Topology


@typed_arguments
def size(
    model: str | Mapping[str, object],
    *,
    tps: Sequence[int] = (2, 4, 8),
    gpus: Sequence[str] = (),
    mem_fraction_static: float = FRACTION,
    kv_cache_dtype: str = "auto",
) -> tuple[MemoryFit, ...]:
    """What a model takes of GPUs' memory, and how many tokens fit beside it: for each GPU each tensor parallel size.

    Where tensor parallelism alone would cut through FP8's blocks, expert parallelism is assumed, of the same size.
    Estimates: MiniMax's own figures are within 20 % of them.

    Args:
        model: a known model, as `minimax-m2.1`, or another one's parsed `config.json`.
        tps: tensor parallel sizes.
        gpus: names of GPUs, as `MI300X`; all known ones by default.
        mem_fraction_static: the part of a GPU's memory for weights and KV cache.
        kv_cache_dtype: the element type of keys and values, as SGLang's flag has it.

    Raises:
        UsageError: the model, a GPU or a size does not exist or does not fit the model, or the configuration is not
            understood.

    Example:
        >>> import m2build
        >>> (found,) = m2build.size("minimax-m2.1", tps=[4], gpus=["MI300X"])
        >>> found.longest, round(found.full_contexts, 1)
        (196608, 9.2)
    """
    shape = shape_of(model) if isinstance(model, str) else shape_from_config(model)
    if not 0 < mem_fraction_static < 1:
        raise UsageError(f"mem-fraction-static is {mem_fraction_static:g}, and has to be between 0 and 1")
    if kv_cache_dtype not in KV_BYTES:
        problem = f"the size of the KV cache's type {did_you_mean(kv_cache_dtype, KV_BYTES)} is not known"
        raise UsageError(problem, hint=f"known: {', '.join(KV_BYTES)}")
    topologies = [_topology(shape, tp, mem_fraction_static, kv_cache_dtype) for tp in tps]
    names = gpus or [gpu.name for gpu in facts().gpus]
    return tuple(fit(shape, topology, gpu_of(name)) for name in names for topology in topologies)


def _topology(shape: Shape, tp: int, fraction: float, kv_type: str) -> Topology:
    topology = workable(shape, Topology(tp=tp, fraction=fraction, kv_type=kv_type))
    for finding in shape_findings(shape, topology, Surroundings()):
        if finding.is_fatal:
            raise UsageError(finding.message, hint=finding.hint)
    return topology
