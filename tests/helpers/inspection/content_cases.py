"""Layers on a small base, whose content is equal to the base, equal to each other, or different."""

from __future__ import annotations

import tarfile

from helpers.images import entry, file, folder, hardlink, symlink, tar

Layers = tuple[bytes, ...]
W, D = folder("w", 0o750, uid=5), folder("w/d")
BASE = tar(
    folder("etc"), file("etc/a", b"1", mode=0o640, uid=3, gid=4), symlink("etc/l", "a"), folder("usr"),
    symlink("bin", "usr"), W, file("w/x", b"x"), hardlink("w/h", "w/x"), D, file("w/d/1", b"1"), file("w/d/2", b"2"),
    folder("w/d/e"), file("w/d/e/3", b"3"),
)  # fmt: skip
ONE, TWO, E, THREE = file("w/d/1", b"1"), file("w/d/2", b"2"), folder("w/d/e"), file("w/d/e/3", b"3")

NO_DIFFERENCE: dict[str, Layers] = {
    "nothing": (),
    "an empty layer": (tar(),),
    "folders listed again": (tar(folder("etc", mtime=5), W, D),),
    "a file written again": (tar(folder("etc"), file("etc/a", b"1", mode=0o640, uid=3, gid=4, mtime=5)),),
    "owners' names": (tar(file("etc/a", b"1", mode=0o640, uid=3, gid=4, uname="daemon", gname="adm")),),
    "a link written again": (tar(folder("etc"), symlink("etc/l", "a", mode=0o700, mtime=5)),),
    "a hard link as a file": (tar(W, file("w/h", b"x")),),
    "a whiteout of nothing": (tar(W, file("w/.wh.absent"), file(".wh.absent")),),
    "added and removed": (tar(W, file("w/new")), tar(W, file("w/.wh.new"))),
    "removed and restored": (tar(W, file("w/.wh.x")), tar(W, file("w/x", b"x"))),
    "removed and restored at once": (tar(W, file("w/.wh.x"), file("w/x", b"x")),),
    "changed and changed back": (tar(W, file("w/x", b"y")), tar(W, file("w/x", b"x"))),
    "a folder emptied and filled": (tar(W, D, file("w/d/.wh..wh..opq"), ONE, TWO, E, THREE),),
    "a folder removed and restored": (tar(W, file("w/.wh.d")), tar(W, D, ONE, TWO, E, THREE)),
    "AUFS's own files": (tar(W, folder("w/.wh..wh.plnk"), file("w/.wh..wh.aufs")),),
}

SAME: dict[str, tuple[Layers, ...]] = {
    "a file is added": (
        (tar(W, D, file("w/d/n", b"n")),),
        (tar(file("w/d/n", b"n")),),
        (tar(W, D, file("w/d/n", b"other")), tar(W, D, file("w/d/n", b"n", mtime=9))),
        (tar(W, D, file("w/d/n", b"n")), tar(W)),
    ),
    "a folder is removed": (
        (tar(W, file("w/.wh.d")),),
        (tar(W, D, file("w/d/.wh.1"), file("w/d/n")), tar(W, file("w/.wh.d"))),
        (tar(W, file("w/d")), tar(W, file("w/.wh.d"))),
    ),
    "a folder is emptied": (
        (tar(W, D, file("w/d/.wh..wh..opq")),),
        (tar(file("w/d/.wh..wh..opq")),),
        (tar(W, D, file("w/d/.wh.1"), file("w/d/.wh.2"), file("w/d/.wh.e")),),
        (tar(W, file("w/.wh.d")), tar(W, D)),
        (tar(W, file("w/.wh.d"), D),),
        (tar(W, file("w/d")), tar(W, D)),
    ),
    "a folder is partly replaced": (
        (tar(W, file("w/.wh.d")), tar(W, D, E, file("w/d/e/4"))),
        (tar(W, file("w/.wh.d")), tar(file("w/d/e/4"))),
        (tar(W, D, file("w/d/.wh..wh..opq"), E, file("w/d/e/4")),),
        (tar(W, D, file("w/d/.wh.1"), file("w/d/.wh.2"), E, file("w/d/e/.wh.3"), file("w/d/e/4")),),
    ),
    "a folder becomes a file": (
        (tar(W, file("w/d", b"d")),),
        (tar(W, file("w/.wh.d"), file("w/d", b"d")),),
        (tar(W, D, file("w/d/.wh..wh..opq")), tar(W, file("w/.wh.d")), tar(W, file("w/d", b"d"))),
        (tar(W, D, file("w/d/n")), tar(W, file("w/d", b"d"))),
    ),
    "a folder becomes a link": ((tar(W, symlink("w/d", "e")),), (tar(W, file("w/.wh.d"), symlink("w/d", "e")),)),
    "a file becomes a folder": (
        (tar(W, folder("w/x"), file("w/x/y")),),
        (tar(W, file("w/.wh.x")), tar(W, folder("w/x"), file("w/x/y"))),
    ),
    "two names of one file": (
        (tar(W, file("w/m", b"m"), hardlink("w/n", "w/m")),),
        (tar(W, file("w/m", b"m"), file("w/n", b"m")),),
    ),
    "another name of the base's file": ((tar(W, hardlink("w/n", "w/x")),), (tar(W, file("w/n", b"x")),)),
    "everything is removed": (
        (tar(file(".wh..wh..opq")),),
        (tar(file(".wh.w")), tar(*(file(f".wh.{name}") for name in ("etc", "usr", "bin")))),
    ),
}

DIFFERENT: dict[str, bytes] = {
    "content": tar(W, file("w/x", b"y")),
    "mode": tar(W, file("w/x", b"x", mode=0o600)),
    "set-user-ID": tar(W, file("w/x", b"x", mode=0o4644)),
    "owner": tar(W, file("w/x", b"x", uid=1)),
    "group": tar(W, file("w/x", b"x", gid=1)),
    "owner and group": tar(W, file("w/x", b"x", uid=1, gid=1)),
    "removed": tar(W, file("w/.wh.x")),
    "link in its place": tar(W, symlink("w/x", "h")),
    "link to elsewhere": tar(W, symlink("w/x", "d/1")),
    "pipe in its place": tar(W, entry("w/x", tarfile.FIFOTYPE, mode=0o644)),
    "folder in its place": tar(W, folder("w/x")),
    "a new file": tar(W, file("w/n", b"x")),
    "a new file elsewhere": tar(W, D, file("w/d/n", b"x")),
    "a new folder": tar(W, folder("w/n")),
    "a folder's mode": tar(folder("w", 0o700, uid=5)),
    "a folder's owner": tar(folder("w", 0o750)),
    "the root's mode": tar(folder("./", 0o777)),
    "the other name": tar(W, file("w/.wh.h")),
    "everything": tar(file(".wh..wh..opq")),
}
