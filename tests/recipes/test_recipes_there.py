"""All shipped recipes: each says where it has it from, fits its base's release, and starts the documented command."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from importlib import resources
from pathlib import Path

import pytest
from helpers.bases import base_image
from helpers.plans import derive

from m2build.base.model import Base
from m2build.derivation.image import build
from m2build.errors import UsageError
from m2build.patches.changeset import apply_series
from m2build.patches.loading import load_series
from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel
from m2build.patches.tree import SourceTree
from m2build.progress import Silent
from m2build.recipes.load import load_recipe, recipe_names
from m2build.recipes.model import Recipe
from m2build.testing import assert_commands

HELPERS = Path(__file__).parents[1] / "helpers" / "recipes"
LINES = (HELPERS / "server_flags.txt").read_text(encoding="utf-8").splitlines()
FLAGS = {
    release: set(flags.split()) for release, _, flags in (line.partition(": ") for line in LINES if line[0] != "#")
}
SERVERS = {"lmsysorg/sglang": "sglang", "vllm/vllm-openai-rocm": "vllm"}


def on_every_base() -> Iterator[Recipe]:
    """Each shipped recipe, and once more for each other release of its base."""
    for name in recipe_names():
        recipe = load_recipe(name)
        yield recipe
        yield from (recipe.with_base(version) for version in recipe.bases)


RECIPES = {f"{recipe.name} on {recipe.base.image}": recipe for recipe in on_every_base()}


def release(recipe: Recipe) -> str:
    """The server and its release, by the base's name."""
    image, _, tag = recipe.base.image.removeprefix("docker.io/").partition(":")
    version = re.match(r"v([0-9.]+(?:post[0-9]+)?)", tag)
    assert version, tag
    return f"{SERVERS[image]} {version[1].rstrip('.')}"


def test_the_recipes_are_these() -> None:
    assert recipe_names() == ["minimax-m2", "minimax-m2-vllm", "minimax-m2.5", "minimax-m2.7", "minimax-m3"]
    assert {release(recipe) for recipe in RECIPES.values()} == FLAGS.keys()


@pytest.mark.parametrize("name", RECIPES)
def test_its_flags_are_flags_of_its_release(name: str) -> None:
    recipe = RECIPES[name]
    known = FLAGS[release(recipe)]
    given = {flag for profile in recipe.profiles.values() for flag in profile.flags}
    given |= set() if recipe.launch.model_is_argument else {recipe.launch.model_flag}
    assert given - known == set()
    assert release(recipe).split()[1] in recipe.summary
    assert load_series(recipe.series or "").distribution == release(recipe).split()[0]


def test_the_list_of_flags_is_what_the_wheel_says() -> None:
    """Shown for the one wheel that tests have; the other lists were made in the same way."""
    tree = ast.parse(from_wheel(fetch_wheel("sglang==0.5.7"))["sglang/srt/server_args.py"].content)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    words = [word for call in calls if ast.unparse(call.func).endswith(".add_argument") for word in call.args]
    found = {word.value for word in words if isinstance(word, ast.Constant) and str(word.value).startswith("--")}
    assert FLAGS["sglang 0.5.7"] == {str(word).removeprefix("--") for word in found}


@pytest.mark.parametrize("name", recipe_names())
def test_it_cites_its_sources_and_the_schema(name: str) -> None:
    text = resources.files("m2build.recipes").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=recipe.schema.json\n# ")
    head = text.partition("\nname:")[0]
    assert re.search(r"https://github\.com/\S+/blob/[0-9a-f]{40}/\S+", head), "a source that does not move"


M25 = (
    "python3 -m sglang.launch_server --model-path MiniMaxAI/MiniMax-M2.5 --tp-size {0} --ep-size {0} "
    "--tool-call-parser minimax-m2 --reasoning-parser minimax-append-think --trust-remote-code "
    "--mem-fraction-static 0.85 --kv-cache-dtype fp8_e4m3 --attention-backend triton --host 0.0.0.0 --port 8000"
)


def test_the_commands_are_the_documented_ones() -> None:
    """Of the pages' command generators for MI300X with both parsers; the address is ours."""
    expected = {f"tp{size}ep{size}": M25.format(size) for size in (2, 4, 8)}
    assert_commands("minimax-m2.5", expected)
    later = {profile: command.replace("M2.5", "M2.7") for profile, command in expected.items()}
    assert_commands("minimax-m2.7", later)
    m3 = assert_commands(
        "minimax-m3",
        {
            "tp8": "python3 -m sglang.launch_server --model-path MiniMaxAI/MiniMax-M3-MXFP8 --trust-remote-code "
            "--reasoning-parser auto --tool-call-parser auto --tp-size 8 --quantization mxfp8 --dtype bfloat16 "
            "--attention-backend aiter --moe-runner-backend triton --chunked-prefill-size 8192 "
            "--mem-fraction-static 0.8 --watchdog-timeout 3600 --skip-server-warmup --host 0.0.0.0 --port 30000"
        },
    )
    assert m3.select(tp=8).settings.env == {"SGLANG_USE_AITER": "1"}
    served = "vllm serve MiniMaxAI/MiniMax-M2.1 --tensor-parallel-size {} --tool-call-parser minimax_m2 "
    served += "--reasoning-parser minimax_m2 --enable-auto-tool-choice --trust-remote-code --host 0.0.0.0 --port 8000"
    commands = {"tp4": served.format(4), "tp8ep8": f"{served.format(8)} --enable-expert-parallel"}
    vllm = assert_commands("minimax-m2-vllm", commands, model="minimax-m2.1")
    assert vllm.select(tp=8).settings.env == {"VLLM_ROCM_USE_AITER": "1"}


