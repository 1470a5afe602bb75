"""Definitions of flags that are not understood are named, and nothing is guessed; hostile sources meet a bound."""

from __future__ import annotations

import time

import pytest
from helpers.bases import SERVER, SERVER_PATH
from helpers.launch.releases import tree_of
from helpers.support import sampled

from m2build.launch.flags.extract import extract_flags
from m2build.launch.flags.model import Flag, NotProvableError
from m2build.launch.flags.parsing import parse_words
from m2build.patches.tree import SourceFile, SourceTree

LAST = 'parser.add_argument("--chunked-prefill-size", type=int)'
"""A line of the small server, which these cases replace."""


def server(line: str, top: str = "", **modules: str) -> SourceTree:
    """The small server with another definition of a flag, and with more at the top of its module."""
    text = SERVER.decode().replace(LAST, line).replace("import argparse\n", f"import argparse\n{top}\n", 1)
    files = {f"sglang/{name}.py": content for name, content in modules.items()}
    return SourceTree.of({SERVER_PATH: text, **files}, origin="a small server", release="1.0")


NOT_PROVABLE = {
    "a loop": ('for name in ("a", "b"):\n            parser.add_argument(f"--{name}")', "definition is not understood"),
    "a condition": ('if DEBUG:\n            parser.add_argument("--x")', "definition is not understood"),
    "a group": ('parser.add_argument_group("x").add_argument("--x")', "definition is not understood"),
    "another function": ("add_more(parser)", "definition is not understood"),
    "a computed name": ('parser.add_argument("--" + name())', "the name of a flag is not known"),
    "keywords from elsewhere": ('parser.add_argument("--x", **MORE)', "add_argument(**…) is not understood"),
    "a positional": ('parser.add_argument("model")', "a flag called 'model' is not understood"),
    "a short name": ('parser.add_argument("-x")', "a flag called '-x' is not understood"),
    "a computed number of values": ('parser.add_argument("--x", nargs=count())', "the nargs of --x is not known"),
    "a remainder": ('parser.add_argument("--x", nargs="...")', "nargs='...' is not understood"),
    "a computed destination": ('parser.add_argument("--x", dest=name())', "the dest of --x is not known"),
    "whether it is required": ('parser.add_argument("--x", required=is_it())', "the required of --x is not known"),
    "a computed action": ('parser.add_argument("--x", action=act())', "the action of --x is not known"),
    "an action of argparse": (
        'parser.add_argument("--x", action="count")',
        "this call of add_argument is not understood",
    ),
    "an unknown keyword": (
        'parser.add_argument("--x", deprecated=True)',
        "this call of add_argument is not understood",
    ),
    "a flag twice": ('parser.add_argument("--host")', "a flag is defined twice"),
}


@pytest.mark.parametrize("case", NOT_PROVABLE)
def test_a_style_that_is_not_understood_is_named(case: str) -> None:
    line, says = NOT_PROVABLE[case]
    with pytest.raises(NotProvableError) as caught:
        extract_flags(server(line))
    assert says in str(caught.value)


MODULES = {
    "no server": (SERVER_PATH, None, "its sources have no sglang/srt/server_args.py"),
    "no Python": (SERVER_PATH, b"class ServerArgs(:", "does not parse"),
    "no class": (SERVER_PATH, SERVER.replace(b"ServerArgs", b"Args"), "has no ServerArgs.add_cli_args"),
    "a base class": (SERVER_PATH, SERVER.replace(b"ServerArgs:", b"ServerArgs(Other):"), "has no ServerArgs.add_cli"),
    "no parser": (SERVER_PATH, SERVER.replace(b"def prepare", b"def other"), "how the server makes its parser"),
    "other prefixes": (
        SERVER_PATH,
        SERVER.replace(b"ArgumentParser()", b"ArgumentParser(prefix_chars='+')"),
        "how the server makes its parser is not understood",
    ),
    "more flags": (
        SERVER_PATH,
        SERVER.replace(b"    return parser", b"    parser.add_argument('--x')\n    return parser"),
        "how the server makes its parser is not understood",
    ),
}


@pytest.mark.parametrize("case", MODULES)
def test_a_server_that_is_not_understood_is_named(case: str) -> None:
    path, content, says = MODULES[case]
    tree = SourceTree.of({"sglang/__init__.py": "", **({path: content} if content else {})}, origin="a server")
    with pytest.raises(NotProvableError) as caught:
        extract_flags(tree)
    assert says in str(caught.value)


