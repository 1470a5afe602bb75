"""Which divisions of a model are refused, with the arithmetic; SGLang's own sources say the same."""

from __future__ import annotations

import itertools
import zipfile
from math import comb

import pytest

from m2build.launch.environment import environment_findings
from m2build.launch.facts import facts, known_shape, shape_of
from m2build.launch.findings import Finding
from m2build.launch.rules import model_findings, selection_findings
from m2build.launch.shapes import busiest_share, shape_findings
from m2build.launch.topology import Surroundings, Topology
from m2build.patches.pypi import fetch_wheel
from m2build.recipes.load import load_recipe, recipe_names

M2 = shape_of("minimax-m2.1")
OLD = Surroundings.of("lmsysorg/sglang:v0.5.7-rocm700-mi30x")
NEW = Surroundings.of("lmsysorg/sglang:v0.5.13.post1-rocm720-mi30x")
UNKNOWN = Surroundings()


def found(topology: Topology, surroundings: Surroundings = OLD) -> dict[str, Finding]:
    return {finding.rule: finding for finding in shape_findings(M2, topology, surroundings)}


@pytest.mark.parametrize(
    ("topology", "rule", "arithmetic"),
    [
        (Topology(tp=5), "heads", "48 attention heads cannot be divided by 5: 48 / 5 = 9.6"),
        (Topology(tp=6), "kv-heads", "8 KV heads and tensor parallel size 6: neither divides the other"),
        (Topology(tp=8, ep=3), "experts", "expert parallel size 3 does not divide tensor parallel size 8"),
        (Topology(tp=4, ep=8), "experts", "expert parallel size 8 does not divide tensor parallel size 4"),
        (
            Topology(tp=8),
            "expert-block",
            "each GPU gets 1536 / 8 = 192 columns of an expert, and FP8 has blocks of 128",
        ),
        (Topology(tp=16, ep=16, nodes=2), "k-norm", "gives k_norm 1024 / 16 = 64 weights"),
        (Topology(tp=8, ep=8, gpus=4), "gpus", "are 8 GPUs of each machine, and the profile takes 4"),
        (Topology(tp=8, ep=8, nodes=3), "gpus", "are 8 GPUs, which 3 machines cannot share evenly"),
        (Topology(tp=4, dp=2, gpus=4), "gpus", "tp 4 x pp 1 x dp 2 are 8 GPUs"),
    ],
)
def test_what_the_server_refuses_is_refused_with_its_arithmetic(topology: Topology, rule: str, arithmetic: str) -> None:
    finding = found(topology)[rule]
    assert arithmetic in finding.message
    assert finding.is_fatal
    assert finding.hint
    assert finding.source.startswith("https://")


def test_blocks_of_the_attention_count_as_well() -> None:
    narrow = M2.model_copy(update={"head_dim": 96})
    (finding,) = [one for one in shape_findings(narrow, Topology(tp=4), OLD) if one.is_fatal]
    assert finding.rule == "attention-block"
    assert "2 KV heads of 96 are 192 columns: 192 / 128 = 1.5" in finding.message


def test_without_fp8_only_whole_columns_count() -> None:
    plain = M2.model_copy(update={"fp8_block": None, "expert_width": 1540})
    (finding,) = [one for one in shape_findings(plain, Topology(tp=8), OLD) if one.is_fatal]
    assert "1540 / 8 = 192.5 columns of an expert, and a column cannot be divided" in finding.message
    assert [one for one in shape_findings(plain, Topology(tp=4), OLD) if one.is_fatal] == []


@pytest.mark.parametrize(
    "topology",
    [
        *(Topology(tp=tp, gpus=tp) for tp in (1, 2, 4)),
        *(Topology(tp=8, ep=ep, gpus=8) for ep in (2, 4, 8)),
        Topology(tp=8, ep=8, dp=8, shares_attention=True, gpus=8),
        Topology(tp=4, pp=2, gpus=8),
    ],
)
def test_what_runs_is_not_refused(topology: Topology) -> None:
    assert [finding for finding in found(topology).values() if finding.is_fatal] == []


def test_from_0_5_11_eight_gpus_need_no_expert_parallelism_but_pay_for_it() -> None:
    finding = found(Topology(tp=8), NEW)["expert-padding"]
    assert not finding.is_fatal
    assert "SGLang pads 192 to 256, and experts take 33% more memory" in finding.message
    without_aiter = Surroundings(NEW.release, NEW.rocm, NEW.architecture, {"SGLANG_USE_AITER": "0"})
    assert found(Topology(tp=8), without_aiter)["expert-block"].is_fatal


def test_on_an_unknown_release_the_rules_of_releases_only_warn() -> None:
    finding = found(Topology(tp=8), UNKNOWN)["expert-block"]
    assert not finding.is_fatal
    assert finding.message.endswith("192 / 128 = 1.5; SGLang before 0.5.11 refuses that")
    assert not found(Topology(tp=16, ep=16, nodes=2), UNKNOWN)["k-norm"].is_fatal
    assert "k-norm" not in found(Topology(tp=16, ep=16, nodes=2), NEW)


def test_idle_gpus_and_machines_with_more_than_eight_are_warnings() -> None:
    assert not found(Topology(tp=4, gpus=8))["gpus"].is_fatal
    assert "some do nothing" in found(Topology(tp=4, gpus=8))["gpus"].message
    assert not found(Topology(tp=16, ep=16), NEW)["gpus"].is_fatal


