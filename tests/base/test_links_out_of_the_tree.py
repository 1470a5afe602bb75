"""Sources that are hard links to files elsewhere: what comes of them does not depend on what a layout holds already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bases import MODELS, SOURCES, sources
from helpers.images import Entry, file, folder, hardlink, image, symlink, tar
from helpers.registry.faultproxy import Proxy, fault_proxy
from helpers.registry.registries import docker_registry, run, upload
from helpers.support import sampled

import m2build
from m2build.errors import ContentError

TP8 = m2build.load_recipe("minimax-m2").select(tp=8)
LINK, TARGET = f"{MODELS}/kimi_linear.py", "etc/real.py"
CONTENT = SOURCES["kimi_linear.py"]
TREE: list[Entry] = [folder("etc"), *(one for one in sources() if one[0].name != LINK)]
REAL, LINKED = file(TARGET, CONTENT), hardlink(LINK, TARGET)
BASES: dict[str, tuple[list[bytes], str | None]] = {
    "same-layer": ([tar(*TREE, REAL, LINKED)], None),
    "lower-layer": ([tar(folder("etc"), REAL), tar(*TREE, LINKED)], None),
    "link": ([tar(*TREE, file("etc/a", CONTENT), symlink(TARGET, "a"), LINKED)], None),
    "replaced": ([tar(folder("etc"), REAL), tar(*TREE, LINKED), tar(file(TARGET, b"x = 1\n"))], None),
    "missing": ([tar(*TREE, LINKED)], "which is missing"),
    "later": ([tar(*TREE, LINKED, REAL)], "comes after a hard link to it"),
    "folder": ([tar(*TREE, hardlink(LINK, "etc"))], "which is a folder"),
}
"""A base's layers, and what is said if it is refused."""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with docker_registry(tmp_path_factory.mktemp("bases")) as host:
        for name, (layers, _) in BASES.items():
            upload(host, f"team/{name}", image(*layers), "v1")
        with fault_proxy(host) as proxy:
            yield proxy


@pytest.mark.parametrize("name", sampled(BASES, 3))
def test_the_answer_is_the_one_of_an_empty_layout(name: str, proxy: Proxy, tmp_path: Path) -> None:
    """With cold caches; and no layer is fetched twice."""
    base = f"{proxy.host}/team/{name}:v1"
    run("skopeo", "copy", "--src-tls-verify=false", f"docker://{base}", f"oci:{tmp_path}/held:base")
    answers = {derived(base, tmp_path, target, proxy) for target in ("empty", "held")}
    assert len(answers) == 1
    said = BASES[name][1]
    assert said is None or said in answers.pop()


def derived(base: str, folder: Path, target: str, proxy: Proxy) -> str:
    """The digest of the image, or why there is none."""
    proxy.records.clear()
    with m2build.Session(cache=folder / f"cache-{target}") as session:
        try:
            (delivery,) = session.shipment([TP8], base, to=f"oci:{folder}/{target}:tp8").deliver()
            answer = str(delivery.digest)
        except ContentError as error:
            answer = str(error)
    fetched = Counter(path for method, path in proxy.requests if method == "GET" and "/blobs/" in path)
    assert not fetched or max(fetched.values()) == 1
    return answer
