"""Runs the real `add_cli_args` of an SGLang release, and its parser: the judge of what is read from its sources.

A program of its own, for `python -I -S`: `stand_ins.py FOLDER SITE`, where FOLDER holds the release and SITE the
package msgspec. It reads command lines as JSON from stdin, and prints what argparse knows of each flag, and what it
makes of each command line. SGLang's modules are the real ones; packages that are not there are stand-ins, and those of
SGLang do not run their own `__init__`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import sys
import types
from pathlib import Path
from typing import Any

STOOD_IN = (
    "sglang.srt.layers", "sglang.srt.sampling", "sglang.srt.configs", "sglang.srt.utils.hf_transformers",
)  # fmt: skip
"""Modules of SGLang that ask the GPU or the packages that are not there, and define no part of a flag."""
KINDS = {
    "_StoreAction": "store", "_StoreTrueAction": "store_true", "_StoreFalseAction": "store_false",
    "BooleanOptionalAction": "boolean", "_StoreConstAction": "store_const", "_AppendAction": "append",
}  # fmt: skip


class Anything(type):
    """What a package that is not there gives: a class with any attribute, to be called and derived from."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return anything(name)

    def __call__(cls, *arguments: Any, **_: Any) -> Any:
        is_decorator = len(arguments) == 1 and callable(arguments[0])
        return arguments[0] if is_decorator else anything(cls.__name__)

    def __getitem__(cls, _: Any) -> Any:
        return cls

    def __or__(cls, _: Any) -> Any:
        return cls

    __ror__ = __or__

    def __iter__(cls) -> Any:
        return iter(())

    def __len__(cls) -> int:
        return 0

    def __lt__(cls, _: Any) -> bool:
        return False

    __gt__ = __le__ = __ge__ = __lt__


def anything(name: str) -> Any:
    """A new one."""

    def derive(_: Any, /, **__: Any) -> None:
        return None

    return Anything(name, (), {"__init_subclass__": classmethod(derive)})


class StandIn(types.ModuleType):
    """A package that is not there."""

    __path__: list[str] = []  # noqa: RUF012 - a package has one
    __version__ = "9.0"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return anything(name)


class Finder:
    """Finds SGLang's modules in a folder, its packages without their code, and stand-ins for all that is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> importlib.machinery.ModuleSpec | None:
        stem = self._folder.joinpath(*name.split("."))
        if name.partition(".")[0] != "sglang" or name.startswith(STOOD_IN):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]
        if stem.with_suffix(".py").is_file():
            return importlib.util.spec_from_file_location(name, stem.with_suffix(".py"))
        if name == "sglang.srt.arg_groups.fields":  # its code puts the flags together
            places = [str(stem)]
            return importlib.util.spec_from_file_location(name, stem / "__init__.py", submodule_search_locations=places)
        if stem.is_dir():
            spec = importlib.machinery.ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]
            spec.submodule_search_locations = [str(stem)]
            return spec
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return StandIn(spec.name)

    def exec_module(self, _: types.ModuleType) -> None:
        return None


def parser_of(folder: Path) -> argparse.ArgumentParser:
    """The parser of the release in a folder. To be called once in a process."""
    sys.meta_path.append(Finder(folder))
    from sglang.srt.server_args import ServerArgs  # type: ignore[import-not-found]

    parser = argparse.ArgumentParser()
    ServerArgs.add_cli_args(parser)
    return parser


def orjson() -> types.ModuleType:
    """What a server uses of orjson, which knows no NaN."""

    def refuse(constant: str) -> None:
        raise json.JSONDecodeError("no JSON", constant, 0)

    module = types.ModuleType("orjson")
    module.loads = lambda text: json.loads(text, parse_constant=refuse)  # type: ignore[attr-defined]
    return module


def described(action: argparse.Action) -> dict[str, Any]:
    """What argparse knows of a flag."""
    choices = sorted(action.choices, key=repr) if isinstance(action.choices, set) else action.choices
    kind = action.type
    return {
        "names": list(action.option_strings),
        "dest": action.dest,
        "action": KINDS.get(type(action).__name__, type(action).__name__),
        "type": None if kind is None else "json.loads" if kind is json.loads else getattr(kind, "__name__", "?"),
        "nargs": action.nargs,
        "const": action.const,
        "default": action.default,
        "choices": None if choices is None else list(choices),
        "required": action.required,
    }


def read(parser: argparse.ArgumentParser, words: list[str]) -> dict[str, Any] | None:
    """The values that the parser reads from a command line; None if it refuses it."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            return dict(vars(parser.parse_args(words)))
        except (SystemExit, AssertionError):  # an action of the server asserts
            return None


if __name__ == "__main__":
    sys.path.append(sys.argv[2])
    sys.modules["orjson"] = orjson()
    real = parser_of(Path(sys.argv[1]))
    flags = [described(action) for action in real._actions if action.dest != "help"]
    lines = [read(real, words) for words in json.load(sys.stdin)]
    json.dump({"flags": flags, "lines": lines}, sys.stdout, default=repr)