def test_a_base_version_changes_the_base_and_the_summary_and_nothing_else() -> None:
    recipe, other = load_recipe("minimax-m2"), load_recipe("minimax-m2", base_version="v0.5.9")
    assert other.base.image == "docker.io/lmsysorg/sglang:v0.5.9-rocm720-mi30x"
    assert other.base.source_root == recipe.base.source_root
    assert "0.5.9" in other.summary
    assert other.model_copy(update={"base": recipe.base, "summary": recipe.summary}) == recipe
    with pytest.raises(UsageError, match=r"has no base version 'v0\.5\.8'; did you mean 'v0\.5\.9'"):
        load_recipe("minimax-m2", base_version="v0.5.8")
    with pytest.raises(UsageError) as caught:
        load_recipe("minimax-m3", base_version="v0.5.9")
    assert caught.value.hint == "it has: none but its base"
    moved = load_recipe("minimax-m2", ["bases.x={image: a/b:c, summary: x, source_root: /y}"], "x")
    assert moved.base.source_root == "/y"


@pytest.mark.parametrize(("recipe", "series"), [("minimax-m2.5", "sglang-stock"), ("minimax-m2-vllm", "vllm-stock")])
def test_without_patches_the_image_differs_by_its_config_and_says_so(recipe: str, series: str) -> None:
    loaded = load_recipe(recipe, ["base.source_root=/sgl-workspace/sglang/python", f"series={series}"])
    base = base_image()
    plan = derive(loaded.select(tp=4), Base.of(base, base.manifest.digest, "a/b:c"), environment={}, progress=Silent())
    assert (plan.changeset.changes, plan.hidden) == ((), ())
    image = build(plan)
    assert image.config.labels["dev.m2build.series"] == series
    readme = plan.changeset.account()
    assert (readme["patches"], readme["files"]) == ([], [])


TOOL_CALLS = "vllm/entrypoints/serve/utils/tool_calls_utils.py"


def test_the_fix_for_vllm_turns_the_file_of_the_base_s_release_into_that_of_the_next(tmp_path: Path) -> None:
    """The file is that of the wheel 0.23.0, by the digest in its RECORD; the result is that of the wheel 0.24.0."""
    before = (Path(__file__).parent / "releases/vllm-0.23.0-tool_calls_utils.txt").read_bytes()
    assert sha256(before).hexdigest() == "db746bcde6eed6f4ea84c14017d301d894a30351e5b5cbfc1fee5f1cf88e4303"
    release = {"vllm/__init__.py": b"", "vllm/_version.py": b"__version__ = version = '0.23.0+rocm700'\n"}
    series = load_series(load_recipe("minimax-m2-vllm").series or "")
    changeset = apply_series(series, SourceTree.of({**release, TOOL_CALLS: before})).checked()
    (change,) = changeset.changes
    assert change.after
    assert change.after.sha256 == "8439c3798fefaecd689f499b48ed4e151fff104b4c92c992ce4455ded25cb186"
    (tmp_path / TOOL_CALLS).parent.mkdir(parents=True)
    (tmp_path / TOOL_CALLS).write_bytes(before)
    subprocess.run(["git", "apply"], input=changeset.diff(), cwd=tmp_path, check=True)
    assert (tmp_path / TOOL_CALLS).read_bytes() == change.after.content
    again = apply_series(series, SourceTree.of({**release, TOOL_CALLS: change.after}))
    assert [str(result.outcome) for result in again.checked().results] == ["already-applied"]
    release["vllm/_version.py"] = b"__version__ = version = '0.24.0'\n"
    (later,) = apply_series(series, SourceTree.of({**release, TOOL_CALLS: change.after})).results
    assert (later.passes, str(later.outcome), bool(later.drop_now)) == (True, "not-needed", True)


def test_a_series_without_patches_passes_on_anything_and_needs_no_patch() -> None:
    changeset = apply_series(load_series("vllm-stock"), SourceTree.of({"vllm/__init__.py": "__version__ = '0.23.0'\n"}))
    assert (changeset.checked().changes, changeset.release) == ((), "0.23.0")
    assert changeset.diff() == b""
