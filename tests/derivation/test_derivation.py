"""Plan, overlay and config on small bases that look like SGLang's image."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from typing import Any

import pytest
from helpers.bases import MODELS, ROOT, base_image, bytecode, sources
from helpers.images import Entry, file, folder, image, symlink, tar
from helpers.plans import derive

from m2build import labels
from m2build.base.model import Base
from m2build.derivation.derive import derive_all
from m2build.derivation.health import probe_command
from m2build.derivation.image import build
from m2build.derivation.plan import Plan
from m2build.errors import PatchError, UsageError
from m2build.oci.image import Image, read_blob
from m2build.oci.media_types import DOCKER, OCI, MediaTypes
from m2build.progress import Silent
from m2build.recipes.load import load_recipe

RECIPE = load_recipe("minimax-m2")
INIT = ("python3", "-IS", "/opt/m2build/init")


def plan_for(
    base: Image, *, profile: str = "tp8", name: str | None = None, root: str | None = None, **environment: str
) -> Plan:
    recipe = load_recipe("minimax-m2", [f"base.source_root={root}"]) if root else RECIPE
    selection = recipe.select(profile=profile)
    return derive(selection, Base.of(base, base.manifest.digest, name), environment=environment, progress=Silent())


def overlay(result: Image) -> dict[str, tarfile.TarInfo]:
    raw = gzip.decompress(read_blob(result.blobs, result.manifest.layers[-1]))
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        return {member.name: member for member in archive}


def runtime(result: Image) -> dict[str, Any]:
    found = json.loads(result.config.raw)["config"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("types", [OCI, DOCKER])
@pytest.mark.parametrize("how", ["plain", "gzip"])
def test_the_base_is_an_equal_prefix_and_media_types_follow_it(types: MediaTypes, how: str) -> None:
    base = base_image(types, how)
    result = build(plan_for(base))
    assert result.manifest.layers[:-1] == base.manifest.layers
    assert result.config.diff_ids[:-1] == base.config.diff_ids
    old, new = json.loads(base.config.raw), json.loads(result.config.raw)
    assert new["history"][:-1] == old["history"]
    assert len(new["history"]) == len(new["rootfs"]["diff_ids"])
    assert new["history"][-1]["created_by"] == "m2build 0.1.0 patchset minimax-m2-rocm"
    manifest = json.loads(result.manifest.raw)
    named = [manifest["mediaType"], manifest["config"]["mediaType"], *(x["mediaType"] for x in manifest["layers"])]
    assert {"vnd.oci." in name for name in named} == {types is OCI}
    assert ("annotations" in manifest) == (types is OCI)


def test_every_digest_in_the_result_is_of_the_bytes() -> None:
    result = build(plan_for(base_image()))
    raw = read_blob(result.blobs, result.manifest.layers[-1])
    assert hashlib.sha256(gzip.decompress(raw)).hexdigest() == result.config.diff_ids[-1].hex
    assert hashlib.sha256(result.config.raw).hexdigest() == result.manifest.config.digest.hex


def test_the_overlay_keeps_owners_modes_and_parents_and_hides_stale_files() -> None:
    members = overlay(build(plan_for(base_image())))
    moved = members[f"{MODELS}/hf_transformers_model.py"]
    assert (moved.uid, moved.gid, moved.mode) == (1000, 1001, 0o640)
    parent = members[MODELS]
    assert (parent.uid, parent.gid, parent.mode, parent.mtime) == (1000, 1001, 0o750, 1_700_000_000)
    assert (members["opt"].uid, members["opt"].gid, members["opt"].mode) == (3, 4, 0o711)
    whiteouts = {name for name in members if "/.wh." in name}
    assert whiteouts == {
        f"{MODELS}/.wh.transformers.py",
        f"{MODELS}/__pycache__/.wh.transformers.cpython-310.pyc",
        f"{MODELS}/__pycache__/.wh.minimax_m2.cpython-310.opt-1.pyc",
    }
    assert list(members) == sorted(members)
    assert {member.uname + member.gname for member in members.values()} == {""}


def test_a_package_that_moves_away_leaves_no_folder_behind() -> None:
    """An empty folder would still be importable, as a namespace package."""
    package = f"{MODELS}/transformers"
    entries = [entry for entry in sources() if not entry[0].name.endswith("/transformers.py")]
    cache = [folder(f"{package}/__pycache__"), file(f"{package}/__pycache__/__init__.cpython-310.pyc", b"x")]
    base = image(tar(*entries, folder(package), file(f"{package}/__init__.py", b"maybe_prefix = 1\n"), *cache))
    members = overlay(build(plan_for(base)))
    assert f"{MODELS}/.wh.transformers" in members
    assert f"{MODELS}/hf_transformers_model/__init__.py" in members
    assert not [name for name in members if name.startswith(f"{package}/")]


def test_nothing_in_the_overlay_depends_on_the_profile() -> None:
    base = base_image()
    four, eight = (build(plan_for(base, profile=profile)) for profile in ("tp4", "tp8"))
    assert four.manifest.layers == eight.manifest.layers
    assert runtime(four)["Entrypoint"] != runtime(eight)["Entrypoint"]


@pytest.mark.parametrize("init", [True, False])
def test_the_init_is_in_front_of_the_command_unless_the_recipe_leaves_it_out(*, init: bool) -> None:
    """Entrypoint, overlay and label say the same."""
    recipe = load_recipe("minimax-m2", [] if init else ["launch.init=false"])
    base = base_image()
    plan = derive(recipe.select(tp=8), Base.of(base, base.manifest.digest, None), environment={}, progress=Silent())
    found = build(plan)
    assert tuple(runtime(found)["Entrypoint"]) == (*(INIT if init else ()), *plan.selection.command)
    assert ("opt/m2build/init" in overlay(found)) == init
    label = runtime(found)["Labels"]["dev.m2build.init"]
    assert label == (INIT[-1] if init else "none: run it with an init, as docker run --init")


def test_the_config_starts_the_profile_and_keeps_the_rest() -> None:
    config = {"Env": ["PATH=/bin"], "Cmd": ["/bin/bash"], "WorkingDir": "/w", "User": "0", "X-Unknown": [1],
              "ExposedPorts": {"22/tcp": {}}, "Volumes": {"/v": {}}}  # fmt: skip
    members: dict[str, Any] = {"x.unknown": {"a": None}, "os.version": "7"}
    found = build(plan_for(base_image(config=config, **members)))
    result = runtime(found)
    assert result["Entrypoint"] == [*INIT, *RECIPE.select(profile="tp8").command]
    assert "Cmd" not in result
    assert result["ExposedPorts"] == {"22/tcp": {}, "8000/tcp": {}}
    kept = ("Env", "WorkingDir", "User", "X-Unknown", "Volumes")
    assert {key: result[key] for key in kept} == {key: config[key] for key in kept}
    document = json.loads(found.config.raw)
    assert (document["x.unknown"], document["os.version"]) == ({"a": None}, "7")
    health = result["Healthcheck"]
    assert 25 <= health["Timeout"] / 1e9 <= 30
    assert health["StartPeriod"] / 1e9 >= 1800


def test_each_label_of_the_base_is_kept_or_dropped() -> None:
    base_labels = dict.fromkeys((*labels.DROPPED, *labels.KEPT, "com.example.team"), "of the base")
    result = build(plan_for(base_image(config={"Labels": base_labels}), name="docker.io/lmsysorg/sglang:v0.5.7"))
    found = runtime(result)["Labels"]
    assert {key for key, value in found.items() if value == "of the base"} == {*labels.KEPT, "com.example.team"}
    assert found["org.opencontainers.image.base.name"] == "docker.io/lmsysorg/sglang:v0.5.7"
    assert found["org.opencontainers.image.base.digest"].startswith("sha256:")
    assert found["org.opencontainers.image.version"] == "0.5.7"
    assert found["dev.m2build.profile"] == "tp8"
    annotations = json.loads(result.manifest.raw)["annotations"]
    assert annotations.items() <= found.items()


HISTORIES: dict[str, object] = {
    "absent": None, "empty": [], "null entries": [None, None, None], "too few": [{"created_by": "one"}],
    "too many": [{"created_by": str(number)} for number in range(5)], "all empty": [{"empty_layer": True}] * 3,
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_the_history_of_the_result_agrees_with_its_layers(name: str) -> None:
    document = json.loads(build(plan_for(base_image(history=HISTORIES[name]))).config.raw)
    filled = [entry for entry in document["history"] if not entry.get("empty_layer")]
    assert len(filled) == len(document["rootfs"]["diff_ids"]) == 4
    assert filled[-1] == document["history"][-1]
    assert filled[-1]["created_by"].startswith("m2build 0.1.0 patchset")


def test_the_time_is_the_bases_own_or_source_date_epoch() -> None:
    base = base_image()
    assert json.loads(build(plan_for(base)).config.raw)["created"] == "2024-05-06T07:08:09Z"
    epoch = plan_for(base, SOURCE_DATE_EPOCH="0")
    assert json.loads(build(epoch).config.raw)["created"] == "1970-01-01T00:00:00Z"
    assert plan_for(base, SOURCE_DATE_EPOCH="0" * 5000 + "5").created == 5
    for wrong in ("yesterday", "0" * 20 + "9" * 15, "9" * 5000, "253402300800"):
        with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
            plan_for(base, SOURCE_DATE_EPOCH=wrong)


@pytest.mark.parametrize(
    ("created", "written"),
    [
        ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z"), ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("2024-05-06T07:08:09", "2024-05-06T07:08:09Z"), ("never", "1970-01-01T00:00:00Z"),
    ],
)  # fmt: skip
def test_an_odd_time_of_the_base_gives_one_time_everywhere(
    created: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert json.loads(build(plan_for(base_image(created=created))).config.raw)["created"] == written
    finally:
        monkeypatch.undo()
        time.tzset()


def test_everything_in_the_plan_changes_its_digest() -> None:
    plan = plan_for(base_image())
    assert plan.digest == plan_for(base_image()).digest
    others = [replace(plan, created=1), replace(plan, hidden=()), replace(plan, footing={}),
              plan_for(base_image(), profile="tp4"), plan_for(base_image(how="plain"))]  # fmt: skip
    assert len({plan.digest, *(other.digest for other in others)}) == 6


def test_several_images_are_patched_once() -> None:
    base = base_image()
    selections = [RECIPE.select(profile=profile) for profile in ("tp4", "tp8")]
    origin = Base.of(base, base.manifest.digest, None)
    plans, _ = derive_all(selections, origin, environment={}, progress=Silent())
    assert plans[0].changeset is plans[1].changeset
    assert [plan.digest for plan in plans] == [plan_for(base, profile=profile).digest for profile in ("tp4", "tp8")]
    with pytest.raises(UsageError, match="one recipe at a time"):
        derive_all(
            [*selections, load_recipe("minimax-m2").select(profile="tp8")], origin, environment={}, progress=Silent()
        )


def test_a_derived_image_as_the_base_is_refused() -> None:
    with pytest.raises(PatchError, match="itself derived by m2build"):
        plan_for(build(plan_for(base_image())))


def test_a_link_where_the_overlay_needs_a_folder_is_refused() -> None:
    """An overlay below a link would replace the link, and hide everything behind it."""
    with pytest.raises(PatchError, match="/opt is a symlink"):
        plan_for(image(tar(*sources(), symlink("opt", "/data/opt"))))
    message = "has no sources at /data/sglang/python, the target of /sgl-workspace/sglang/python"
    with pytest.raises(PatchError, match=message):
        plan_for(image(tar(*sources()), tar(symlink("sgl-workspace", "/data"))))


LINKS: dict[str, list[Entry]] = {
    "absolute": [symlink("srv", "/sgl-workspace")],
    "relative": [symlink("srv", "sgl-workspace")],
    "through another": [symlink("srv", "a/b"), folder("a"), symlink("a/b", "../c"), symlink("c", "sgl-workspace")],
    "at the end": [folder("srv"), folder("srv/sglang"), symlink("srv/sglang/python", f"/{ROOT}")],
}


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("height", ["below", "above"])
def test_links_to_the_source_root_are_followed(height: str, name: str) -> None:
    layers = [tar(*LINKS[name]), tar(*sources(), folder("opt"))]
    base = image(*(layers if height == "below" else layers[::-1]))
    straight, linked = plan_for(base), plan_for(base, root="/srv/sglang/python")
    assert linked.sources[0].root == ROOT
    assert build(linked).manifest.digest == build(straight).manifest.digest


@pytest.mark.parametrize("links", [[symlink("srv", "srv")], [symlink("srv", "b/c"), symlink("b", "/srv")]])
def test_a_loop_of_links_at_the_source_root_is_refused(links: list[Entry]) -> None:
    with pytest.raises(PatchError, match=r"/srv/sglang/python passes through more than 40 links.*/(srv|b) points to"):
        plan_for(image(tar(*sources(), *links)), root="/srv/sglang/python")


WORKDIRS: dict[str, tuple[list[Entry], tuple[str, ...]]] = {
    "/": ([], ()),
    "": ([], ()),
    "/opt": ([folder("opt")], ()),
    "/opt/": ([folder("./opt")], ()),
    "/absent": ([], ("absent",)),
    "/opt/a//b": ([folder("opt")], ("opt/a/b", "opt/a")),
    "/link/a": ([folder("opt"), symlink("link", "/opt")], ("opt/a",)),
}


@pytest.mark.parametrize("workdir", WORKDIRS)
def test_a_missing_working_directory_is_made_as_engines_make_it(workdir: str) -> None:
    entries, unmade = WORKDIRS[workdir]
    plan = plan_for(image(tar(*sources(), *entries), config={"WorkingDir": workdir}))
    assert plan.unmade == unmade
    made = overlay(build(plan))
    assert {made[path].mode for path in unmade} <= {0o755}
    assert all(made[path].isdir() for path in unmade)


def test_a_base_with_an_audit_folder_is_refused() -> None:
    """Its files would be mistaken for the account's, and a container engine would change their modes."""
    base = image(tar(*sources()), tar(folder("opt"), folder("opt/m2build"), file("opt/m2build/theirs")))
    with pytest.raises(PatchError, match="the base has a /opt/m2build already"):
        plan_for(base)


