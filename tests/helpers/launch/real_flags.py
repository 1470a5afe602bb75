"""What the real `add_cli_args` of an SGLang release tells argparse: the judge of what is read from its sources.

It runs as a program of its own: `python real_flags.py WHEEL…` prints a line of JSON for each wheel. SGLang's modules are
the real ones, packages that are not installed are stand-ins, and packages run no code of their own on import.
"""

from __future__ import annotations

import argparse
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class _Anything(type):
    """The type of what a package that is not installed gives: a class with any attribute, to be called and derived."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return _anything(name)

    def __call__(cls, *arguments: Any, **_: Any) -> Any:
        is_decorator = len(arguments) == 1 and callable(arguments[0])
        return arguments[0] if is_decorator else _anything(cls.__name__)

    def __getitem__(cls, _: Any) -> Any:
        return cls

    def __or__(cls, _: Any) -> Any:
        return cls

    __ror__ = __or__

    def __mro_entries__(cls, _: Any) -> tuple[type, ...]:
        return (object,)

    def __iter__(cls) -> Any:
        return iter(())

    def __len__(cls) -> int:
        return 0

    def __bool__(cls) -> bool:
        return False

    def __lt__(cls, _: Any) -> bool:
        return False

    __gt__ = __le__ = __ge__ = __lt__


def _anything(name: str) -> Any:
    return _Anything(name, (), {"__init_subclass__": classmethod(lambda cls, **_: None)})


class _StandIn(types.ModuleType):
    __path__: list[str] = []  # noqa: RUF012 - a package has one
    __version__ = "9.0"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return _anything(name)


_STOOD_IN = (
    "sglang.srt.layers", "sglang.srt.sampling", "sglang.srt.configs", "sglang.srt.utils.hf_transformers",
)  # fmt: skip
"""Modules of SGLang that ask the GPU or the packages that are not there, and define no part of a flag."""


class _Finder:
    """Finds SGLang's modules in a wheel, its packages without their code, and stand-ins for what is not installed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> importlib.machinery.ModuleSpec | None:
        stem = self._folder.joinpath(*name.split("."))
        if name.partition(".")[0] != "sglang" or name.startswith(_STOOD_IN):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]
        if stem.with_suffix(".py").is_file():
            return importlib.util.spec_from_file_location(name, stem.with_suffix(".py"))
        if name == "sglang.srt.arg_groups.fields":
            return importlib.util.spec_from_file_location(
                name, stem / "__init__.py", submodule_search_locations=[str(stem)]
            )
        if stem.is_dir():
            spec = importlib.machinery.ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]
            spec.submodule_search_locations = [str(stem)]
            return spec
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, _: types.ModuleType) -> None:
        return None


def real_flags(folder: Path) -> list[dict[str, Any]]:
    """What argparse knows of each flag; `folder` is where the wheel was unpacked. To be called once a process."""
    finder = _Finder(folder)
    sys.meta_path.append(finder)  # type: ignore[arg-type]
    from sglang.srt.server_args import ServerArgs  # type: ignore[import-not-found]

    parser = argparse.ArgumentParser(add_help=False)
    ServerArgs.add_cli_args(parser)
    return [_described(action) for action in parser._actions]


def _described(action: argparse.Action) -> dict[str, Any]:
    choices = action.choices
    kind = action.type
    return {
        "names": list(action.option_strings),
        "dest": action.dest,
        "action": _KINDS.get(type(action).__name__, type(action).__name__),
        "type": None if kind is None else _name(kind),
        "nargs": action.nargs,
        "const": action.const,
        "default": action.default,
        "choices": None
        if choices is None
        else sorted(choices, key=repr)
        if isinstance(choices, set)
        else list(choices),
        "required": action.required,
    }


_KINDS = {
    "_StoreAction": "store", "_StoreTrueAction": "store_true", "_StoreFalseAction": "store_false",
    "BooleanOptionalAction": "boolean", "_StoreConstAction": "store_const", "_AppendAction": "append",
}  # fmt: skip


def _name(kind: Any) -> str:
    return "json.loads" if kind is json.loads else str(kind.__name__)


def ask(wheels: Sequence[Path], folder: Path) -> list[list[dict[str, Any]]]:
    """The flags of each wheel, from a process for each."""
    import zipfile

    import msgspec  # the classes that hold SGLang's flags from 0.5.20 on are made by it

    site = folder / "site"
    site.mkdir()
    (site / "msgspec").symlink_to(Path(msgspec.__file__).parent)
    found = []
    for wheel in wheels:
        place = folder / wheel.name
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(place, [name for name in archive.namelist() if name.endswith(".py")])
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("SGLANG", "SGL_"))}
        run = subprocess.run(
            [sys.executable, "-I", "-S", __file__, str(place), str(site)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        found.append(json.loads(run.stdout.splitlines()[-1]))
    return found


if __name__ == "__main__":
    sys.path.append(sys.argv[2])
    print(json.dumps(real_flags(Path(sys.argv[1]))))
