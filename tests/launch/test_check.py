"""A recipe's command line is proven by its base's own flags, refused with the reasons, or said to be not provable."""

from __future__ import annotations

import re

import pytest
from helpers.bases import SERVER, SERVER_PATH
from helpers.launch.releases import flags_of, tree_of

import m2build
from m2build.errors import LaunchError, UsageError
from m2build.launch import check
from m2build.launch.check import Launched, prove, server_words
from m2build.launch.findings import Finding
from m2build.launch.flags.difference import FlagDifference
from m2build.launch.flags.model import NotProvableError
from m2build.launch.proof import LaunchProof
from m2build.patches.tree import SourceTree
from m2build.recipes.load import load_recipe, recipe_names
from m2build.recipes.model import Recipe, Selection

SMALL = SourceTree.of({SERVER_PATH: SERVER}, origin="a small server", release="0.5.7")
RECIPE = load_recipe("minimax-m2")


def shipped() -> dict[str, tuple[Recipe, str]]:
    """Each shipped recipe on each release of SGLang that it names as its base."""
    loaded = [load_recipe(name) for name in recipe_names()]
    recipes = [on for recipe in loaded for on in (recipe, *map(recipe.with_base, recipe.bases))]
    releases = [(recipe, re.search(r"sglang:v([0-9.]+(?:\.post[0-9]+)?)-", recipe.base.image)) for recipe in recipes]
    return {f"{recipe.name} on {match[1]}": (recipe, match[1]) for recipe, match in releases if match}


SHIPPED = shipped()


def test_the_recipes_of_four_releases_are_tried() -> None:
    assert {release for _, release in SHIPPED.values()} == {"0.5.7", "0.5.9", "0.5.10.post1", "0.5.16"}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_profile_of_a_shipped_recipe_is_proven_on_its_base(name: str) -> None:
    recipe, release = SHIPPED[name]
    for profile in recipe.profiles:
        for model in recipe.models:
            proof = prove(recipe.select(profile=profile, model=model), flags_of(release), {})
            assert (proof.server, proof.reason, proof.unjudged) == (f"SGLang {release}", None, ())


def selection(*overrides: str) -> Selection:
    return load_recipe("minimax-m2", overrides).select(profile="tp8")


def test_a_rejected_command_line_names_everything_that_is_wrong() -> None:
    wrong = selection("profiles.tp8.flags.tool-call-parser=minimax", "profiles.tp8.flags.ep-sise=8")
    with pytest.raises(LaunchError) as caught:
        m2build.check_launch(wrong, SMALL)
    assert caught.value.exit_code == 6
    assert caught.value.message == "SGLang 0.5.7 does not start with the launch flags of minimax-m2, tp8"
    assert caught.value.details == (
        "--tool-call-parser does not take 'minimax'; did you mean minimax-m2?",
        f"    it takes minimax-m2, qwen25 [{SERVER_PATH}]",
        "there is no flag '--ep-sise'; did you mean --ep-size?",
        f"    `m2build flags` lists all flags [{SERVER_PATH}]",
    )


def test_another_server_is_not_provable_and_no_error() -> None:
    proof = m2build.check_launch(selection(), SourceTree.of({"vllm/__init__.py": ""}, origin="vLLM"))
    assert not proof.is_proven
    assert proof.notices == ("launch flags not provable for this base: its sources have no sglang/srt/server_args.py",)


def test_the_server_may_be_in_any_of_the_trees() -> None:
    other = SourceTree.of({"app/__init__.py": ""}, origin="an app")
    assert m2build.check_launch(selection(), other, SMALL).server == "SGLang 0.5.7"


WORDS = {
    ("python3", "-m", "sglang.launch_server", "--tp", "8"): ["--tp", "8"],
    ("numactl", "--all", "python3", "-m", "sglang.launch_server", "--tp=8"): ["--tp=8"],
    ("sglang", "serve", "--model-path", "a/b"): ["--model-path", "a/b"],
    ("/usr/bin/sglang", "serve", "--tp", "8"): ["--tp", "8"],
}
NO_WORDS = [
    ("vllm", "serve", "a/b"), ("bash", "-c", "python3 -m sglang.launch_server"), ("sglang", "serve", "a/b", "--tp=8"),
    ("sglang", "serve", "--model-path", "a/b", "--model-type=llm"), ("sglang",), ("python3", "-m", "sglang.bench"),
]  # fmt: skip


@pytest.mark.parametrize("command", WORDS, ids=" ".join)
def test_the_words_for_the_server_follow_its_command(command: tuple[str, ...]) -> None:
    assert list(server_words(command)) == WORDS[command]


