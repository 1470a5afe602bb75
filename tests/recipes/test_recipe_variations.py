"""Own recipes: `extends:` for small variations, and `--set` for a single value."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.commands import refused, succeeds
from helpers.recipes.recipe_texts import SHIPPED, line_of, spoiled, write

from m2build.errors import UsageError
from m2build.recipes.load import load_recipe


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, for recipes and the paths in messages."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problem(name: str, *overrides: str) -> str:
    with pytest.raises(UsageError) as caught:
        load_recipe(name, overrides)
    return str(caught.value)


def test_a_variation_names_only_what_differs(here: Path) -> None:
    """Mappings are merged and keep their order, anything else replaces, null removes."""
    text = """
        extends: minimax-m2
        name: mine
        launch: {command: [python3.12, -m, sglang.launch_server]}
        profiles:
          tp4: null
          tp8:
            flags: {mem-fraction-static: 0.9, reasoning-parser: null, enable-metrics: true}
    """
    write(here, mine=text)
    recipe = load_recipe("mine.yaml")
    assert (recipe.name, recipe.summary) == ("mine", load_recipe("minimax-m2").summary)
    assert list(recipe.profiles) == ["tp8"]
    assert " ".join(recipe.select(profile="tp8").command) == (
        "python3.12 -m sglang.launch_server --model-path MiniMaxAI/MiniMax-M2.1 --tp-size 8 --ep-size 8 "
        "--tool-call-parser minimax-m2 --trust-remote-code --host 0.0.0.0 --port 8000 --mem-fraction-static 0.9 "
        "--enable-metrics"
    )


def test_a_chain_is_followed_from_folder_to_folder(here: Path) -> None:
    """A relative path is relative to the recipe that contains it; so is the path of its series."""
    for folder in ("team/site", "team/patches"):
        (here / folder).mkdir(parents=True)
    write(here / "team", base="extends: minimax-m2\nname: team\nsummary: Team\nseries: patches/own.yaml\n")
    write(here / "team/site", night="extends: ../base.yaml\nname: night\n")
    recipe = load_recipe("team/site/night.yaml")
    assert (recipe.name, recipe.summary) == ("night", "Team")
    assert Path(recipe.series or "").resolve() == here / "team/patches/own.yaml"
    write(here, alone="extends: team/site/night.yaml\nseries: minimax-m2-rocm\n")
    assert load_recipe("./alone.yaml").series == "minimax-m2-rocm"


@pytest.mark.parametrize(
    "texts",
    [
        {"a": "extends: a.yaml\n"},
        {"a": "extends: ./b.yaml\n", "b": "extends: ./a.yaml\n"},
        {"a": "extends: folder/../b.yaml\n", "b": "extends: folder/../a.yaml\n"},
    ],
)
def test_a_circle_is_found(texts: dict[str, str], here: Path) -> None:
    (here / "folder").mkdir()
    write(here, **texts)
    assert re.match(r"\S+\.yaml:1:1: the recipes extend each other in a circle: ", problem("./a.yaml"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("extends: ../gone.yaml\n", "mine.yaml:1:1: there is no recipe file './../gone.yaml'"),
        (
            "name: x\nextends: minimax-m22\n",
            "mine.yaml:2:1: there is no recipe 'minimax-m22'; did you mean 'minimax-m2'?",
        ),
        ('extends: "a\\0b.yaml"\n', "mine.yaml:1:1: there is no recipe file "),
        ("extends: ./minimax-m2\n", "mine.yaml:1:1: there is no recipe file './minimax-m2'"),
        ("extends: .\n", "mine.yaml:1:1: there is no recipe '.'"),
        ("extends: ./\n", "mine.yaml:1:1: ./. is a directory, not a recipe file"),
    ],
)
def test_a_missing_recipe_to_extend_is_reported_with_the_one_that_extends_it(
    text: str, expected: str, here: Path
) -> None:
    write(here, mine=text)
    assert problem("mine.yaml").startswith(expected)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("profiles:\n  tp4:\n    flags:\n      port: 0\n", "5:7", "profiles.tp4.flags.port: the port 0"),
        ("health:\n  timeout: 5\n", "3:3", "health.timeout: "),
        ("profiles:\n  tp16:\n    gpu: 16\n", "4:5", "unknown key 'gpu'; did you mean 'gpus'?"),
        ("default_model: minimax-m22\n", "2:1", "there is no model 'minimax-m22'; did you mean 'minimax-m2'?"),
        ("models: {minimax-m2.1: null}\n", "", "there is no model 'minimax-m2.1'; did you mean 'minimax-m2'?"),
        ("profiels: null\n", "2:1", "there is no key to remove 'profiels'; did you mean 'profiles'?"),
        ("base: null\n", "1:1", "the key 'base' is missing"),
        ("base: text\n", "2:1", "base: Input should be an object"),
    ],
)
def test_a_mistake_in_a_variation_is_found_in_the_variation(text: str, place: str, says: str, here: Path) -> None:
    write(here, mine=f"extends: minimax-m2\n{text}")
    message = problem("mine.yaml").splitlines()[0]
    assert says in message
    if place:
        assert message.startswith(f"mine.yaml:{place}: ")


def test_a_mistake_in_the_recipe_that_is_extended_is_found_there(here: Path) -> None:
    write(here, base=spoiled("gpus: 4", "gpus: four"), mine="extends: base.yaml\nname: mine\n")
    line = line_of(SHIPPED, "gpus: 4")
    assert problem("mine.yaml") == f"./base.yaml:{line}:5: profiles.tp4.gpus: Input should be a valid integer"


@pytest.mark.parametrize(
    ("override", "tokens"),
    [
        ("profiles.tp4.flags.port=9000", "--port 9000"),
        ("profiles.tp4.flags.mem-fraction-static=0.9", "--mem-fraction-static 0.9"),
        ("profiles.tp4.flags.host=127.0.0.1", "--host 127.0.0.1"),
        ("profiles.tp4.flags.enable-metrics=true", "0.85 --enable-metrics"),
        ("profiles.tp4.flags.cuda-graph-bs=[1, 2, 4]", "--cuda-graph-bs 1 2 4"),
        ("profiles.tp4.flags.served-model-name='on'", "--served-model-name on"),
        ("profiles.tp4.flags.chat-template=a=b", "--chat-template a=b"),
        ("profiles.tp4.flags.reasoning-parser=null", "--tool-call-parser minimax-m2 --host"),
        ("launch.command=[sglang, serve]", "sglang serve --model-path"),
        ("launch.model_flag=model", "--model MiniMaxAI/MiniMax-M2.1"),
        ('models."minimax-m2.1".repo=Mine/Tuned', "--model-path Mine/Tuned"),
        ("profiles.tp4={summary: Bare, gpus: 4, flags: {tp-size: 4}}", "M2.1 --tp-size 4"),
    ],
)
def test_set_overrides_one_value(override: str, tokens: str) -> None:
    assert tokens in " ".join(load_recipe("minimax-m2", [override]).select(profile="tp4").command)


def test_the_last_of_several_overrides_wins() -> None:
    flags = ["profiles.tp4.flags.port=1", "profiles.tp4.flags.port=9000"]
    assert load_recipe("minimax-m2", flags).select(profile="tp4").port == 9000


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("profiles.tp4.flags.port", "is not KEY=VALUE"),
        ("=9000", "is not KEY=VALUE"),
        ("profiles..port=1", "is not KEY=VALUE"),
        ("profiles.tp5.flags.port=1", "there is no key 'tp5'; did you mean 'tp"),
        ("profils.tp4.gpus=1", "there is no key 'profils'; did you mean 'profiles'?"),
        ("profiles.tp4.gpu=1", "unknown key 'gpu'; did you mean 'gpus'?"),
        ("profiles.tp4.gpus=four", "profiles.tp4.gpus: Input should be a valid integer"),
        ("profiles.tp4.flags.port=on", "'on' is not a valid value"),
        ("profiles.tp4.flags.port=[1", "not YAML: "),
        ("profiles.tp4.flags.prot=null", "there is no key 'prot'; did you mean 'port'?"),
        ("profiles.tp4={gpu: 4}", "unknown key 'gpu'; did you mean 'gpus'?"),
        ("launch.command.0=python", "'0' is not a key: the value above it has no keys"),
        ("models.minimax-m2.1.title=Mine", "there is no key '1'"),
        ("summary=\udcff", "U+DCFF is not allowed"),
        ("extends=minimax-m2", "unknown key 'extends'"),
    ],
)
def test_an_override_that_makes_no_sense_is_refused_and_quoted(override: str, says: str) -> None:
    message = problem("minimax-m2", override).splitlines()[0]
    assert message.startswith(f"--set {override.partition('=')[0]}")
    assert says in message


def test_the_commands_take_an_own_recipe_overrides_and_a_model(here: Path) -> None:
    write(here, mine="extends: minimax-m2\nprofiles:\n  tp8:\n    flags: {port: 9000}\n")
    own = ["recipe", "show", "--recipe", "mine.yaml", "--tp", "8", "--model", "minimax-m2"]
    shown = succeeds(*own, "--set", "profiles.tp8.flags.host=127.0.0.1", cwd=here)
    assert "--model-path MiniMaxAI/MiniMax-M2 " in shown
    assert "--host 127.0.0.1" in shown
    assert "--port 9000" in shown
    assert "did you mean 'host'?" in refused(2, *own, "--set", "profiles.tp8.flags.hots=null", cwd=here)
