"""What fits: against MiniMax's and vLLM's published figures, and tables that were computed apart from this code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from helpers.cli.checkouts import quickly
from helpers.commands import refused

import m2build
from m2build.cli.size import size as command
from m2build.errors import UsageError
from m2build.launch.facts import facts, gpu_of, gpus_of, shape_of
from m2build.launch.memory import GIB, KV_BYTES, fit_bytes, memory_findings, token_bytes, weight_bytes
from m2build.launch.model_config import shape_from_config
from m2build.launch.rules import model_findings
from m2build.launch.topology import Surroundings, Topology

M2, M3 = shape_of("minimax-m2.1"), shape_of("minimax-m3-mxfp8")
CONFIG: dict[str, Any] = {
    "num_hidden_layers": 62,
    "hidden_size": 3072,
    "num_attention_heads": 48,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 200064,
    "max_position_embeddings": 196608,
    "num_local_experts": 256,
    "num_experts_per_tok": 8,
    "intermediate_size": 1536,
    "shared_intermediate_size": 0,
    "qk_norm_type": "per_layer",
    "tie_word_embeddings": False,
    "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
}
"""The keys of MiniMax-M2's configuration that count here."""
M3_TEXT = {
    **CONFIG,
    "num_hidden_layers": 60,
    "hidden_size": 6144,
    "num_attention_heads": 64,
    "num_key_value_heads": 4,
    "max_position_embeddings": 1048576,
    "num_local_experts": 128,
    "num_experts_per_tok": 4,
    "intermediate_size": 3072,
    "shared_intermediate_size": 3072,
    "dense_intermediate_size": 12288,
    "moe_layer_freq": [0, 0, 0, *[1] * 57],
    "qk_norm_type": "per_head",
    "sparse_attention_config": {"sparse_attention_freq": [0, 0, 0, *[1] * 57], "sparse_index_dim": 128},
    "quantization_config": {"quant_method": "mxfp8", "weight_block_size": [1, 32]},
}
LLAMA: dict[str, Any] = {
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "intermediate_size": 14336,
}
"""Llama 3.1 8B, whose checkpoint has 16,060,522,496 bytes of weights."""


def test_weights_and_tokens_of_a_whole_model() -> None:
    """230.1 GB and 248 KiB; MiniMax says 220 GB, and 240 GB for a million tokens."""
    assert weight_bytes(M2, Topology()) == pytest.approx(230.1e9, rel=0.001)
    assert token_bytes(M2, Topology()) == 253_952
    assert token_bytes(M2, Topology(kv_type="fp8_e4m3")) == 126_976
    assert token_bytes(M2, Topology(tp=16)) == token_bytes(M2, Topology(tp=8)), "a KV head is not divided further"
    assert token_bytes(M2, Topology(tp=8, dp=4, shares_attention=True)) == token_bytes(M2, Topology(tp=2))
    assert weight_bytes(M3, Topology()) == pytest.approx(428e9, rel=0.01), "one byte each of 428 billion"


@pytest.mark.parametrize(
    ("gpu", "tp", "kv", "weights", "pool", "tokens"),
    [
        ("MI300X", 2, "auto", 107.2, 54.0, 0.46e6),
        ("MI300X", 4, "auto", 53.7, 107.5, 1.82e6),
        ("MI300X", 8, "auto", 26.9, 134.2, 4.54e6),
        ("MI300X", 2, "fp8_e4m3", 107.2, 54.0, 0.91e6),
        ("MI300X", 4, "fp8_e4m3", 53.7, 107.5, 3.64e6),
        ("MI300X", 8, "fp8_e4m3", 26.9, 134.2, 9.08e6),
        ("MI325X", 4, "auto", 53.7, None, 2.74e6),
        ("MI355X", 4, "auto", 53.7, None, 3.20e6),
    ],
)
def test_the_table_that_was_computed_apart(
    *, gpu: str, tp: int, kv: str, weights: float, pool: float | None, tokens: float
) -> None:
    (found,) = m2build.size("minimax-m2.1", tps=[tp], gpus=[gpu], kv_cache_dtype=kv)
    assert found.weights / GIB == pytest.approx(weights, abs=0.1)
    assert found.tokens == pytest.approx(tokens, rel=0.01)
    assert pool is None or found.pool / GIB == pytest.approx(pool, abs=0.1)
    assert found.longest == 196_608
    assert found.full_contexts == found.tokens / 196_608


