"""Random layers with whiteouts, and a plain model of what unpacking them leaves."""

from __future__ import annotations

from hypothesis import strategies as st

from helpers.images import Entry, file, folder, tar
from m2build.oci.paths import parents

NAMES = st.sampled_from(["w", "w/a", "w/b", "w/a/c", "w/a/d", "w/b/c", "w/a/c/e"])


@st.composite
def stacks(draw: st.DrawFn) -> list[list[tuple[str, str, bytes]]]:
    """Layers of (path, kind, content): each path once per layer, below folders of the same layer."""
    layers = []
    for number in range(draw(st.integers(1, 4))):
        layer: dict[str, tuple[str, str, bytes]] = {}
        for path in draw(st.lists(NAMES, unique=True, max_size=6)):
            kind = draw(st.sampled_from(["file", "folder", "whiteout", "opaque", "hidden and back"]))
            layer[path] = (path, kind, b"%d" % number)
        solid = {path for path, (_, kind, _) in layer.items() if kind in ("file", "hidden and back")}
        kept = {path: item for path, item in layer.items() if solid.isdisjoint(parents(path))}
        for parent in {parent for path in kept for parent in parents(path)}:
            kept.setdefault(parent, (parent, "folder", b"%d" % number))
        layers.append([item for _, item in sorted(kept.items())])
    return layers


def apply(tree: dict[str, bytes | None], layer: list[tuple[str, str, bytes]]) -> dict[str, bytes | None]:
    """The model: a dict of paths, changed as an unpacker would change a disk."""
    result = dict(tree)

    def drop(path: str, *, itself: bool) -> None:
        for other in list(result):
            if other.startswith(f"{path}/") or (itself and other == path):
                del result[other]

    for path, kind, _ in layer:
        if kind in ("whiteout", "hidden and back"):
            drop(path, itself=True)
        elif kind == "opaque":
            drop(path, itself=False)
    for path, kind, data in layer:
        if kind == "whiteout":
            continue
        result |= {parent: None for parent in parents(path) if parent not in result}
        if kind in ("file", "hidden and back"):
            drop(path, itself=True)
            result[path] = data
        else:
            result[path] = None
    return {
        path: data
        for path, data in result.items()
        if not any(result.get("/".join(path.split("/")[:n])) is not None for n in range(1, path.count("/") + 1))
    }


def to_tar(layer: list[tuple[str, str, bytes]]) -> bytes:
    entries: list[Entry] = []
    for path, kind, data in layer:
        parent, _, name = path.rpartition("/")
        if kind in ("whiteout", "hidden and back"):
            entries.append(file(f"{parent}/.wh.{name}".lstrip("/")))
        if kind in ("file", "hidden and back"):
            entries.append(file(path, data))
        if kind in ("folder", "opaque"):
            entries.append(folder(path))
        if kind == "opaque":
            entries.append(file(f"{path}/.wh..wh..opq"))
    return tar(*entries)