@pytest.mark.parametrize(("given", "paths"), [(["A=1"], 1), ([], 1), (None, 1), (["PATH=/bin", "A=1"], 0)])
def test_a_base_without_path_gets_the_path_that_engines_set(given: list[str] | None, paths: int) -> None:
    config = runtime(build(plan_for(base_image(config={"Env": given}))))
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert config["Env"] == [*(given or []), *[path] * paths]


def test_a_base_without_the_sources_is_refused() -> None:
    with pytest.raises(PatchError, match="no sources at /sgl-workspace/sglang/python"):
        plan_for(image(tar(folder("bin"))))


def test_a_source_without_the_module_is_refused() -> None:
    without = [entry for entry in sources() if not entry[0].name.endswith("transformers.py")]
    with pytest.raises(PatchError, match=r"rename-transformers-module does not apply .*\(target-gone\)"):
        plan_for(image(tar(*without)))


SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[1]) if self.path == '/health' else 404); self.end_headers()
    def log_message(self, *args): pass
server = http.server.HTTPServer(('127.0.0.1', int(sys.argv[-1].rpartition('=')[2])), Handler)
print('ready', flush=True); server.serve_forever()
"""


@pytest.mark.parametrize("status", [200, 503])
def test_the_health_check_passes_if_the_server_answers_200(status: int) -> None:
    """The real probe, which looks at this server's command line only."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVER, str(status), "sglang.launch_server", f"--port={port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            _, flag, code = probe_command(RECIPE.select(tp=8))
            code = code.replace("os.listdir('/proc')", f"['{server.pid}']")
            environment = {"http_proxy": "http://127.0.0.1:9"}
            run = subprocess.run([sys.executable, flag, code], env=environment, capture_output=True, check=False)
        finally:
            server.terminate()
    assert (run.returncode == 0) == (status == 200)


def test_bytecode_of_unchanged_sources_stays() -> None:
    assert any(entry[0].name.endswith("llama.cpython-310.pyc") for entry in bytecode())
    assert not [name for name in overlay(build(plan_for(base_image()))) if "llama" in name]