@pytest.mark.parametrize(
    ("gigabytes", "tp", "fraction", "published"),
    [(96, 4, 0.85, 400_000), (144, 8, 0.85, 3_000_000), (192, 2, 0.9, 500_000), (192, 4, 0.9, 1_500_000)],
    ids=["MiniMax, 4 x 96 GB", "MiniMax, 8 x 144 GB", "vLLM, 2 x 192 GB", "vLLM, 4 x 192 GB"],
)
def test_published_figures_are_within_20_percent(gigabytes: int, tp: int, fraction: float, published: int) -> None:
    """docs/sglang_deploy_guide.md of MiniMax-M2, and vLLM's recipe; their GB are decimal, and used by nothing else."""
    found = fit_bytes(M2, Topology(tp=tp, ep=tp, fraction=fraction), "", int(gigabytes * 1e9 - 0.6 * GIB))
    assert found.tokens == pytest.approx(published, rel=0.2)


def test_padded_experts_take_a_third_more() -> None:
    padded, whole = (weight_bytes(M2, Topology(tp=8, ep=ep)) for ep in (1, 8))
    assert padded - whole == pytest.approx(224.7e9 / 8 / 3, rel=0.01)


@pytest.mark.parametrize(
    ("topology", "rule", "words", "is_fatal"),
    [
        (Topology(tp=1), "memory", "gets 214.3 GiB of weights, which do not fit into 0.85 of 192 GiB", True),
        (Topology(tp=2, fraction=0.575), "memory", "and one chunk of a prompt has 16,384", True),
        (Topology(tp=2, fraction=0.6), "memory", "and the longest context has 196,608", False),
        (Topology(tp=4, fraction=0.95), "memory-fraction", "0.95 leaves 9.6 GiB for activations", False),
        (Topology(tp=4, fraction=1.0), "memory-fraction", "is 1, and has to be between 0 and 1", True),
    ],
)
def test_what_does_not_fit_is_said_with_its_sizes(*, topology: Topology, rule: str, words: str, is_fatal: bool) -> None:
    (finding,) = memory_findings(M2, topology, gpu_of("MI300X"))
    assert (finding.rule, finding.is_fatal) == (rule, is_fatal)
    assert words in finding.message


def test_a_shorter_context_fits_where_the_models_does_not() -> None:
    """The warning's own hint."""
    topology = Topology(tp=2, fraction=0.6)
    (finding,) = memory_findings(M2, topology, gpu_of("MI300X"))
    tokens = int(finding.hint.rpartition(" ")[2])
    assert list(memory_findings(M2, replace(topology, context=tokens), gpu_of("MI300X"))) == []


def test_a_models_own_configuration_gives_the_same_shape() -> None:
    assert shape_from_config(CONFIG) == M2
    assert shape_from_config({"text_config": M3_TEXT, "quantization_config": M3_TEXT["quantization_config"]}) == M3


