"""The build context as a whole: its files, that it is reproducible, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from helpers.bases import MODELS, ROOT, base_image, sources
from helpers.images import file, image, tar
from helpers.plans import with_results
from helpers.rendering.dockerfiles import instructions, only, plan_for

from m2build.derivation.overlay import account_files
from m2build.derivation.plan import Plan
from m2build.errors import PatchError, UsageError
from m2build.oci.image import Image
from m2build.patches.change import FileChange
from m2build.patches.changeset import PatchResult
from m2build.patches.tree import SourceFile
from m2build.rendering.context import render

PROBE = """
import sys
sys.path[:0] = {path!r}
from helpers.bases import base_image
from helpers.rendering.dockerfiles import plan_for
from m2build.rendering.context import render
import hashlib
found = [(path, hashlib.sha256(data).hexdigest()) for path, data in render(plan_for(base_image())).items()]
print(found)
"""


def test_two_renderings_are_equal_in_any_process() -> None:
    script = PROBE.format(path=sys.path)
    runs = [
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Kathmandu"))
    ]  # fmt: skip
    assert runs[0] == runs[1]
    assert "Dockerfile" in runs[0]


def test_the_files_are_sorted_and_have_line_feeds_only() -> None:
    context = render(plan_for())
    assert list(context) == sorted(context)
    assert [path for path, data in context.items() if b"\r" in data or not data.endswith(b"\n")] == []
    assert not hasattr(context, "__setitem__")


def test_the_account_is_that_of_the_overlay() -> None:
    plan = plan_for()
    account = {path: data for path, data in render(plan).items() if path.startswith("account/")}
    overlay = {f"account{file.path.removeprefix('opt/m2build')}": file.content for file in account_files(plan)}
    assert account == overlay
    assert "account/patches/0001-rename-transformers-module.patch" in account


def test_the_dockerignore_lets_only_copied_files_in() -> None:
    context = render(plan_for())
    first, *rest = context[".dockerignore"].decode().splitlines()
    assert first == "*"
    assert rest == [f"!{path}" for path in context if path.startswith("account/")]


def test_a_base_without_a_name_cannot_be_pulled() -> None:
    with pytest.raises(
        UsageError, match=r"engine can pull, and this one is known as sha256:[0-9a-f]{64} only"
    ) as caught:
        render(plan_for(name=None))
    assert "--base" in str(caught.value.hint)
    plan = plan_for(name=None)
    with pytest.raises(UsageError, match=r"a stand-in made from pypi:sglang==0\.5\.7"):
        render(replace(plan, base=replace(plan.base, stand_in="pypi:sglang==0.5.7")))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"OnBuild": ["RUN rm -rf /"]}, "ONBUILD"),
        ({"Volumes": {"/sgl-workspace": {}}}, "declares the volume /sgl-workspace"),
        ({"Volumes": {"/opt/m2build/": {}}}, "declares the volume /opt/m2build/"),
    ],
)
def test_what_a_dockerfile_cannot_undo_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(PatchError, match=message):
        render(plan_for(base_image(config=config)))


def with_attributes() -> Image:
    entries = [entry for entry in sources() if not entry[0].name.endswith("/kimi_linear.py")]
    content = b"from sglang.srt.models.transformers import maybe_prefix\n"
    odd = file(f"{MODELS}/kimi_linear.py", content, pax_headers={"SCHILY.xattr.user.a": "b"})
    return image(tar(*entries, odd))


def test_extended_attributes_that_would_be_lost_are_refused() -> None:
    with pytest.raises(PatchError, match=r"/sgl-workspace/\S+/kimi_linear\.py has the extended attributes .*user\.a"):
        render(plan_for(with_attributes()))


def test_an_invalid_user_is_refused() -> None:
    with pytest.raises(UsageError, match="a Dockerfile cannot express 'a\\\\nRUN true'"):
        render(plan_for(base_image(config={"User": "a\nRUN true"})))


@pytest.mark.parametrize("user", ["", "0", "root", "root:root", "0:0"])
def test_root_stays_root(user: str) -> None:
    parsed = instructions(render(plan_for(base_image(config={"User": user}))))
    assert "USER" not in [instruction.cmd for instruction in parsed]


def many(plan: Plan, count: int) -> Plan:
    """The plan with this many changed files."""
    before, after = SourceFile.of(b"a\n"), SourceFile.of(b"b\n")
    changes = [FileChange(f"{number:0100}.py", before, f"{number:0100}.py", after) for number in range(count)]
    result = PatchResult(plan.changeset.results[0].patch, plan.changeset.results[0].outcome, "", tuple(changes))
    origin = next(entry for path, entry in plan.footing.items() if path.endswith(".py"))
    footing = {f"{ROOT}/{change.path}": origin for change in changes}
    return replace(with_results(plan, (result,)), footing=footing)


def test_a_script_too_long_for_a_shell_is_refused() -> None:
    """Linux limits one argument to 128 KiB. Just below that, the script runs."""
    context = render(many(plan_for(), 800))
    script = only(instructions(context), "RUN").value[0]
    subprocess.run(["/bin/sh", "-nc", script], check=True)
    with pytest.raises(UsageError, match="too long to build"):
        render(many(plan_for(), 1000))


def test_a_line_too_long_for_parsers_is_refused() -> None:
    plan = plan_for()
    recipe = plan.selection.recipe.model_copy(update={"summary": "x" * 70_000})
    with pytest.raises(UsageError, match="too long to build"):
        render(replace(plan, selection=replace(plan.selection, recipe=recipe)))


def test_a_series_with_nothing_to_do_still_gives_a_dockerfile() -> None:
    plan = plan_for()
    nothing = replace(with_results(plan, ()), hidden=())
    script = only(instructions(render(nothing)), "RUN").value[0]
    assert "sha256sum" not in script
    subprocess.run(["/bin/sh", "-n", "-c", script], check=True)
