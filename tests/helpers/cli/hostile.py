"""Names and texts that try to take over the terminal, and a check of what reached it."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from helpers.bases import MODELS as INNER
from helpers.cli.checkouts import MODELS, checkout, quickly, store
from helpers.engines.programs import script
from helpers.images import file, image, symlink, tar
from m2build.oci.image import read_blob
from m2build.places.place import Place
from m2build.places.transports import read_image, write_image
from m2build.progress import Silent

LINE = "h\x1b]0;t\x07\x1b[2J\x9b1m\u202e\u2066\u061c\u200b\ufeff\x85\u2028m2build: forged"
"""A window title, a cleared screen, C1 controls, marks of direction and of no width, and rarer line breaks."""
MARKS = "h\u202e\u2066\u061c\u200b\ufeff m2build: forged"
"""What recipes and series accept: they refuse control characters."""
NAME = f"{LINE}\r\nm2build: forged\udcff"
"""What a file name and an argument can contain: line breaks, and a byte that is not UTF-8."""
TEXT = NAME.removesuffix("\udcff")
"""The same for names that must be Unicode."""

_OWN = re.compile(r"\r\x1b\[K")
"""m2build's only sequence: go to the start of the line, and clear it."""
_ALLOWED = re.compile(r"[^\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]*")


def verdict(seen: bytes) -> list[str]:
    """The problems in what a terminal received; empty if there are none."""
    problems = []
    try:
        text = seen.decode()
    except UnicodeDecodeError as error:
        return [f"not UTF-8: {error}"]
    for line in _OWN.sub("\n", text).replace("\r\n", "\n").replace("\t", " ").split("\n"):
        if not _ALLOWED.fullmatch(line):
            problems.append(f"unprintable: {line!r}")
        if line.startswith("m2build: forged"):
            problems.append("a forged line")
        if "Traceback" in line or line.startswith("m2build: internal error"):
            problems.append(line)
    return problems


def workshop(folder: Path) -> None:
    """Fill a folder with hostile sources, recipes, series, layouts and programs, and with good ones."""
    checkout(folder / "tree")
    hostile_tree(folder / "hostile-tree")
    shutil.copytree(folder / "hostile-tree", folder / NAME)
    quickly("patch", "apply", "--source", folder / "hostile-tree", "-o", folder / "patched")
    quickly("patch", "apply", "--source", hostile_tree(folder / "applied"))
    recipes(folder)
    store(f"oci:{folder}/base:base")
    layouts(folder)
    engines(folder)
    (folder / "template").write_text("{% include " + json.dumps(TEXT) + " %}")


def hostile_tree(folder: Path) -> Path:
    """The sources, with an importer of a hostile name, and hostile text beside what is changed."""
    tree = checkout(folder)
    (tree / MODELS / f"{NAME}.py").write_text(
        f"# {LINE}\t\nfrom sglang.srt.models.transformers import maybe_prefix\nNAME = 'transformers'  # {LINE}\n"
    )
    return tree


def recipes(folder: Path) -> None:
    """Recipes and series: valid ones with hostile values, and broken ones with hostile keys."""
    line, name = json.dumps(MARKS), json.dumps(TEXT)
    good = (
        f"extends: minimax-m2\nsummary: {line}\nmodels: {{minimax-m2.1: {{title: {line}}}}}\n"
        f"profiles: {{tp8: {{summary: {line}, flags: {{served-model-name: {line}}}}}}}\n"
    )
    broken = f"extends: minimax-m2\n{name}: 1\nprofiles: {{{name}: 1, tp8: {{flags: {{{name}: [{name}]}}}}}}\n"
    for kind, text in (("good", good), ("broken", broken)):
        (folder / f"{kind}.yaml").write_text(text)
        (folder / f"{kind}-{NAME}.yaml").write_text(text)
    patch = (
        f"{{id: p, summary: {line}, why: {line}, codemod: rename-module, parameters: {{module: a, to: {line}}}, "
        f"releases: '>=0', author: {line}, last_update: '2026-01-01'}}"
    )
    series = f"id: mine\nsummary: {line}\ndistribution: {line}\npatches: [{patch}]\n"
    (folder / "series.yaml").write_text(series)
    (folder / "broken-series.yaml").write_text(f"{series}{name}: {name}\n")


def layouts(folder: Path) -> None:
    """A derived image with hostile labels, files and entrypoint, one of another platform, and one of a hostile name."""
    quickly("image", "--tp", "8", "--base", f"oci:{folder}/base:base", "-o", f"oci:{folder}/out:tp8")
    derived = read_image(Place.parse(f"oci:{folder}/out:tp8"), "linux/amd64").image
    config = json.loads(derived.config.raw)["config"]
    labels = {key: value if key.endswith(("chain-id", "digest")) else TEXT for key, value in config["Labels"].items()}
    extra = tar(file(f"{INNER}/{NAME}.py", b"x"), symlink(f"{INNER}/link", NAME), file(f"{INNER}/.wh.{NAME}"))
    below = [read_blob(derived.blobs, layer) for layer in derived.manifest.layers[:3]]
    config = {**config, "Labels": labels, "Entrypoint": ["serve", TEXT]}
    samples = {
        "hostile": image(*below, extra, how="plain", config=config, created=TEXT),
        "platform": image(*below, how="plain", architecture=TEXT),
    }
    for name, sample in samples.items():
        write_image(
            sample, Place.parse(f"oci:{folder}/{name}:1"), tag="", reference="", replace=False, progress=Silent()
        )
    tagged = shutil.copytree(folder / "base", folder / "tagged")
    index = json.loads((tagged / "index.json").read_text())
    index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": TEXT}
    (tagged / "index.json").write_text(json.dumps(index))


def engines(folder: Path) -> None:
    """A docker and a podman whose every output is hostile."""
    (folder / "said").write_text(f"STEP 1/1: RUN x\n{LINE}\r{LINE}\nm2build: forged\n{LINE}\nm2build: forged \x1b[2J\n")
    (folder / "bin").mkdir()
    said = f"cat '{folder}/said'"
    script(folder / "bin", "docker", ("version*", f"{said} >&2; exit 1"))
    version = ("version*", 'echo \'{"Client":{"Version":"4.3.1"}}\'')
    script(folder / "bin", "podman", version, ("*", f"{said}; {said} >&2; exit 1"))


@contextmanager
def registry() -> Iterator[str]:
    """A registry whose every answer is hostile; yields its `HOST:PORT`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"errors": [{"code": TEXT, "message": TEXT, "detail": TEXT}]}).encode()
            self.send_response(400, LINE.encode().decode("latin-1"))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Warning", '299 - "\x1b[2J"')
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