def test_a_model_without_experts() -> None:
    shape = shape_from_config(LLAMA)
    assert weight_bytes(shape, Topology()) == pytest.approx(16_060_522_496, rel=0.001)
    (found,) = m2build.size(LLAMA, tps=[8], gpus=["MI300X"])
    assert (found.topology.ep, found.context) == (1, 131_072)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": None}, "config.json: has no hidden_size"),
        ({"hidden_size": "3072"}, "hidden_size is not a whole number"),
        ({"hidden_size": True}, "hidden_size is not a whole number"),
        ({"num_hidden_layers": -1}, "num_hidden_layers is not a whole number"),
        ({"num_attention_heads": 0}, "num_attention_heads is not a whole number"),
        ({"num_key_value_heads": 0}, "num_key_value_heads is not a whole number"),
        ({"num_local_experts": 0, "intermediate_size": None}, "has no intermediate_size"),
        ({"text_config": []}, "text_config is not an object"),
        ({"kv_lora_rank": 512}, "latent attention"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "weights quantised with 'gptq'"),
        ({"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 64]}}, r"blocks of \[128, 64\]"),
        (
            {"quantization_config": {"quant_method": "fp8", "weight_block_size": [0, 0]}},
            "weight_block_size is not a whole",
        ),
        ({"quantization_config": 8}, "are not understood"),
    ],
)
def test_a_configuration_that_is_not_understood_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        m2build.size({**CONFIG, **change})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "minimax-m2.2"}, "of the model 'minimax-m2.2'; did you mean 'minimax-m2"),
        ({"gpus": ["MI300"]}, "the GPU 'MI300'; did you mean 'MI300X'?"),
        ({"tps": [3]}, "8 KV heads and tensor parallel size 3"),
        ({"tps": [5]}, "48 attention heads cannot be divided by 5"),
        ({"mem_fraction_static": 1.0}, "has to be between 0 and 1"),
        ({"mem_fraction_static": float("nan")}, "has to be between 0 and 1"),
        ({"kv_cache_dtype": "fp8_e4m4"}, "did you mean 'fp8_e4m3'?"),
    ],
)
def test_what_size_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        m2build.size(**{"model": "minimax-m2.1", **options})
    assert message in str(caught.value)


def test_the_gpus_of_an_architecture_are_ordered_by_their_memory() -> None:
    assert [[gpu.name for gpu in gpus_of(name)] for name in ("gfx942", "gfx950", None)] == [
        ["MI300X", "MI325X"],
        ["MI355X"],
        ["MI300X", "MI325X", "MI355X"],
    ]


@pytest.mark.parametrize(("tp", "is_fatal"), [(2, False), (1, True)])
def test_what_fits_a_larger_gpu_of_the_same_base_is_a_warning(*, tp: int, is_fatal: bool) -> None:
    """A base for gfx942 runs on MI300X and on MI325X. M3 on two GPUs fits the latter."""
    surroundings = Surroundings(architecture="gfx942")
    found = model_findings("MiniMaxAI/MiniMax-M3-MXFP8", Topology(tp=tp), surroundings)
    (finding,) = [one for one in found if one.rule == "memory"]
    assert finding.is_fatal == is_fatal
    assert finding.message.startswith("each MI300X gets ")
    assert finding.message.endswith("; MI325X has room") != is_fatal


def test_the_command_prints_a_table() -> None:
    lines = quickly("size").splitlines()
    assert lines[0].split()[:3] == ["GPU", "tp", "ep"]
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["MI300X", "2", "1"],
        ["MI300X", "4", "1"],
        ["MI300X", "8", "8"],
    ]
    assert len(lines) == 11
    assert "1,817,669" in lines[2]


def test_the_command_knows_what_the_library_knows() -> None:
    choices = {option.name: option.type for option in command.params}
    gpus, types = choices["gpus"], choices["kv_cache_dtype"]
    assert isinstance(gpus, click.Choice)
    assert isinstance(types, click.Choice)
    assert list(gpus.choices) == [gpu.name for gpu in facts().gpus]
    assert set(types.choices) == set(KV_BYTES)


def test_the_command_prints_json(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    given = quickly("size", "--config", tmp_path / "config.json", "--tp", "4", "--json")
    assert json.loads(given) == json.loads(quickly("size", "minimax-m2", "--tp", "4", "--json"))
    found = json.loads(given)
    assert [entry["gpu"] for entry in found] == ["MI300X", "MI325X", "MI355X"]
    assert found[0]["tokens"] == 1_817_669


def test_the_command_names_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    assert "broken.json is not JSON" in refused(2, "size", "--config", "broken.json", cwd=tmp_path)
    assert "list.json is not a JSON object" in refused(2, "size", "--config", "list.json", cwd=tmp_path)
    assert "absent.json cannot be read" in refused(16, "size", "--config", "absent.json", cwd=tmp_path)
    assert "exclude each other" in refused(2, "size", "minimax-m2", "--config", "list.json", cwd=tmp_path)