@pytest.mark.parametrize("command", NO_WORDS, ids=" ".join)
def test_another_way_to_start_a_server_is_not_provable(command: tuple[str, ...]) -> None:
    with pytest.raises(NotProvableError, match=f"how '{command[0]}.*' starts a server is not known"):
        server_words(command)


def test_what_is_not_judged_is_said() -> None:
    proof = prove(
        selection("profiles.tp8.flags.config=/etc/a.yaml", "profiles.tp8.flags.lora-paths=a"), flags_of("0.5.7"), {}
    )
    assert proof.is_proven
    assert proof.unjudged == (
        "--config (the file gives flags of its own)",
        "--lora-paths (the server's LoRAPathAction reads its values)",
    )
    assert proof.notices == (f"of the launch flags, not judged: {'; '.join(proof.unjudged)}",)


WARNING = Finding("slow", "tp_size is 8", "use 4", "https://example.com", is_fatal=False)


def with_rules(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> list[Launched]:
    seen: list[Launched] = []

    def rule(launched: Launched) -> tuple[Finding, ...]:
        seen.append(launched)
        return findings

    monkeypatch.setattr(check, "RULES", (rule,))
    return seen


def test_rules_see_what_the_server_reads_and_their_warnings_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = with_rules(monkeypatch, WARNING)
    proof = m2build.check_launch(selection(), SMALL)
    assert proof.warnings == (WARNING,)
    assert proof.notices == ()
    assert LaunchProof.decoded(proof.encoded()) == proof
    (launched,) = seen
    values = launched.values
    assert (launched.release, values["tensor_parallel_size"], values["mem_fraction_static"]) == ("0.5.7", 8, 0.85)
    assert (values["chunked_prefill_size"], values["trust_remote_code"]) == (None, True)


LEGACY = {"HSA_ENABLE_IPC_MODE_LEGACY": "1"}


def test_rules_see_the_bases_variables_with_the_recipes_over_them() -> None:
    def warned(*overrides: str, variables: dict[str, str]) -> list[str]:
        proof = m2build.check_launch(selection(*overrides), SMALL, variables=variables)
        return [finding.rule for finding in proof.warnings]

    assert "legacy-ipc" in warned(variables=LEGACY)
    assert "legacy-ipc" not in warned("env.HSA_ENABLE_IPC_MODE_LEGACY=0", variables=LEGACY)
    assert "legacy-ipc" not in warned(variables={})


def test_a_fatal_rule_refuses_and_is_not_asked_about_a_command_line_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = with_rules(monkeypatch, Finding("block", "192 is no multiple of 128", "use ep", "https://example.com"))
    with pytest.raises(LaunchError) as caught:
        m2build.check_launch(selection(), SMALL)
    assert caught.value.details == ("192 is no multiple of 128", "    use ep [https://example.com]")
    with pytest.raises(LaunchError):
        m2build.check_launch(selection("profiles.tp8.flags.x=1"), SMALL)
    assert len(seen) == 1


def test_the_flags_of_a_server_are_a_value_to_search_and_compare() -> None:
    older, newer = flags_of("0.5.7"), flags_of("0.5.9")
    assert [flag.names for flag in older.matching("ep")] == [("--expert-parallel-size", "--ep-size", "--ep")]
    assert {"--tool-call-parser", "--tool-server"} <= {flag.names[0] for flag in older.matching("tool")}
    difference = older.difference(newer)
    assert "--admin-api-key" in {flag.names[0] for flag in difference.added}
    assert [flag.names[0] for flag in difference.removed] == ["--disaggregation-decode-enable-fake-auto"]
    (change,) = [change for change in difference.changed if change.flag.names[0] == "--reasoning-parser"]
    assert change.differences == ("with the choice step3p5",)
    back = newer.difference(older)
    assert (back.removed, back.added) == (difference.added, difference.removed)
    assert older.difference(older) == FlagDifference((), (), ())


def test_a_server_whose_flags_cannot_be_read_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="the launch flags of vLLM cannot be read: its sources have no"):
        m2build.server_flags(SourceTree.of({"vllm/__init__.py": ""}, origin="vLLM"))


def test_a_release_is_checked_by_reading_few_files() -> None:
    """A wheel's members are unpacked when they are looked at: of 1,086 files these are looked at."""
    tree = tree_of("0.5.7")
    fresh = SourceTree(
        {path: type(file)(file.mode, file.size, file.load) for path, file in tree.items()}, origin="x", release="0.5.7"
    )
    assert m2build.check_launch(selection(), fresh).is_proven
    read = {path for path, file in fresh.items() if "content" in vars(file)}
    assert read == {
        "sglang/srt/server_args.py", "sglang/srt/utils/common.py", "sglang/srt/parser/reasoning_parser.py",
        "sglang/srt/function_call/function_call_parser.py",
    }  # fmt: skip
