"""How a launch divides a model over GPUs, and on what it runs: read from flags and from the base's name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from m2build.launch.facts import facts
from m2build.recipes.flags import is_short_for

_NAMES: Mapping[str, tuple[str, ...]] = {
    "tp": ("tp-size", "tensor-parallel-size"),
    "ep": ("ep-size", "expert-parallel-size"),
    "pp": ("pp-size", "pipeline-parallel-size"),
    "dp": ("dp-size", "data-parallel-size"),
    "nodes": ("nnodes",),
    "fraction": ("mem-fraction-static", "gpu-memory-utilization"),
    "kv_type": ("kv-cache-dtype",),
    "context": ("context-length", "max-model-len"),
    "prefill": ("chunked-prefill-size",),
    "shares_attention": ("enable-dp-attention",),
    "expert_parallel": ("enable-expert-parallel",),
}
"""The flags of SGLang, and where they have other names those of vLLM (`server_args.py`, `vllm/engine/arg_utils.py`)."""
_TAG = re.compile(r":v(?P<release>\d[^-]*)-rocm(?P<rocm>\d{3})-(?P<gpu>mi\d\dx)")
"""A tag of SGLang's ROCm images, such as `v0.5.7-rocm700-mi30x`."""


@dataclass(frozen=True)
class Topology:
    """How a model is divided over GPUs, and how much of their memory it may take.

    Attributes:
        tp: tensor parallel size.
        ep: expert parallel size.
        pp: pipeline parallel size.
        dp: data parallel size.
        nodes: how many machines.
        gpus: how many GPUs of one machine the profile takes; None if it is not said.
        shares_attention: whether data parallel attention divides the tensor parallel GPUs.
        fraction: the part of a GPU's memory for weights and KV cache; None if the server chooses it.
        kv_type: the element type of the KV cache; `auto` is the model's own, bfloat16.
        context: the longest context that the flags allow; None for the model's.
        prefill: tokens of one chunk of a prompt; None if the server chooses.
        switches: the flags that are given, by their names.
    """

    tp: int = 1
    ep: int = 1
    pp: int = 1
    dp: int = 1
    nodes: int = 1
    gpus: int | None = None
    shares_attention: bool = False
    fraction: float | None = None
    kv_type: str = "auto"
    context: int | None = None
    prefill: int | None = None
    switches: frozenset[str] = frozenset()

    @classmethod
    def of(cls, flags: Mapping[str, object], gpus: int | None = None) -> Topology:
        """The topology that flags describe.

        Flags may be a recipe's, or values that were parsed already; underscores in names count as hyphens, and
        abbreviations as argparse reads them. A value that is not a number is left out: the flags' own check names it.

        >>> Topology.of({"tp": 8, "ep-size": "8"}).ep
        8

        Args:
            flags: the values by the flags' names, without dashes.
            gpus: how many GPUs of one machine the profile takes.
        """
        found: dict[str, object] = {}
        for name, value in flags.items():
            key = _key(name.replace("_", "-"))
            if key is not None and value is not None:
                found[key] = value
        sizes = {key: _whole(found.get(key)) for key in ("tp", "ep", "pp", "dp", "nodes")}
        given = {key: size for key, size in sizes.items() if size is not None}
        if found.get("expert_parallel") is True:  # vLLM has no size of its own for it
            given["ep"] = given.get("tp", 1) * given.get("dp", 1)
        return cls(
            **given,
            gpus=gpus,
            shares_attention=found.get("shares_attention") is True,
            fraction=_number(found.get("fraction")),
            kv_type=str(found.get("kv_type", "auto")),
            context=_whole(found.get("context")),
            prefill=_whole(found.get("prefill")),
            switches=frozenset(name.replace("_", "-") for name, value in flags.items() if value not in (None, False)),
        )

    @property
    def attention_tp(self) -> int:
        """Over how many GPUs the heads of one layer are divided."""
        return max(1, self.tp // self.dp) if self.shares_attention else self.tp

    @property
    def needed_gpus(self) -> int:
        """How many GPUs it takes, over all machines."""
        return self.tp * self.pp * (1 if self.shares_attention else self.dp)

    def sets(self, flag: str) -> bool:
        """Whether a switch is given, by its name or an abbreviation of it."""
        return any(is_short_for(given, flag) for given in self.switches)


@dataclass(frozen=True)
class Surroundings:
    """What a server runs on; None where it is not known.

    Attributes:
        release: the release of SGLang.
        rocm: the version of ROCm.
        architecture: the GPUs' architecture, such as `gfx942`.
        variables: the server's environment variables: the base's, with the recipe's over them.
    """

    release: str | None = None
    rocm: str | None = None
    architecture: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, image: str, variables: Sequence[Mapping[str, str]] = (), release: str | None = None) -> Surroundings:
        """What the tag of one of SGLang's ROCm images says; other tags say nothing.

        >>> Surroundings.of("docker.io/lmsysorg/sglang:v0.5.7-rocm720-mi30x").rocm
        '7.2.0'

        Args:
            image: the base's name.
            variables: of the base and of the recipe; of the same name the later ones count.
            release: SGLang's release, if its sources are known.
        """
        together = {name: value for some in variables for name, value in some.items()}
        found = _TAG.search(image)
        if found is None or release not in (None, found["release"]):  # the sources are those of another base
            return cls(release=release, variables=together)
        architecture = next((gpu.architecture for gpu in facts().gpus if gpu.tag == found["gpu"]), None)
        return cls(found["release"], ".".join(found["rocm"]), architecture, together)

    @property
    def pads_experts(self) -> bool | None:
        """Whether the server pads an expert's columns to whole blocks: SGLang with AITER does, from 0.5.11 on.

        None if the release is not known. `SGLANG_USE_AITER` is 1 in the ROCm images (`docker/rocm.Dockerfile`).
        """
        if self.release is None:
            return None
        uses_aiter = self.rocm is not None and self.variables.get("SGLANG_USE_AITER", "1").lower() in ("1", "true")
        return uses_aiter and is_in(self.release, ">=0.5.11")


def is_in(version: str | None, specifier: str) -> bool:
    """Whether a version is known and one of those that a specifier allows."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        return version is not None and SpecifierSet(specifier, prereleases=True).contains(Version(version))
    except InvalidVersion:
        return False


def _key(name: str) -> str | None:
    """What a flag sets: by its name, or by an abbreviation that fits one of ours only."""
    for key, names in _NAMES.items():
        if name in names:
            return key
    if name == "ep":  # an alias of its own
        return "ep"
    fitting = {key for key, names in _NAMES.items() if len(name) > 1 and any(is_short_for(name, one) for one in names)}
    return fitting.pop() if len(fitting) == 1 else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number.is_integer() and number >= 1 else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
