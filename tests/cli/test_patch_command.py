"""`m2build patch …` on a checkout, a wheel, an archive and an image: real outcomes, real exit codes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from helpers.cli.checkouts import MODELS, checkout, everything, quickly, store, wheel
from helpers.commands import imported, m2build, refused, succeeds
from helpers.support import need_tool

MINE = """
id: mine
summary: Ours
distribution: sglang
patches:
  - id: move-llama
    summary: Call it alpaca
    why: To see it move.
    codemod: rename-module
    parameters: {module: sglang.srt.models.llama, to: sglang.srt.models.alpaca}
    releases: ">=0"
    accept: [already-applied]
    author: Somebody
    last_update: "2026-01-01"
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return checkout(tmp_path / "tree")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same sources in every kind of place that can be read without a network."""
    folder = tmp_path_factory.mktemp("places")
    tree = checkout(folder / "tree")
    store(f"oci:{folder}/layout:base")
    store(f"docker-archive:{folder}/docker.tar")
    return {
        "folder": str(tree),
        "wheel": f"wheel:{wheel(tree, folder / 'sglang-0.5.7-py3-none-any.whl')}",
        "oci": f"oci:{folder}/layout:base",
        "docker-archive": f"docker-archive:{folder}/docker.tar",
    }


@pytest.mark.parametrize("kind", ["folder", "wheel", "oci", "docker-archive"])
def test_status_is_the_same_wherever_the_sources_are(kind: str, places: dict[str, str]) -> None:
    out = quickly("patch", "status", "--source", places[kind])
    assert [line for line in out.splitlines() if not line.startswith("    ")] == [
        "applied          rename-transformers-module",
        "applied          disable-rmsnorm-compile",
    ]
    assert f"    {MODELS}/transformers.py -> {MODELS}/hf_transformers_model.py" in out
    assert f"    {MODELS}/kimi_linear.py" in out
    assert f"    {MODELS}/minimax_m2.py" in out


def test_an_image_with_its_sources_elsewhere(tmp_path: Path) -> None:
    store(f"oci:{tmp_path}/layout:base")
    place = ["--source", f"oci:{tmp_path}/layout"]
    assert "no sources at /srv" in refused(4, "patch", "status", *place, "--source-root", "/srv")
    assert "applied" in quickly("patch", "status", *place, "--source-root", "/sgl-workspace/sglang/python")


def test_apply_then_status_then_revert_gives_the_original_bytes(tree: Path) -> None:
    before = everything(tree)
    applied = succeeds("patch", "apply", "--source", tree)
    assert applied.count("applied  ") == 2
    patched = everything(tree)
    assert f"{MODELS}/transformers.py" not in patched
    assert patched[f"{MODELS}/hf_transformers_model.py"] == before[f"{MODELS}/transformers.py"]
    assert patched[f"{MODELS}/kimi_linear.py"] == b"from sglang.srt.models.hf_transformers_model import maybe_prefix\n"
    assert b"    # @torch.compile(" in (patched[f"{MODELS}/minimax_m2.py"] or b"")
    assert patched[f"{MODELS}/llama.py"] == before[f"{MODELS}/llama.py"]

    status = succeeds("patch", "status", "--source", tree, "--check")
    assert status.count("already-applied ") == 2
    succeeds("patch", "apply", "--source", tree)
    assert everything(tree) == patched, "twice is once"

    reverted = succeeds("patch", "revert", "--source", tree)
    assert set(reverted.splitlines()) == {
        f"{MODELS}/{name}.py" for name in ("transformers", "kimi_linear", "minimax_m2")
    }
    assert everything(tree) == before
    assert "holds no record" in refused(4, "patch", "revert", "--source", tree)


def test_what_was_changed_since_is_not_reverted_over(tree: Path) -> None:
    quickly("patch", "apply", "--source", tree)
    with (tree / MODELS / "minimax_m2.py").open("a") as file:
        file.write("# mine\n")
    edited = everything(tree)
    assert "was edited since" in refused(4, "patch", "revert", "--source", tree)
    assert everything(tree) == edited


def test_check_sets_the_exit_code_and_changes_nothing(tree: Path) -> None:
    before = everything(tree)
    assert "3 files would change" in refused(14, "patch", "apply", "--source", tree, "--check")
    run = m2build("patch", "status", "--source", tree, "--check")
    assert run.returncode == 14
    assert run.stdout.count("applied  ") == 2, "the report is printed all the same"
    assert "3 files would change" in run.stderr
    assert everything(tree) == before
    quickly("patch", "apply", "--source", tree)
    quickly("patch", "apply", "--source", tree, "--check")


def test_a_patch_that_does_not_apply_is_reported_and_fails(tree: Path) -> None:
    (tree / MODELS / "transformers.py").unlink()
    run = m2build("patch", "status", "--source", tree)
    assert run.returncode == 4
    assert run.stdout.startswith("target-gone      rename-transformers-module\n")
    assert "(target-gone)" in run.stderr
    assert "(target-gone)" in refused(4, "patch", "diff", "--source", tree)


def test_the_diff_is_what_git_applies(tree: Path, places: dict[str, str]) -> None:
    """From a wheel, an image or the checkout: one diff, which changes a checkout as `patch apply` does."""
    diff = quickly("patch", "diff", "--source", tree)
    assert {quickly("patch", "diff", "--source", places[kind]) for kind in ("wheel", "oci")} == {diff}
    other = checkout(tree.parent / "other")
    subprocess.run([need_tool("git"), "apply", "-"], input=diff, cwd=other, text=True, check=True)
    quickly("patch", "apply", "--source", tree)
    patched = {path: content for path, content in everything(tree).items() if not path.startswith(".m2build")}
    assert everything(other) == patched


def test_the_diff_as_numbered_files(tree: Path) -> None:
    folder = tree.parent / "patches"
    assert quickly("patch", "diff", "--source", tree, "-o", folder) == f"{folder}\n"
    names = (folder / "series").read_text().split()
    assert names == ["0001-rename-transformers-module.patch", "0002-disable-rmsnorm-compile.patch"]
    for name in names:
        subprocess.run([need_tool("git"), "apply", folder / name], cwd=tree, check=True)
    assert quickly("patch", "status", "--source", tree).count("already-applied ") == 2


def test_patching_a_wheel_imports_nothing_of_images_and_recipes(places: dict[str, str]) -> None:
    found = imported("patch", "diff", "--source", places["wheel"])
    assert "libcst" in found
    assert found & {"libcst.codemod", "libcst.matchers", "urllib3", "jinja2", "tarfile"} == set()
    assert found & {"m2build.recipes", "m2build.layers", "m2build.registry", "m2build.derivation"} == set()
    assert found & {"m2build.places.transports", "m2build.oci.image", "m2build.patches.applying"} == set()


def test_a_wheel_is_patched_into_a_new_folder_only(places: dict[str, str], tmp_path: Path) -> None:
    assert "changes a folder" in refused(2, "patch", "apply", "--source", places["wheel"])
    quickly("patch", "apply", "--source", places["wheel"], "-o", tmp_path / "patched")
    assert quickly("patch", "status", "--source", tmp_path / "patched").count("already-applied ") == 2
    archive = Path(places["wheel"].partition(":")[2])
    assert "applied  " in quickly("patch", "status", "--source", f"wheel:{archive}"), "the wheel is as it was"


def test_json_is_the_account_of_the_changeset(tree: Path) -> None:
    account = json.loads(quickly("patch", "status", "--source", tree, "--json"))
    assert (account["series"], account["release"]) == ("minimax-m2-rocm", "0.5.7")
    assert [patch["outcome"] for patch in account["patches"]] == ["applied", "applied"]
    assert len(account["files"]) == 3
    assert json.loads(quickly("patch", "apply", "--source", tree, "--json")) == account


def test_the_shipped_series_can_be_read() -> None:
    listed = quickly("patch", "list")
    assert [line.split()[0] for line in listed.splitlines() if not line.startswith(" ")] == [
        "rename-transformers-module",
        "disable-rmsnorm-compile",
    ]
    series = json.loads(quickly("patch", "list", "--json"))
    shown = quickly("patch", "show", "disable-rmsnorm-compile")
    assert "https://github.com/sgl-project/sglang/issues/16102" in shown
    assert "  decorator = torch.compile" in shown
    assert json.loads(quickly("patch", "show", "disable-rmsnorm-compile", "--json")) == series["patches"][1]


def test_a_custom_series(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(tree)
    monkeypatch.chdir(tree.parent)
    Path("mine.yaml").write_text(MINE)
    own = ["--series", "./mine.yaml"]
    assert quickly("patch", "list", *own) == "move-llama  >=0\n    Call it alpaca\n"
    quickly("patch", "apply", "--source", "./tree", *own)
    assert (tree / MODELS / "alpaca.py").read_bytes() == before[f"{MODELS}/llama.py"]
    quickly("patch", "apply", "--source", "./tree")
    quickly("patch", "revert", "--source", "./tree")
    quickly("patch", "revert", "--source", "./tree", *own)
    assert everything(tree) == before


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("codemod: rename", "codmod: rename", "mine.yaml:9:5: unknown key 'codmod'; did you mean 'codemod'?"),
        (
            "rename-module",
            "rename-modul",
            "no codemod that is installed: 'rename-modul'; did you mean 'rename-module'?",
        ),
        ("{module:", "{modul:", "unknown parameter: 'modul'; did you mean 'module'?"),
    ],
)
def test_a_spoiled_series_is_refused(old: str, new: str, says: str, tree: Path) -> None:
    assert old in MINE
    (tree.parent / "mine.yaml").write_text(MINE.replace(old, new, 1))
    before = everything(tree)
    assert says in refused(2, "patch", "apply", "--source", "./tree", "--series", "mine.yaml", cwd=tree.parent)
    assert everything(tree) == before
