"""Dockerfiles as docker reads them: BuildKit's own parser, and its unquoting, which is a later stage there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import dockerfile  # type: ignore[import-not-found]  # a compiled module without stubs

from helpers.bases import base_image
from helpers.plans import derive
from m2build.base.model import Base
from m2build.derivation.plan import Plan
from m2build.oci.image import Image
from m2build.patches.series import Series
from m2build.progress import Silent
from m2build.recipes.load import load_recipe

NAME = "docker.io/lmsysorg/sglang:v0.5.7-rocm700-mi30x"


def plan_for(
    base: Image | None = None, *, profile: str = "tp8", name: str | None = NAME, series: Series | None = None
) -> Plan:
    image = base or base_image()
    selection = load_recipe("minimax-m2").select(profile=profile)
    return derive(
        selection, Base.of(image, image.manifest.digest, name), environment={}, progress=Silent(), series=series
    )


def with_texts(plan: Plan, summary: str, title: str, flag: str) -> Plan:
    """The plan with texts that no recipe's model has checked."""
    recipe, selection = plan.selection.recipe, plan.selection
    model = selection.model.model_copy(update={"title": title})
    profile = selection.profile.model_copy(update={"flags": {**selection.profile.flags, "x": flag}})
    changes = {
        "summary": summary,
        "models": {**recipe.models, selection.model_id: model},
        "profiles": {**recipe.profiles, selection.profile_id: profile},
    }
    return replace(plan, selection=replace(selection, recipe=recipe.model_copy(update=changes)))


def instructions(context: Mapping[str, bytes]) -> list[Any]:
    """The instructions of a context's Dockerfile, as BuildKit's parser splits them."""
    return parse(context["Dockerfile"].decode())


def parse(text: str) -> list[Any]:
    """The instructions of a Dockerfile, as BuildKit's parser splits them."""
    return list(dockerfile.parse_string(text))


def only(parsed: list[Any], kind: str) -> Any:
    (found,) = [instruction for instruction in parsed if instruction.cmd == kind]
    return found


def labels_of(parsed: list[Any]) -> dict[str, str]:
    """All labels, unquoted; a name that is set to two values is an error here."""
    found: dict[str, str] = {}
    for instruction in parsed:
        if instruction.cmd != "LABEL":
            continue
        words = [unquoted(word) for word in instruction.value]
        for key, value in zip(words[::2], words[1::2], strict=True):
            assert found.setdefault(key, value) == value
    return found


def unquoted(word: str) -> str:
    """A word of LABEL, ENV, USER and the like, unquoted as in BuildKit (frontend/dockerfile/shell/lex.go).

    Variables are not supported: an unescaped `$` that begins one is an error.
    """
    out, rest = "", word
    while rest:
        character, rest = rest[0], rest[1:]
        if character == "'":
            inside, quote, rest = rest.partition("'")
            assert quote, "no matching single quote"
            out += inside
        elif character == '"':
            inside, rest = _double_quoted(rest)
            out += inside
        elif character == "\\":
            out, rest = out + rest[:1], rest[1:]
        else:
            _no_variable(character, rest)
            out += character
    return out


def _double_quoted(rest: str) -> tuple[str, str]:
    out = ""
    while rest:
        character, rest = rest[0], rest[1:]
        if character == '"':
            return out, rest
        if character == "\\" and rest[:1] in {'"', "$", "\\"}:
            character, rest = rest[0], rest[1:]
        else:
            _no_variable(character, rest)
        out += character
    raise AssertionError("no matching double quote")


def _no_variable(character: str, rest: str) -> None:
    begins = rest[:1] in set("{@*#?-$!_") or rest[:1].isalnum()
    assert not (character == "$" and begins), f"${rest} is taken for a variable"


def complaints(context: Mapping[str, bytes]) -> str:
    """What hadolint reports, at any severity."""
    run = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "--no-color", "--no-fail", "-"],
        input=context["Dockerfile"], capture_output=True, check=True,
    )  # fmt: skip
    return (run.stdout + run.stderr).decode()
