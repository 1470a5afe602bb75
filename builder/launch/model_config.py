"""The shape of a model from its own configuration, `config.json` on Hugging Face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from m2build.errors import UsageError
from m2build.launch.facts import Shape

_EXPERTS = ("num_local_experts", "n_routed_experts", "num_experts")
_HINT = "is it the config.json of a decoder from Hugging Face?"


def shape_from_config(config: Mapping[str, object], name: str = "config.json") -> Shape:
    """The shape that a configuration describes.

    Keys are those of `transformers`: MiniMax-M2's, with MiniMax-M3's and the usual names of other mixtures of experts.

    Args:
        config: the parsed JSON.
        name: what messages call it.

    Raises:
        UsageError: a dimension is missing, or the model stores its weights or its keys in a way that is not understood.
    """
    text = config.get("text_config", config)
    if not isinstance(text, Mapping):
        raise UsageError(f"{name}: text_config is not an object", hint=_HINT)
    found = _Config(name, {**config, **text})
    if "kv_lora_rank" in found.values:
        raise UsageError(f"{name}: the size of keys and values in latent attention (kv_lora_rank) is not understood")
    layers, heads, hidden = (found.whole(key) for key in ("num_hidden_layers", "num_attention_heads", "hidden_size"))
    return Shape(
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=found.whole("num_key_value_heads", heads),
        head_dim=found.whole("head_dim", hidden // heads),
        vocabulary=found.whole("vocab_size"),
        context=found.whole("max_position_embeddings"),
        fp8_block=found.fp8_block(),
        norms_all_heads=found.values.get("qk_norm_type") == "per_layer",
        ties_embeddings=found.values.get("tie_word_embeddings") is True,
        **found.widths(layers),
        **found.index_keys(),
    )


@dataclass(frozen=True)
class _Config:
    name: str
    values: Mapping[str, object]

    def whole(self, key: str, default: int | None = None, *, least: int = 1) -> int:
        value = self.values.get(key)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 10**9:
            problem = f"has no {key}" if value is None else f"{key} is not a whole number from {least} to 999,999,999"
            raise UsageError(f"{self.name}: {problem}", hint=_HINT)
        return value

    def widths(self, layers: int) -> dict[str, int]:
        """The widths of experts, or of the one MLP that a layer has without them."""
        experts = next((self.whole(key) for key in _EXPERTS if self.values.get(key)), 0)
        inner = self.whole("intermediate_size")
        if not experts:
            return {"dense_layers": layers, "dense_width": inner}
        dense = self._dense_layers()
        width = self.whole("moe_intermediate_size", inner)
        several = self.whole("n_shared_experts", 0, least=0)
        return {
            "experts": experts,
            "experts_per_token": min(experts, self.whole("num_experts_per_tok", 1)),
            "expert_width": width,
            "shared_width": self.whole("shared_intermediate_size", several * width, least=0),
            "dense_layers": dense,
            "dense_width": self.whole("dense_intermediate_size", inner) if dense else 0,
        }

    def _dense_layers(self) -> int:
        schedule = self.values.get("moe_layer_freq")
        if isinstance(schedule, list):
            return schedule.count(0)
        return self.whole("first_k_dense_replace", 0, least=0)

    def index_keys(self) -> dict[str, int]:
        """MiniMax-M3's sparse attention: one index key a token in each of its layers."""
        sparse = self.values.get("sparse_attention_config")
        if not isinstance(sparse, Mapping):
            return {}
        schedule = sparse.get("sparse_attention_freq")
        layers = schedule.count(1) if isinstance(schedule, list) else 0
        inner = _Config(self.name, cast("Mapping[str, object]", sparse))
        return {"index_layers": layers, "index_dim": inner.whole("sparse_index_dim")}

    def fp8_block(self) -> int | None:
        """The side of FP8's blocks; None for weights that are not quantised."""
        given = self.values.get("quantization_config")
        if given is None:
            return None
        block = given.get("weight_block_size") if isinstance(given, Mapping) else None
        method = given.get("quant_method") if isinstance(given, Mapping) else None
        if method == "mxfp8":  # which SGLang converts to blocks of 128 on gfx942
            return 128
        if method == "fp8" and isinstance(block, list) and len(block) == 2 and block[0] == block[1]:
            return _Config(self.name, {"weight_block_size": block[0]}).whole("weight_block_size")
        raise UsageError(f"{self.name}: weights quantised with {method!r} and blocks of {block} are not understood")
