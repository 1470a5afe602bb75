"""Shell completion, with the real shells: keys are pressed on a terminal, and the resulting commands are checked."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from helpers.cli.command_tree import WAYS, find
from helpers.cli.shells import Shell, shell
from helpers.commands import m2build, succeeds
from helpers.support import need_tool, sampled
from hypothesis import given, settings
from hypothesis import strategies as st

from m2build.cli.completion import answer
from m2build.cli.root import cli
from m2build.cli.typed import typed

BREAKS = " \t\n\"'@><=;|&(:"
RECIPE = 'extends: minimax-m2\nprofiles: {big-one: {summary: "Mine\\u202e", gpus: 2, flags: {tp-size: 2}}, tp8: null}\n'

# What is typed before Tab, and the last arguments with which `m2build` runs when X and Enter follow.
TYPED = {
    "m2build ima": ["image", "X"],
    "m2build image --recipe ./mine.yaml --profile b": ["--profile", "big-one", "X"],
    "m2build image --recipe ./broken.yaml --profile b": ["--profile", "bX"],
    "m2build image --model=minimax-m2.": ["--model=minimax-m2.1", "X"],
    "m2build image --set profiles.tp8.flags.ep": ["profiles.tp8.flags.ep-size=X"],
    "m2build image --base oci:./ba": ["oci:./base/X"],
    "m2build image --base docker-archive:ar": ["docker-archive:archive.tar", "X"],
    "m2build patch show dis": ["disable-rmsnorm-compile", "X"],
    "m2build patch status --source dir:my": ["dir:my folder/X"],
    "m2build push docker-d": ["docker-daemon:X"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folder")
    for name in ("base", "my folder", ".hidden", "ba\x1b[2J"):
        (folder / name).mkdir()
    (folder / "archive.tar").touch()
    (folder / "mine.yaml").write_text(RECIPE)
    two_of_size_4 = RECIPE.replace("tp-size: 2", "tp-size: 4").replace(", tp8: null", "")
    (folder / "my folder" / "twice.yaml").write_text(two_of_size_4)
    (folder / "broken.yaml").write_text("profiles: [\n")
    return folder


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def running(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with shell(request.param, folder, tmp_path_factory.mktemp("home") / request.param) as found:
        yield found


# The words of a command line -> what its last word can become.
OFFERED = {
    ("",): {
        *("bake", "base", "bench", "cache", "check", "ci", "completion", "compose", "diff", "doctor", "drift"),
        *("flags", "image", "inspect", "kubernetes", "lock", "mounts", "patch", "policy", "push", "rebase", "recipe"),
        *("render", "report", "revert", "run", "size", "verify"),
    },
    ("base", ""): {"check", "mirror"},
    ("base", "check", "mine"): {"mine.yaml"},
    ("rebase", "--base", "oci-"): {"oci-archive:"},
    ("patch", ""): {"apply", "diff", "import", "list", "revert", "schema", "show", "status", "waiver"},
    ("recipe", "show", "--js"): {"--json"},
    ("image", "--progress", ""): {"auto", "plain", "quiet"},
    ("completion", "f"): {"fish"},
    ("nothing-like-it", "x"): set(),
    ("ci", ""): {"github", "gitlab", "tekton"},
    ("image", "--recipe", "m"): {
        *("minimax-m2", "minimax-m2-vllm", "minimax-m2.5", "minimax-m2.7", "minimax-m3", "mine.yaml", "my folder/"),
    },
    ("image", "--base-version", ""): {"v0.5.9"},
    ("image", "--profile", ""): {"tp4", "tp8"},
    ("image", "--tp", ""): {"4", "8"},
    ("image", "--recipe", "mine.yaml", "--tp", ""): {"2", "4"},
    ("image", "--recipe", "my folder/twice.yaml", "--tp", ""): {"8"},
    ("bake", "--recipe=./mine.yaml", "--profile", ""): {"tp4", "big-one"},
    ("render", "--recipe", "nowhere.yaml", "--profile", ""): set(),
    ("recipe", "show", "--model", "minimax-m2"): {"minimax-m2", "minimax-m2.1"},
    ("size", "minimax-m2"): {"minimax-m2", "minimax-m2.1", "minimax-m2.5", "minimax-m2.7"},
    ("size", "--gpu", "MI3"): {"MI300X", "MI325X", "MI355X"},
    ("recipe", "show", "--set", "base."): {"base.image=", "base.platform=", "base.source_root="},
    ("patch", "show", "--series", "minimax-m2-rocm", ""): {"rename-transformers-module", "disable-rmsnorm-compile"},
    ("patch", "show", "--series", "broken.yaml", ""): set(),
    ("image", "--platform", ""): {"linux/amd64", "linux/arm64"},
    ("image", "-o", "o"): {"oci:", "oci-archive:"},
    ("image", "-o", ""): {"docker://", "oci:", "oci-archive:", "docker-archive:", "docker-daemon:",
                          "containers-storage:", "./"},
    ("image", "-o", "oci:"): {"oci:base/", "oci:my folder/"},
    ("inspect", "./"): {"./base/", "./my folder/", "./archive.tar", "./mine.yaml", "./broken.yaml"},
    ("inspect", "oci-archive:."): {"oci-archive:.hidden/"},
    ("inspect", "oci:nowhere/x"): set(),
    ("inspect", "docker://"): {"docker://"},
    ("render", "--source", ""): {"dir:", "wheel:", "pypi:", "./"},
    ("render", "--template", "b"): {"base/", "broken.yaml"},
    ("render", "--template=b"): {"--template=base/", "--template=broken.yaml"},
}  # fmt: skip
Answers = Callable[..., dict[str, str]]
FREE = {
    *("REF", "NAME", "NAME[:TAG]", "PREFIX", "REPOSITORY", "PATH", "OWNER/REPO#N", "URL", "ID", "N", "GLOB", "VERSION"),
    *("SIZE", "NAME[=VALUE]", "KEY=VALUE", "[manifest:]KEY=VALUE", "IP", "LABEL=VALUE[,VALUE...]"),
    *("[ARGUMENTS]...", "[NAME]", "NAME>=VERSION", "CONDITION", "SIGNER", "SPECIFIER", "SUBJECT", "TYPE"),
}
"""What help calls values that nothing here can know: names in registries and on hosts, of builders, new ids, paths."""


@pytest.fixture
def answers(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Answers:
    """The same in this process, in the folder."""
    monkeypatch.chdir(folder)

    def ask(*words: str) -> dict[str, str]:
        answer(cli, "fish", ["m2build", *words])
        output = capsys.readouterr()
        assert output.err == ""
        return {word: text for word, _, text in (line.partition("\t") for line in output.out.splitlines())}

    return ask


@pytest.mark.parametrize("words", OFFERED, ids=" ".join)
def test_what_is_offered(words: tuple[str, ...], answers: Answers) -> None:
    assert set(answers(*words)) == OFFERED[words]


def test_commands_options_and_profiles_are_described(answers: Answers) -> None:
    assert answers("im") == {"image": "Derive images: the base, the recipe's..."}
    assert answers("patch", "status", "--ch") == {"--check": "Exit with 14 if a patch would change something."}
    assert answers("image", "--recipe", "mine.yaml", "--profile", "b") == {"big-one": "Mine\\u202e"}


def test_a_home_folder_is_expanded(answers: Answers, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert set(answers("inspect", "~/b")) == {"~/base/", "~/broken.yaml"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "csh", ""])
@pytest.mark.parametrize("words", [[], ["m2build"], ["\udcff", "\x1b"], ["m2build", "patch", "show", "\udcff"]])
def test_a_failed_completion_prints_nothing(shell: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    answer(cli, shell, words)
    assert capsys.readouterr() == ("", "")


def test_the_process_answers_as_well(folder: Path) -> None:
    run = m2build("m2build", "recipe", "sh", environment={"_M2BUILD_COMPLETE": "zsh"})
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == "show\tShow a recipe, or the command line of one...\n"


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_every_option_completes_unless_its_value_can_be_anything(way: tuple[str, ...]) -> None:
    for parameter in find(way).params:
        is_flag = isinstance(parameter, click.Option) and parameter.is_flag
        is_known = isinstance(parameter.type, click.Choice | click.Path)
        has_own = parameter._custom_shell_complete is not None
        assert is_flag or is_known or has_own or parameter.metavar in FREE, f"{parameter.name} completes to nothing"


MARKS = st.text(st.sampled_from("ab:=@/ \"'\\$é~.-"), max_size=6)


@settings(derandomize=True, max_examples=200)
@given(st.lists(MARKS.filter(bool), min_size=1, max_size=4), MARKS)
def test_a_line_is_read_as_the_shell_reads_it(words: list[str], last: str) -> None:
    line = shlex.join(words)
    assert typed(f"{line} ", BREAKS).words == (*words, "")
    assert typed(f"{line} {last and shlex.quote(last)}", BREAKS).words == (*words, last)


@settings(derandomize=True, max_examples=200)
@given(MARKS.filter(lambda text: not set(text) & set("\"'\\ ")), MARKS)
def test_what_bash_inserts_makes_the_word(begun: str, rest: str) -> None:
    """The kept part of the last word and the inserted part make up the word that was meant."""
    line = typed(f"m2build {begun}", BREAKS)
    kept = begun[: line.kept].replace("$", "\\$")
    assert shlex.split(kept + line.replacement(begun + rest)) == ([begun + rest] if begun + rest else [])


@pytest.mark.parametrize(
    ("line", "meant", "put"),
    [
        ("m2build inspect oci:./b", "oci:./base/", "./base/"),
        ("m2build inspect oci:./my\\ f", "oci:./my folder/", "./my\\ folder/"),
        ("m2build inspect 'oci:./my f", "oci:./my folder/", "oci:./my folder/"),
        ('m2build image --base="oci:./my f', "--base=oci:./my folder/", "oci:./my folder/"),
        ("m2build image --profile=t", "--profile=tp8", "tp8"),
        ("m2build im", "image", "image"),
    ],
)
def test_bash_replaces_what_follows_its_last_break(line: str, meant: str, put: str) -> None:
    assert typed(line, BREAKS).replacement(meant) == put
    assert typed("m2build inspect oci:./b", " \t\n").replacement("oci:./base/") == "oci:./base/", "no breaks at colons"


def test_the_scripts_are_what_the_shells_can_parse(tmp_path: Path) -> None:
    for name in ("bash", "zsh", "fish"):
        script = tmp_path / name
        script.write_text(succeeds("completion", name))
        subprocess.run([need_tool(name), "--no-execute" if name == "fish" else "-n", script], check=True)
    bash = f"# shellcheck shell=bash\n{(tmp_path / 'bash').read_text()}"
    subprocess.run([need_tool("shellcheck"), "-"], input=bash, text=True, check=True)


@pytest.mark.parametrize("line", sampled(TYPED, every=4))
def test_the_tab_key_completes(line: str, running: Shell) -> None:
    arguments = running.runs(f"{line}\tX")
    assert arguments[-len(TYPED[line]) :] == TYPED[line]
