"""Small root file systems with real tools, and the entries of an unpacked one."""

from __future__ import annotations

import hashlib
import re
import stat
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from helpers.bases import MODELS, ROOT, bytecode, sources
from helpers.images import Entry, entry, file, folder, image, tar
from helpers.support import need_root, need_tool
from m2build.oci.image import Image
from m2build.places.place import Place, PlaceKind
from m2build.places.transports import write_image
from m2build.progress import Silent

COREUTILS = ("chmod", "chown", "mkdir", "rm", "sha256sum")
Seen = dict[str, tuple[Any, ...]]


@cache
def libraries(program: Path) -> Mapping[str, Path]:
    """The libraries that a program loads, by where a root file system has them."""
    run = subprocess.run(["ldd", program], capture_output=True, text=True, check=True)
    found = re.findall(r"(?:=> |^\t)(/\S+)", run.stdout, re.MULTILINE)
    return {path.lstrip("/"): Path(path) for path in found}


def tools(*names: str) -> list[Entry]:
    """This machine's shell, coreutils and the named tools, with the libraries that they load."""
    files = {"bin/sh": Path(need_tool("sh"))}
    files |= {f"usr/bin/{name}": Path(need_tool(name)) for name in (*COREUTILS, *names)}
    for path in list(files.values()):
        files |= libraries(path)
    folders = {str(parent) for name in files for parent in Path(name).parents} - {"."}
    modes = {"tmp": 0o1777, "dev": 0o755, "etc": 0o755, "proc": 0o755, "sys": 0o755, "run": 0o755}
    made = [folder(name) for name in sorted(folders)] + [folder(name, mode=mode) for name, mode in modes.items()]
    # Tools read these: git looks for its user, buildah for root's home.
    passwd = file("etc/passwd", b"root:x:0:0:root:/:/bin/sh\napp:x:1000:1000:app:/:/bin/sh\n")
    group = file("etc/group", b"root:x:0:\napp:x:1000:\n")
    # Builders mount something over these, and leave empty files behind if there are none.
    mounted = [file(f"etc/{name}") for name in ("hostname", "hosts", "resolv.conf")]
    devices = [entry("dev/null", tarfile.CHRTYPE, mode=0o666, devmajor=1, devminor=3)]
    programs = [file(name, path.read_bytes(), mode=0o755) for name, path in sorted(files.items())]
    return [*made, passwd, group, *mounted, *devices, *programs]


def repository() -> list[Entry]:
    """Files that make git see a repository above the sources, as in SGLang's image, and convert lines."""
    git = f"{ROOT.rpartition('/')[0]}/.git"
    folders = [folder(git), folder(f"{git}/objects"), folder(f"{git}/refs")]
    config = b"[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
    converting = [file(name, b"[core]\n\tautocrlf = true\n") for name in ("etc/gitconfig", ".gitconfig")]
    return [*folders, file(f"{git}/HEAD", b"ref: refs/heads/main\n"), file(f"{git}/config", config), *converting]


def base_with(*names: str, extra: Sequence[Entry] = (), uid: int = 1000, gid: int = 1001, **members: Any) -> Image:
    """A base with tools, the sources with their owner in a repository, and a later layer with bytecode."""
    opt = folder("opt", mode=0o711, uid=3, gid=4)
    upper = tar(*bytecode(), *extra)
    return image(
        tar(*tools(*names), opt), tar(*sources(uid=uid, gid=gid), *repository()), upper, how="plain", **members
    )


def unpacked(built: Image, folder: Path) -> Path:
    """The root file system that umoci unpacks from an image."""
    need_root("sets owners and changes roots")
    place = Place(PlaceKind.OCI, str(folder / "layout"), "v1")
    write_image(built, place, tag="", reference="", replace=False, progress=Silent())
    command = [need_tool("umoci"), "unpack", "--image", f"{folder}/layout:v1", f"{folder}/bundle"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return folder / "bundle" / "rootfs"


def content(root: Path) -> Seen:
    """Path -> kind, mode, owner, and SHA-256 or target."""
    return {str(path.relative_to(root)): _described(path) for path in _walk(root)}


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def _described(path: Path) -> tuple[Any, ...]:
    status = path.lstat()
    kind = stat.S_IFMT(status.st_mode)
    data = ""
    if stat.S_ISREG(kind):
        data = hashlib.sha256(path.read_bytes()).hexdigest()
    elif stat.S_ISLNK(kind):
        data = str(path.readlink())
    return stat.filemode(kind), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, data


def tampered() -> Entry:
    """One of the files to patch, with one byte altered."""
    return file(f"{MODELS}/kimi_linear.py", b"from sglang.srt.models.transformers import maybe_prefix;", mode=0o640)
