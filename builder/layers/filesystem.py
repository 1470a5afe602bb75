"""An image's content at some paths: its layers as one view, read from the top, streamed, never unpacked.

The rules are those of the OCI image specification's layer.md: an upper layer's entry wins, `.wh.NAME` hides NAME and
everything below it in lower layers, `.wh..wh..opq` hides everything in its folder there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from m2build.errors import ContentError
from m2build.layers.cache import MemberCache
from m2build.layers.contents import MOST_WANTED, linked, most_content
from m2build.layers.members import OPAQUE, WHITEOUT, Wanted
from m2build.layers.reader import LayerReader
from m2build.local.sorted_paths import SortedPaths
from m2build.oci.digest import Digest
from m2build.oci.image import Image
from m2build.oci.paths import parents
from m2build.oci.tar import Kind, Member
from m2build.progress import Progress


class Filesystem(SortedPaths[Member]):
    """Path -> entry, for the paths that were read. Immutable, sorted by path."""

    def __init__(
        self,
        entries: Mapping[str, Member],
        layers: Mapping[str, Digest] = MappingProxyType({}),
        by_table: Iterable[Digest] = (),
    ) -> None:
        """Take what was read.

        Args:
            entries: path -> entry.
            layers: path -> the layer that its entry is from; empty where layers were not read.
            by_table: the layers of which only the tables of contents tell what they hold.
        """
        super().__init__(entries)
        self.layers = MappingProxyType(dict(layers))
        self.by_table = frozenset(by_table)


def read_filesystem(image: Image, wanted: Wanted, progress: Progress, cache: MemberCache | None = None) -> Filesystem:
    """The image's entries at the wanted paths, and the folders above them.

    A layer is read to its end and checked against its digest, a small one against its diff_id too; one whose table of
    contents is to be believed (`Image.reading`) is read by that. Layers whose wanted members are in the cache are not
    read, nor are those whose wanted paths upper layers hide. Several layers are read at a time (`Order`). A hard link
    becomes the file that it points to, anywhere in the image.

    Args:
        image: the image.
        wanted: the paths.
        progress: receives which layer is read.
        cache: members of layers that were read before, or None.

    Raises:
        TransferBudgetError: more would be fetched than the image's bound.
        ContentError: a layer is missing, truncated, altered or hostile, or writes a wanted file through a link, which
            umoci and containerd put where the link leads. The message names the layer and the member.
    """
    most = most_content(sum(layer.size for layer in image.manifest.layers))
    view, reader = _View(wanted, most), LayerReader(image, wanted, progress, cache)
    for position, layer in enumerate(image.manifest.layers[::-1]):
        if view.is_settled:
            break
        members = reader.members(position, replace(wanted, entries=wanted.entries | view.awaited))
        view.add(members, layer.digest)
    return Filesystem(view.finished(), view.layers, reader.by_table)


class _View:
    """The union of the layers seen so far, from the top."""

    def __init__(self, wanted: Wanted, most: int) -> None:
        self._wanted = wanted
        self._most = most
        self._entries: dict[str, Member] = {}
        self._hidden: set[str] = set()
        self._opaque: set[str] = set()
        self._layers: dict[str, Digest] = {}
        self._links: dict[str, Digest] = {}
        self._implied: set[str] = set()
        self._whiteouts: dict[str, Digest] = {}

    @property
    def layers(self) -> Mapping[str, Digest]:
        """The layer of each path that has an entry."""
        return self._layers

    @property
    def awaited(self) -> frozenset[str]:
        """The targets of hard links that no layer has shown yet."""
        return frozenset(self._entries[path].target for path in self._links)

    @property
    def is_settled(self) -> bool:
        """Whether lower layers cannot change the view."""
        above = {parent for path in (*self._wanted.trees, *self._wanted.entries) for parent in parents(path)}
        return (
            not self._links
            and not self._wanted.markers
            and all(self._is_covered(tree, below=True) for tree in self._wanted.trees)
            and all(path in self._entries or self._is_covered(path) for path in (*self._wanted.entries, *above))
        )

    def _is_covered(self, path: str, *, below: bool = False) -> bool:
        """Whether a path in lower layers is hidden; with `below`, everything below it."""
        if "" in self._opaque or path in self._hidden or (below and path in self._opaque):
            return True
        above = parents(path)
        return not (self._hidden.isdisjoint(above) and self._opaque.isdisjoint(above))

    def add(self, layer: Mapping[str, Member], digest: Digest) -> None:
        """Add the next lower layer."""
        implied = {path for path, member in layer.items() if member.kind is Kind.IMPLIED}
        self._implied |= {path for path in implied if self._is_visible(path)}
        layer = {path: member for path, member in layer.items() if path not in implied}
        visible = {path: member for path, member in layer.items() if self._is_visible(path)}
        self._entries |= visible
        self._layers |= dict.fromkeys(visible, digest)
        self._check_total()
        self._links |= {path: digest for path, member in visible.items() if member.kind is Kind.HARD_LINK}
        for path in list(self._links):
            self._follow(path, layer)
        covering = {path for path in layer if path.rpartition("/")[2].startswith(WHITEOUT)}
        self._whiteouts |= dict.fromkeys((path for path in covering if not self._is_covered(path)), digest)
        for path, member in layer.items():
            folder, _, name = path.rpartition("/")
            if name == OPAQUE:
                self._opaque.add(folder)
            elif name.startswith(WHITEOUT):
                self._hidden.add(f"{folder}/{name.removeprefix(WHITEOUT)}".lstrip("/"))
            elif member.kind is not Kind.FOLDER:
                self._hidden.add(path)

    def finished(self) -> dict[str, Member]:
        """The view, once all layers are added. Folders without an entry are as unpackers make them: root's, 0755.

        Raises:
            ContentError: the target of a hard link is missing, or a layer writes through a link.
        """
        for path, digest in self._links.items():
            raise ContentError(
                f"the layer {digest}: the hard link {path} points to {self._entries[path].target}, which is missing"
            )
        solid = {path for path, member in self._entries.items() if member.kind is not Kind.FOLDER}
        links = {path for path in solid if self._entries[path].kind is Kind.SYMLINK}
        through = {path: digest for path, digest in self._whiteouts.items() if not links.isdisjoint(parents(path))}
        for path, digest in (*self._layers.items(), *through.items()):
            if not solid.isdisjoint(parents(path)):
                raise ContentError(
                    f"the layer {digest} writes /{path} below something that is not a folder",
                    hint="unpackers treat that differently; engines write a file under its real path",
                )
        implied = (path for path in self._implied - self._entries.keys() if solid.isdisjoint(parents(path)))
        return self._entries | {path: Member(path, Kind.FOLDER, 0o755) for path in implied}

    def _is_visible(self, path: str) -> bool:
        if not self._wanted.concerns(path) or path.rpartition("/")[2].startswith(WHITEOUT):
            return False
        return path not in self._entries and not self._is_covered(path)

    def _follow(self, path: str, layer: Mapping[str, Member]) -> None:
        """Replace a hard link by its target, if this layer holds it; if that is a link itself, follow it."""
        target = layer.get(self._entries[path].target)
        if target is None:
            return
        if target.kind is Kind.HARD_LINK:
            self._entries[path] = replace(self._entries[path], target=target.target)
            return
        self._entries[path] = linked(self._entries[path], target)
        del self._links[path]

    def _check_total(self) -> None:
        """Check that the sources are not too large for the image's size.

        Raises:
            ContentError: they are.
        """
        if sum(len(member.content) for member in self._entries.values()) > self._most:
            raise ContentError(f"its sources have more than {self._most} bytes, too many for the size of its layers")
        if len(self._entries) > MOST_WANTED:
            raise ContentError(f"its sources have more than {MOST_WANTED} files")
