"""`m2build inspect` by command: what it shows of derived images and of others, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.bases import MODELS, ROOT
from helpers.cli.checkouts import store
from helpers.commands import m2build, refused, succeeds
from helpers.images import Entry, file, folder, image, symlink, tar

from m2build.labels import BASE_CHAIN_ID
from m2build.oci.image import Image, read_blob
from m2build.places.place import Place
from m2build.places.transports import read_image, write_image
from m2build.progress import Silent


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base in `base`, and what was derived from it as a layout and as an archive; no test changes them."""
    folder = tmp_path_factory.mktemp("inspect")
    store(f"oci:{folder}/base:base")
    succeeds("image", "--tp", "8", "--base", "oci:base:base", "-o", "oci:out:tp8", cwd=folder)
    succeeds("image", "--tp", "8", "--base", "oci:base:base", "-o", "docker-archive:out.tar", cwd=folder)
    return folder


def put(sample: Image, place: str) -> None:
    write_image(sample, Place.parse(place), tag="", reference="", replace=False, progress=Silent())


def on_top(folder: Path, *entries: Entry, labels: dict[str, str] | None = None) -> Image:
    """The derived image with one more layer on top, or with other labels."""
    derived = read_image(Place.parse(f"oci:{folder}/out:tp8"), "linux/amd64").image
    config = json.loads(derived.config.raw)["config"] | ({} if labels is None else {"Labels": labels})
    layers = [read_blob(derived.blobs, layer) for layer in derived.manifest.layers[:3]]
    return image(*layers, tar(*entries), how="plain", config=config)


def test_the_text_has_it_all_in_few_lines(workshop: Path) -> None:
    built = read_image(Place.parse(f"oci:{workshop}/out:tp8"), "linux/amd64").image
    base = read_image(Place.parse(f"oci:{workshop}/base:base"), "linux/amd64").image
    lines = succeeds("inspect", "oci:out:tp8", cwd=workshop).splitlines()
    output = {line[:12].strip(): line[12:] for line in lines}
    assert output["image"] == output["manifest"] == str(built.manifest.digest)
    assert output["config"] == str(built.manifest.config.digest)
    assert (output["platform"], output["created"]) == ("linux/amd64", "2024-05-06T07:08:09Z")
    assert output["recipe"] == "minimax-m2, profile tp8, model MiniMaxAI/MiniMax-M2.1"
    assert output["base"] == str(base.manifest.digest)
    below = sum(layer.size for layer in base.manifest.layers)
    assert output["layers"] == f"3 ({below} bytes) of the base, 1 ({built.manifest.layers[-1].size} bytes) above"
    assert output["entrypoint"].startswith(
        "python3 -IS /opt/m2build/init python3 -m sglang.launch_server --model-path MiniMaxAI/MiniMax-M2.1 --tp-size 8"
    )
    assert f"changed     /{MODELS}/hf_transformers_model.py  0640 1000:1001 sha256:" in "\n".join(lines)
    assert "changed     /opt/m2build/patches  0755 0:0 folder" in lines
    assert [line for line in lines if line.startswith("removed ")] == [
        f"removed     /{MODELS}/__pycache__/minimax_m2.cpython-310.opt-1.pyc",
        f"removed     /{MODELS}/__pycache__/transformers.cpython-310.pyc",
        f"removed     /{MODELS}/transformers.py",
    ]


def inspected(place: str, cwd: Path) -> dict[str, Any]:
    document = json.loads(succeeds("inspect", "--json", place, cwd=cwd))
    assert isinstance(document, dict)
    return document


def test_json_has_the_same_in_full(workshop: Path) -> None:
    found = inspected("oci:out:tp8", workshop)
    lines = succeeds("inspect", "oci:out:tp8", cwd=workshop).splitlines()
    content = found["content"]
    assert f"content     {content['digest']}" in lines
    assert [line.split()[1] for line in lines if line.startswith("changed ")] == list(content["changed"])
    assert [line.split()[1] for line in lines if line.startswith("removed ")] == content["removed"]
    entry = content["changed"][f"/{MODELS}/minimax_m2.py"]
    assert (entry["kind"], entry["mode"], entry["owner"], len(entry["value"])) == ("file", "0640", "1000:1001", 71)
    assert content["runtime"]["ExposedPorts"] == ["8000/tcp"]
    assert content["runtime"]["Labels"]["dev.m2build.source-root"] == f"/{ROOT}"
    assert (found["origin"]["baseLayers"], len(found["layers"])) == (3, 4)
    assert found["entrypoint"][3:6] == ["python3", "-m", "sglang.launch_server"]