FIELDS = "sglang/srt/arg_groups/arg_utils.py"
SPEC = "sglang/srt/arg_groups/fields/spec.py"
CHANGED = {
    "another registration": ("0.5.14", FIELDS, "names = [cli_name]", "names = []", "is not a version that m2build"),
    "another inference": ("0.5.20", FIELDS, "    if tp is int:", "    if tp is None:", "is not a version that m2build"),
    "another collection": (
        "0.5.20", "sglang/srt/arg_groups/fields/__init__.py", "known + rest", "rest", "collect_input_fields() is not a",
    ),
    "another namespace": ("0.5.20", SPEC, "class Spec(msgspec.Struct):", "class Spec(Other):", "NAMESPACES is not"),
    "an unknown argument of a mark": (
        "0.5.20", SPEC, 'aliases=["--speculative-draft-model"],', "hidden=True,", "the mark Arg(",
    ),
    "an alias of a type": (
        "0.5.20", SPEC, "\n\nclass Spec(msgspec.Struct):",
        "\nPath = Optional[int]\n\nclass Spec(msgspec.Struct):\n    path: A[Path, 'A path.'] = None",
        "the type Path is not understood",
    ),
    "a type from elsewhere": (
        "0.5.20", SPEC, "\n\nclass Spec(msgspec.Struct):",
        "\nfrom other import Path\n\nclass Spec(msgspec.Struct):\n    path: A[Path, 'A path.'] = None",
        "the type Path is not understood",
    ),
    "names from elsewhere": (
        "0.5.20", SPEC, 'aliases=["--speculative-draft-model"]', "aliases=names()", "the names of speculative_draft",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", sampled(CHANGED, every=3))
def test_a_release_that_changes_the_style_is_not_guessed(case: str) -> None:
    release, path, old, new, says = CHANGED[case]
    tree = tree_of(release)
    content = tree[path].content.decode()
    assert old in content
    changed = tree.replaced({path: SourceFile.of(content.replace(old, new).encode())})
    with pytest.raises(NotProvableError) as caught:
        extract_flags(changed)
    assert says in str(caught.value)


def flag_of(tree: SourceTree) -> Flag:
    return extract_flags(tree).by_name["--x"]


UNKNOWN = {
    "choices of a function": ('parser.add_argument("--x", choices=plugins())', "choices"),
    "choices that a condition changes": (
        'n = ["a"]\n        if DEBUG:\n            n.append("b")\n        parser.add_argument("--x", choices=n)',
        "choices",
    ),
    "a computed default": ('parser.add_argument("--x", default=os.cpu_count())', "default"),
    "a lambda": ('parser.add_argument("--x", type=lambda text: text[1:])', "type"),
    "a changed name": ('parser.add_argument("--x", choices=CHANGED)', "choices"),
    "a conditional name": ('parser.add_argument("--x", choices=EITHER)', "choices"),
    "a name that refers to itself": ('parser.add_argument("--x", choices=ROUND)', "choices"),
    "a doubling": ('parser.add_argument("--x", default=' + "+".join(['"%s"' % ("x" * 500)] * 40) + ")", "default"),
    "a power": ('parser.add_argument("--x", default=10**10**10)', "default"),
}
TOP = """
CHANGED = ["a"]
CHANGED.append("b")
if argparse:
    EITHER = ["a"]
else:
    EITHER = ["b"]
ROUND = ROUND + ["a"]
"""


@pytest.mark.parametrize("case", UNKNOWN)
def test_an_attribute_that_cannot_be_known_is_unknown_alone(case: str) -> None:
    line, attribute = UNKNOWN[case]
    tree = server(line, TOP)
    assert flag_of(tree).unknown == (attribute,)
    parsed = parse_words(extract_flags(tree), ["--model-path", "a/b", "--x", "anything"])
    assert parsed.findings == ()
    assert bool(parsed.unjudged) == (attribute != "default")


KNOWN: dict[str, tuple[str, dict[str, object]]] = {
    "lists": ("choices=[*A, 'c'] + list(B)", {"choices": ("a", "b", "c", "d", "e")}),
    "a dictionary's keys": ("choices=list(Table.KEYS.keys())", {"choices": ("k1", "k2")}),
    "names of an enumeration": ("choices=[m.name.lower() for m in Kind]", {"choices": ("slow", "fast")}),
    "a value of a dictionary": ("default=Table.KEYS['k2']", {"default": 2}),
    "an attribute of a class": ("default=Table.SIZE", {"default": 1 << 20}),
    "a function": ("choices=names()", {"choices": ("f",)}),
    "arithmetic": ("default=-(10 * 1000) + 2**3", {"default": -9992}),
    "a set": ("choices={'b', 'a'}", {"choices": ("a", "b")}),
    "another module's name": ("choices=other_names", {"choices": ("o",)}),
    "suppressed": ("default=argparse.SUPPRESS", {"default": "==SUPPRESS=="}),
}
DEFINITIONS = """
import enum
from sglang.other import NAMES as other_names
A = ["a", "b"]
B = ("d", "e")
class Kind(enum.IntEnum):
    SLOW = 0
    FAST = 1
class Table:
    SIZE = 1024 * 1024
    KEYS = {"k1": missing, "k2": 2}
def names():
    from sglang.other import MORE
    return list(MORE)
"""


@pytest.mark.parametrize("case", KNOWN)
def test_expressions_are_evaluated_without_running_them(case: str) -> None:
    keywords, expected = KNOWN[case]
    tree = server(f'parser.add_argument("--x", {keywords})', DEFINITIONS, other='NAMES = ["o"]\nMORE = ("f",)\n')
    flag = flag_of(tree)
    assert flag.unknown == ()
    assert {name: getattr(flag, name) for name in expected} == expected


ACTIONS = """
class Quiet(argparse.Action):
    def __init__(self, option_strings, dest, new_flag=None, nargs=0, default=False, **kwargs):
        self.new_flag = new_flag
        super().__init__(option_strings, dest, nargs=nargs, default=default, **kwargs)

    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, True)


class Retired(argparse.Action):
    def __init__(self, option_strings, dest, error_message=None, nargs=0, **kwargs):
        self.error_message = error_message
        super().__init__(option_strings, dest, nargs=nargs, **kwargs)

    def __call__(self, parser, namespace, values, option_string=None):
        if self.error_message is not None:
            parser.error(self.error_message)


class Picky(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        if values not in self.choices:
            parser.error("no")
"""


def test_a_class_of_the_server_decides_its_keywords() -> None:
    flag = flag_of(server('parser.add_argument("--x", action=Quiet, new_flag="--y")', ACTIONS))
    assert (flag.action, flag.nargs, flag.default, flag.retired) == ("Quiet", 0, False, None)


def test_a_retired_flag_is_refused_with_the_servers_message() -> None:
    tree = server('parser.add_argument("--x", action=Retired, error_message="use --y")', ACTIONS)
    (finding,) = parse_words(extract_flags(tree), ["--model-path", "a/b", "--x"]).findings
    assert (finding.rule, finding.message) == ("retired-flag", "the server refuses --x: use --y")


def test_a_class_that_refuses_by_rules_of_its_own_is_not_guessed() -> None:
    with pytest.raises(NotProvableError, match="when the action Picky refuses a flag is not understood"):
        extract_flags(server('parser.add_argument("--x", action=Picky)', ACTIONS))


def hostile(case: str) -> SourceTree:
    if case == "doubling names":
        names = [f"N{n} = [*N{n - 1}, *N{n - 1}]" for n in range(1, 50)]
        return server('parser.add_argument("--x", choices=N49)', "\n".join(["N0 = []", *names]))
    if case == "nested brackets":
        return server('parser.add_argument("--x", choices=' + "[" * 3000 + "]" * 3000 + ")")
    if case == "a long chain":
        names = [f"N{n} = N{n - 1}" for n in range(1, 5000)]
        return server('parser.add_argument("--x", choices=N4999)', "\n".join(["N0 = ['a']", *names]))
    return server("\n        ".join(f'parser.add_argument("--x{n}", choices=N)' for n in range(300)),
                  f"N = {['a'] * 3000}")  # fmt: skip


@pytest.mark.parametrize("case", ["doubling names", "nested brackets", "a long chain", "many choices"])
def test_hostile_sources_end_in_time(case: str) -> None:
    started = time.process_time()
    try:
        unknown = {attribute for flag in extract_flags(hostile(case)).flags for attribute in flag.unknown}
    except NotProvableError:
        unknown = {"choices"}
    assert unknown == {"choices"}
    assert time.process_time() - started < 3
