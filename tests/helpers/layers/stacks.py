"""Stacks of layers with whiteouts, links and folders of all sorts; a view takes what is in the folder `w`."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from helpers.images import file, folder, hardlink, symlink, tar
from helpers.support import need_tool

W, W_D = folder("w"), folder("w/d")
STACKS: dict[str, list[bytes]] = {
    "upper wins": [tar(W, file("w/a", b"1", mode=0o600)), tar(W, file("w/a", b"2", mode=0o4755, uid=3, gid=4))],
    "whiteout": [tar(W, file("w/a"), folder("w/d"), file("w/d/b")), tar(W, file("w/.wh.a"), file("w/.wh.d"))],
    "whiteout and back": [tar(W, file("w/a", b"1")), tar(W, file("w/.wh.a")), tar(W, file("w/a", b"3"))],
    "replaced in one layer": [
        tar(W, folder("w/d"), file("w/d/a")),
        tar(W, file("w/.wh.d"), folder("w/d"), file("w/d/b")),
    ],
    "opaque": [tar(W, folder("w/d"), file("w/d/a")), tar(W, folder("w/d"), file("w/d/.wh..wh..opq"), file("w/d/b"))],
    "opaque root": [tar(W, file("w/a")), tar(W, file("w/.wh..wh..opq"), file("w/b"))],
    "file becomes folder": [tar(W, file("w/x")), tar(W, folder("w/x"), file("w/x/y"))],
    "folder becomes file": [tar(W, folder("w/x"), file("w/x/y")), tar(W, file("w/x"))],
    "folder, file, folder": [tar(W, folder("w/x"), file("w/x/old")), tar(W, file("w/x")), tar(W, folder("w/x"))],
    "folder becomes link": [tar(W, folder("w/x"), file("w/x/y")), tar(W, symlink("w/x", "elsewhere"))],
    "link becomes folder": [tar(W, symlink("w/x", "elsewhere")), tar(W, folder("w/x"), file("w/x/y"))],
    "folder mode changes": [tar(W, folder("w/x", 0o700), file("w/x/y")), tar(W, folder("w/x", 0o711, uid=9))],
    "hard link": [tar(W, file("w/a", b"one", mode=0o640, uid=1), hardlink("w/b", "w/a"))],
    "hard link below": [tar(W, file("w/a", b"one")), tar(W, hardlink("w/b", "w/a"))],
    "hard link, then changed": [tar(W, file("w/a", b"1"), hardlink("w/b", "w/a")), tar(W, file("w/a", b"2"))],
    "hard link to outside": [tar(folder("o"), file("o/a", b"out"), W, hardlink("w/b", "o/a"))],
    "hard link to outside below": [tar(folder("o"), file("o/a", b"out"), W), tar(W, hardlink("w/b", "o/a"))],
    "hard link chain": [tar(W, file("w/a", b"1"), hardlink("w/b", "w/a"), hardlink("w/c", "w/b"))],
    "written with ./": [tar(folder("./"), folder("./w"), file("./w/a", b"1"))],
    "long and foreign names": [tar(W, file("w/" + "n" * 200, b"1"), file("w/ä ö", b"2"), symlink("w/l", "t" * 150))],
    "same name twice": [tar(W, file("w/a", b"1"), file("w/a", b"2"))],
    "whole tree gone": [tar(W, file("w/a")), tar(file(".wh.w"))],
    "leading slashes": [tar(folder("/"), folder("/w"), file("/w/a", b"1"), file("//w//./b/", b"2"), file("/w/c"))],
    "a whiteout with a slash": [tar(W, file("w/a"), folder("w/d"), file("w/d/b")), tar(file("/w/.wh.a"))],
    "an opaque folder with a slash": [tar(W, file("w/a")), tar(folder("/w"), file("/w/.wh..wh..opq"))],
    "a hard link's target with a slash": [
        tar(W, file("w/a", b"1"), hardlink("w/b", "/w//a"), hardlink("/w/c", "./w/b"))
    ],
    "back and forth": [tar(W, folder("o"), file("o/../w/a", b"1"), file("q/../w/b"), hardlink("w/c", "o/../w/a"))],
    "hard link to a symlink": [tar(W, symlink("w/l", "a"), hardlink("w/b", "w/l"), hardlink("w/c", "w/b"))],
    "hard link to a symlink below": [tar(W, folder("o"), symlink("o/l", "a")), tar(W, hardlink("w/b", "o/l"))],
    "hard link to a link outside": [
        tar(W, folder("o"), file("o/a", b"1"), hardlink("o/b", "o/a"), hardlink("w/c", "o/b"))
    ],
    "hard links down the layers": [
        tar(W, folder("o"), file("o/a", b"1")),
        tar(W, hardlink("o/b", "o/a")),
        tar(W, hardlink("w/c", "o/b"), hardlink("w/d", "w/c")),
    ],
    "hard link, then replaced at once": [tar(W, file("w/a", b"1"), hardlink("w/b", "w/a"), file("w/a", b"22"))],
    "a whiteout of the folder itself": [
        tar(W, folder("w/d"), file("w/d/x"), file("w/a")),
        tar(W, W_D, file("w/d/.wh..")),
    ],
    "a whiteout of no name": [tar(W, folder("w/d"), file("w/d/x"), file("w/a")), tar(W, W_D, file("w/d/.wh."))],
    "a whiteout that is a folder": [
        tar(W, file("w/a"), file("w/b")),
        tar(W, folder("w/.wh.a"), symlink("w/.wh.b", "x")),
    ],
    "no bytes": [tar(W, file("w/a", b"1")), b""],
    "zeros alone": [tar(W, file("w/a", b"1")), bytes(512)],
    "no end": [tar(W, file("w/a", b"1"))[:1536]],
    "garbage behind the end": [tar(W, file("w/a", b"1")) + b"garbage" * 100],
}


def _sparse(version: str) -> bytes:
    """A file with holes, as GNU tar writes it in PAX format."""
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "w").mkdir(mode=0o755)
        with (Path(place) / "w" / "a").open("wb") as out:
            out.write(b"begin")
            out.seek(200_000)
            out.write(b"middle")
            out.truncate(300_000)
        how = ["--sparse", "--format=pax", f"--sparse-version={version}", "--mtime=@1700000000.5"]
        command = [need_tool("tar"), *how, "-cf", "-", "-C", place, "w"]
        return subprocess.run(command, capture_output=True, check=True).stdout


STRANGE: dict[str, list[bytes]] = {
    **{f"sparse, PAX {version}": [_sparse(version)] for version in ("0.0", "0.1", "1.0")},
    "PAX records without a value": [
        tar(W, file("w/a", b"1" * 600, pax_headers=dict.fromkeys(("path", "size", "mtime", "uid"), ""))),
        tar(W, symlink("w/l", "t", pax_headers={"linkpath": ""}), file("w/b", pax_headers={"mtime": "+5"})),
    ],
    "a hard link to a file that AUFS keeps": [
        tar(W, folder(".wh..wh.plnk"), file(".wh..wh.plnk/1", b"1", mode=0o600), hardlink("w/a", ".wh..wh.plnk/1"))
    ],
    "a file, not padded": [tar(W, file("w/a", b"1"))[:1025]],
    "a file, padded in part": [tar(W, file("w/a", b"1" * 600), file("w/b", b"1" * 600))[: 512 + 1536 + 512 + 700]],
    "times of before 1970 and after 2038": [
        tar(W, file("w/a", mtime=-5), folder("w/d", mtime=1 << 41), file("w/b", mtime=1 << 33))
    ],
    "a hard link, then its target hidden": [tar(W, file("w/a", b"1")), tar(W, hardlink("w/b", "w/a"), file("w/.wh.a"))],
}
"""Those that no table of contents describes."""

NO_ENTRY: dict[str, list[bytes]] = {
    "none at all": [tar(file("w/d/e/a", b"1"), file("w/b"))],
    "one in a lower layer": [tar(W, folder("w/d", 0o700, uid=3)), tar(file("w/d/x"))],
    "one in an upper layer": [tar(file("w/d/x")), tar(W, folder("w/d", 0o711, uid=3))],
    "one that is hidden": [tar(W, folder("w/d", 0o700), file("w/d/y")), tar(file("w/.wh.d"), file("w/d/x"))],
    "one that comes later": [tar(file("w/d/x"), folder("w/d", 0o711), W)],
    "left empty": [tar(W, file("w/d/x")), tar(file("w/d/.wh.x"))],
    "hidden by another layer": [tar(W, file("w/d/e/x")), tar(file("w/.wh.d"))],
    "replaced by a file": [tar(W, file("w/d/x")), tar(file("w/d", b"1"))],
    "replaced by a link": [tar(W, file("w/d/e/x")), tar(symlink("w/d", "elsewhere"))],
}
