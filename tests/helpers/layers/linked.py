"""Layers that write through symbolic links of their own; everything is below the folder `w`.

Each case is a stack of layers, so that it can be placed in a folder of a larger image, beside the others.
"""

from __future__ import annotations

import tarfile

from helpers.images import Entry, file, folder, hardlink, symlink, tar

W, D = folder("w"), folder("w/d")
X = file("w/d/x", b"1")
L = symlink("w/l", "d")
Stack = list[list[Entry]]

EVERYWHERE: dict[str, Stack] = {
    "through a relative link": [[W, D, L, file("w/l/a", b"1")]],
    "through an absolute link": [[W, D, symlink("w/l", "/w/d"), file("w/l/a", b"1")]],
    "folders through a link": [[W, D, L, folder("w/l/e", 0o700), file("w/l/e/b", b"2")]],
    "a chain": [[W, D, folder("w/d/e"), symlink("w/k", "../w"), symlink("w/l", "k/d"), file("w/l/e/a", b"1")]],
    "a chain whose end comes first": [[W, D, symlink("w/l", "k/d"), symlink("w/k", "../w"), file("w/l/a", b"1")]],
    "up and down": [[W, D, folder("w/o"), folder("w/o/p"), symlink("w/o/p/l", "../../d"), file("w/o/p/l/a", b"1")]],
    "a link through a link": [[W, D, folder("w/d/e"), L, symlink("w/l/s", "e"), file("w/l/s/z", b"1")]],
    "the same file by both names": [[W, D, X, L, file("w/l/x", b"22")]],
    "a hard link's target": [[W, D, X, L, hardlink("w/b", "w/l/x")]],
    "a hard link's name": [[W, D, X, L, hardlink("w/l/b", "w/d/x"), hardlink("w/l/c", "w/l/b")]],
    "a hard link to a link": [[W, D, symlink("w/k", "d"), hardlink("w/l", "w/k"), file("w/l/a", b"1")]],
    "into a folder of a lower layer": [[W, D, X], [W, D, L, file("w/l/a", b"2")]],
    "a whiteout in a folder of a lower layer": [[W, D, X], [W, D, L, file("w/l/.wh.x"), file("w/l/y")]],
    "an opaque folder of a lower layer": [[W, D, X], [W, D, L, file("w/l/.wh..wh..opq"), file("w/l/y")]],
    "a link in place of a folder below": [[W, D, X], [W, file("w/.wh.d"), symlink("w/d", "e"), folder("w/e"), X]],
    "eight links": [
        [W, D, symlink("w/k0", "d"), *(symlink(f"w/k{n}", f"k{n - 1}") for n in range(1, 8)), file("w/k7/a", b"1")]
    ],
}
"""What umoci and both of Docker's stores read, and read alike."""

MOST: dict[str, Stack] = {
    "replaced by a folder": [[W, D, L, file("w/l/a", b"1"), folder("w/l"), file("w/l/b", b"2")]],
    "replaced by a link": [
        [W, D, folder("w/e"), L, file("w/l/a", b"1"), symlink("w/l", "e"), file("w/l/b", b"2")]
    ],
    "replaced by a file": [[W, D, L, file("w/l/a", b"1"), file("w/l")]],
    "replaced by a hard link": [[W, D, file("w/x"), L, file("w/l/a", b"1"), hardlink("w/l", "w/x")]],
    "in place of an empty folder": [[W, folder("w/l"), D, L, file("w/l/b", b"2")]],
    "to a folder without an entry": [[W, symlink("w/l", "d/e"), file("w/l/f/a", b"1")]],
    "forty links": [
        [W, D, symlink("w/k0", "d"), *(symlink(f"w/k{n}", f"k{n - 1}") for n in range(1, 40)), file("w/k39/a", b"1")]
    ],
}  # fmt: skip
"""What umoci and Docker's store of containerd read; Docker's older store refuses some of it."""

UMOCI: dict[str, Stack] = {
    "a hard link's target in a lower layer": [[W, D, X], [W, D, L, hardlink("w/b", "w/l/x")]],
}
"""What Docker cannot unpack on overlay file systems, with and without a symbolic link on the way."""

REFUSED: dict[str, tuple[Stack, str]] = {
    "a loop": ([[W, symlink("w/l", "k"), symlink("w/k", "l"), file("w/l/a")]], "is written through more than 40 links"),
    "forty-one links": (
        [[W, D, symlink("k0", "w/d"), *(symlink(f"k{n}", f"k{n - 1}") for n in range(1, 41)), file("k40/a")]],
        "a member of /k40 is written through more than 40 links, such as /k0",
    ),
    "a link to a file": ([[W, file("w/x"), symlink("w/l", "x"), file("w/l/a")]], "writes /w/x/a below something"),
    "a link in place of a full folder": (
        [[W, folder("w/l"), file("w/l/a"), D, L, file("w/l/b")]],
        "writes /w/l/a below something that is not a folder",
    ),
    "a hard link through a later link": ([[W, D, hardlink("w/b", "w/l/x"), L, X]], "points to w/l/x, which is missing"),
    "up through a link": (
        [[W, D, folder("w/d/e"), symlink("w/k", "d/e"), symlink("w/l", "k/.."), file("w/l/a", b"1")]],
        "through links with `..`, which engines read in two ways: to /w/d or /w",
    ),
    "too deep through links": (
        [[W, symlink("w/l", "/".join(["d"] * 200)), file("w/l/" + "e/" * 100 + "a")]],
        "is written through links to an impossible name",
    ),
}
"""What is refused, and how. umoci follows more links than Linux, replaces full folders, and goes up as Linux does where
containerd does not; the rest no engine reads."""


def layers_of(stack: Stack) -> list[bytes]:
    return [tar(*entries) for entries in stack]


def together(stacks: dict[str, Stack]) -> list[bytes]:
    """The layers of one image that has each stack in a folder of its own, `s0`, `s1` ..."""
    placed = [
        [[_placed(entry, f"s{n}") for entry in layer] for layer in stack] for n, stack in enumerate(stacks.values())
    ]
    height = max(map(len, placed))
    folders = [folder(f"s{n}") for n in range(len(placed))]
    return [
        tar(*folders, *(entry for stack in placed for entry in (stack[number] if number < len(stack) else ())))
        for number in range(height)
    ]


def _placed(entry: Entry, below: str) -> Entry:
    info, content = entry
    moved = tarfile.TarInfo(f"{below}/{info.name}")
    for name in ("type", "size", "mtime", "mode", "linkname"):
        setattr(moved, name, getattr(info, name))
    if info.islnk():
        moved.linkname = f"{below}/{info.linkname}"
    elif info.linkname.startswith("/"):
        moved.linkname = f"/{below}{info.linkname}"
    return moved, content