def test_the_content_is_the_same_in_every_store(workshop: Path) -> None:
    """A Docker archive has no manifest: the one made up for it has another digest."""
    layout, archive = (inspected(place, workshop) for place in ("oci:out:tp8", "docker-archive:out.tar"))
    assert layout["content"] == archive["content"]
    assert layout["digest"] != archive["digest"]


def test_additions_are_reported(workshop: Path, tmp_path: Path) -> None:
    extra = (folder("etc"), file("etc/x\x1b[2J\udcff"), symlink("etc/l", "x"))
    put(on_top(workshop, *extra), f"oci:{tmp_path}/more:1")
    lines = succeeds("inspect", "oci:more:1", cwd=tmp_path).splitlines()
    empty = "sha256:e3b0c44298fc"
    assert f"changed     /etc/x\\x1b[2J\\udcff  0644 0:0 {empty}" in lines, "nothing in a name reaches the terminal"
    assert "changed     /etc/l  0777 0:0 -> x" in lines
    assert "/etc/x\x1b[2J\udcff" in inspected("oci:more:1", tmp_path)["content"]["changed"]


def test_of_an_image_that_was_not_derived_manifest_and_config_are_shown(workshop: Path) -> None:
    run = m2build("inspect", "oci:base:base", cwd=workshop)
    assert run.returncode == 0
    assert run.stderr.startswith(
        "m2build: oci:base:base was not derived by m2build, or its labels do not name its base; "
    )
    words = [line.split()[0] for line in run.stdout.splitlines()]
    about, settings = words[:6], words[6:]
    assert about == ["image", "manifest", "config", "platform", "created", "layers"]
    assert settings == ["env", "label", "workdir", "entrypoint"]
    run = m2build("inspect", "oci:base:base", "--json", cwd=workshop)
    document = json.loads(run.stdout)
    assert (run.returncode, document["origin"], document["content"]) == (0, None, None)
    assert len(document["layers"]) == 3


def test_an_image_with_a_false_label_is_refused(workshop: Path, tmp_path: Path) -> None:
    stranger = image(tar(file("a")), tar(file("b"))).config.chain_ids[1]
    put(on_top(workshop, labels={BASE_CHAIN_ID: str(stranger)}), f"oci:{tmp_path}/squashed:1")
    stderr = refused(5, "inspect", "oci:squashed:1", cwd=tmp_path)
    assert stderr.startswith(f"m2build: oci:squashed:1: its label {BASE_CHAIN_ID} names the chain id")
    assert "squashed" in stderr.splitlines()[1]
    put(on_top(workshop, labels={BASE_CHAIN_ID: "sha256:nonsense"}), f"oci:{tmp_path}/nonsense:1")
    assert "'sha256:nonsense' is not a sha256" in refused(5, "inspect", "oci:nonsense:1", cwd=tmp_path)
    below = f"{MODELS}/minimax_m2.py/x"
    put(on_top(workshop, file(below)), f"oci:{tmp_path}/through:1")
    wrong = f"writes /{below} below something that is not a folder"
    assert wrong in refused(5, "inspect", "oci:through:1", cwd=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("oci:absent",), "the directory absent does not exist"),
        (("docker-archive:absent.tar",), "the file absent.tar does not exist"),
        (("oci:out:tp9",), "oci:out:tp9 has no image 'tp9'"),
        (("oci:out", "--platform", "linux/arm64"), "oci:out is an image for linux/amd64, not for linux/arm64"),
        (("pypi:sglang==0.5.7",), "pypi:sglang==0.5.7"),
        (("oci:out", "--jsn"), "there is no option '--jsn'; did you mean '--json'?"),
        ((), "missing argument 'IMAGE'"),
    ],
)
def test_what_does_not_exist_is_refused(arguments: tuple[str, ...], message: str, workshop: Path) -> None:
    stderr = refused(2, "inspect", *arguments, cwd=workshop)
    assert message in stderr
    assert len(stderr.splitlines()) == 2


def test_a_damaged_layer_is_refused_by_its_digest(workshop: Path, tmp_path: Path) -> None:
    sample = on_top(workshop, file("etc/x", b"1"))
    put(sample, f"oci:{tmp_path}/altered:1")
    layer = sample.manifest.layers[-1].digest
    path = tmp_path / "altered" / "blobs" / "sha256" / layer.hex
    path.write_bytes(path.read_bytes().replace(b"etc/x", b"etc/y"))
    assert str(layer) in refused(5, "inspect", "oci:altered:1", cwd=tmp_path)
