"""Flags and names of bases, as a recipe writes them and as a parser has read them."""

from __future__ import annotations

import pytest

from m2build.launch.topology import Surroundings, Topology


@pytest.mark.parametrize("ep", ["ep-size", "expert-parallel-size", "ep", "ep_size", "expert_parallel_size"])
@pytest.mark.parametrize("tp", ["tp-size", "tensor-parallel-size", "tp", "tensor-par", "tp_size"])
def test_every_name_of_a_size_is_read(tp: str, ep: str) -> None:
    topology = Topology.of({tp: 8, ep: "4", "mem-fraction": 0.9, "kv-cache-dtype": "fp8_e4m3"}, 8)
    assert (topology.tp, topology.ep, topology.fraction, topology.kv_type) == (8, 4, 0.9, "fp8_e4m3")
    assert topology.needed_gpus == 8


@pytest.mark.parametrize("value", [True, "many", -1, 0, 1.5, float("inf"), float("nan"), (8,), None])
def test_a_size_that_is_no_number_is_left_to_the_check_of_flags(value: object) -> None:
    assert Topology.of({"tp-size": value}).tp == 1


def test_an_abbreviation_of_several_flags_is_none_of_them() -> None:
    assert Topology.of({"t": 8, "context": 4096}) == Topology(context=4096, switches=frozenset({"t", "context"}))


def test_vllm_has_expert_parallelism_as_a_switch() -> None:
    assert Topology.of({"tensor-parallel-size": 8, "enable-expert-parallel": True}).ep == 8


def test_data_parallel_attention_divides_the_same_gpus() -> None:
    topology = Topology.of({"tp": 8, "dp": 4, "enable-dp-attention": True})
    assert (topology.needed_gpus, topology.attention_tp) == (8, 2)
    assert Topology.of({"tp": 8, "dp": 4}).needed_gpus == 32


@pytest.mark.parametrize(
    ("image", "release", "rocm", "architecture"),
    [
        ("docker.io/lmsysorg/sglang:v0.5.7-rocm700-mi30x", "0.5.7", "7.0.0", "gfx942"),
        ("lmsysorg/sglang:v0.5.10.post1-rocm720-mi35x", "0.5.10.post1", "7.2.0", "gfx950"),
        ("localhost:5000/team/base:v0.5.7-rocm700-mi30x@sha256:00", "0.5.7", "7.0.0", "gfx942"),
        ("docker.io/vllm/vllm-openai-rocm:v0.23.0", None, None, None),
        ("team/base:latest", None, None, None),
    ],
)
def test_a_bases_tag_says_what_it_is(
    image: str, release: str | None, rocm: str | None, architecture: str | None
) -> None:
    found = Surroundings.of(image)
    assert (found.release, found.rocm, found.architecture) == (release, rocm, architecture)


def test_the_recipes_variables_count_before_the_bases() -> None:
    assert Surroundings.of("base", [{"A": "1", "B": "1"}, {"A": "2"}]).variables == {"A": "2", "B": "1"}


def test_a_tag_counts_only_if_the_sources_agree() -> None:
    """With another base than the recipe's, nothing is known but its sources."""
    image = "lmsysorg/sglang:v0.5.9-rocm720-mi30x"
    assert Surroundings.of(image, release="0.5.7") == Surroundings(release="0.5.7")
    assert Surroundings.of(image, release="0.5.9") == Surroundings.of(image)