def test_expert_parallelism_that_is_not_needed_says_what_it_costs() -> None:
    message = found(Topology(tp=4, ep=4))["expert-spread"].message
    assert "the busiest of 4 GPUs has 3.5 of them, and without it each has the work of 2" in message
    assert "expert-spread" not in found(Topology(tp=8, ep=8)), "there it is needed"


def test_the_busiest_groups_share_is_the_mean_over_all_choices() -> None:
    groups = [expert // 3 for expert in range(6)]
    every = [max(choice.count(0), choice.count(1)) for choice in itertools.combinations(groups, 3)]
    assert busiest_share(6, 3, 2) == pytest.approx(sum(every) / comb(6, 3))


@pytest.mark.parametrize(
    ("release", "pads", "repeats"), [("0.5.7", False, False), ("0.5.10.post1", False, False), ("0.5.13", True, True)]
)
def test_sglangs_sources_refuse_and_pad_where_the_rules_say(*, release: str, pads: bool, repeats: bool) -> None:
    with zipfile.ZipFile(fetch_wheel(f"sglang=={release}")) as wheel:
        model, fp8 = (
            wheel.read(f"sglang/srt/{path}.py").decode() for path in ("models/minimax_m2", "layers/quantization/fp8")
        )
    assert "assert self.total_num_heads % " in model
    assert "if intermediate_size_per_partition % block_n != 0:\n" in fp8
    assert ("if not (_use_aiter and padding_size == block_n == block_k):" in fp8) == pads
    assert ("num_head_replicas" in model) == repeats
    assert Surroundings(release=release, rocm="7.2.0").pads_experts == pads


def test_every_shipped_profile_keeps_the_rules() -> None:
    checked = 0
    for name in recipe_names():
        recipe = load_recipe(name)
        for profile, model in itertools.product(recipe.profiles, recipe.models):
            findings = list(selection_findings(recipe.select(profile=profile, model=model)))
            assert [finding for finding in findings if finding.is_fatal or finding.rule == "unknown-model"] == []
            checked += 1
    assert checked >= 12


def test_the_same_is_found_in_what_a_server_has_parsed() -> None:
    """Names with underscores, defaults of all other flags, and the release of the sources."""
    selection = load_recipe("minimax-m2").select(tp=8)
    parsed = {"tensor_parallel_size": 8, "expert_parallel_size": 1, "disable_cuda_graph": False, "context_length": None}
    rules = [finding.rule for finding in selection_findings(selection, parsed, "0.5.7", {"SGLANG_USE_AITER": "1"})]
    assert rules == ["hip-graph-capture", "expert-block"]
    base = {"HSA_ENABLE_IPC_MODE_LEGACY": "1"}
    assert "legacy-ipc" in [finding.rule for finding in selection_findings(selection, base_variables=base)]


def test_a_model_without_known_dimensions_is_said() -> None:
    (finding,) = model_findings("team/model", Topology(tp=8), UNKNOWN)
    assert (finding.rule, finding.is_fatal) == ("unknown-model", False)
    assert "so that shapes and memory were not checked" in finding.message


@pytest.mark.parametrize(
    ("repo", "image", "flags", "env", "rules"),
    [
        ("M2.7", "v0.5.10.post1-rocm720-mi30x", {"tp": 4}, {}, {"custom-all-reduce", "hip-graph-capture"}),
        ("M2.7", "v0.5.9-rocm720-mi35x", {"tp": 4}, {}, {"hip-graph-capture"}),
        ("M2.7", "v0.5.13.post1-rocm720-mi30x", {"tp": 4}, {}, {"hip-graph-capture"}),
        ("M2.7", "v0.5.9-rocm720-mi30x", {"tp": 4, "disable-custom-all-reduce": True}, {}, {"hip-graph-capture"}),
        ("M2.5", "v0.5.9-rocm720-mi30x", {"tp": 4}, {}, {"hip-graph-capture"}),
        ("M2.5", "v0.5.9-rocm721-mi30x", {"tp": 4}, {}, set()),
        ("M2.5", "v0.5.9-rocm720-mi30x", {"tp": 4, "disable-cuda-graph": True}, {}, set()),
        ("M2.5", "v0.5.9-rocm720-mi30x", {"tp": 1}, {}, set()),
        ("M2.5", "mine", {"tp_size": 4}, {"HSA_ENABLE_IPC_MODE_LEGACY": "1"}, {"legacy-ipc"}),
        ("M2.5", "mine", {"tp_size": 4}, {"HSA_ENABLE_IPC_MODE_LEGACY": "0"}, set()),
        ("M3-MXFP8", "v0.5.16-rocm730-mi30x", {"tp": 4}, {}, {"conversion-memory"}),
        ("M3-MXFP8", "v0.5.16-rocm730-mi30x", {"tp": 8}, {}, set()),
    ],
)
def test_rules_of_the_environment_hold_where_they_were_seen(
    repo: str, image: str, flags: dict[str, object], env: dict[str, str], rules: set[str]
) -> None:
    surroundings = Surroundings.of(
        f"lmsysorg/sglang:{image}", [{"HSA_ENABLE_IPC_MODE_LEGACY": "1"} if env else {}, env]
    )
    findings = list(environment_findings(f"MiniMaxAI/MiniMax-{repo}", Topology.of(flags), surroundings))
    assert {finding.rule for finding in findings} == rules
    assert [finding for finding in findings if finding.is_fatal or not finding.source.startswith("https://")] == []


def test_every_fact_has_a_source() -> None:
    known = facts()
    assert known_shape("MiniMaxAI/MiniMax-M2.7") is not None
    sources = [known.gpus_source, *(entry.source for entry in known.models), *(rule.source for rule in known.rules)]
    assert [source for source in sources if not source.startswith("https://")] == []
