"""A real base: Debian with git and Python, SGLang's sources in their repository, and layers above them, by crane."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import subprocess
import tarfile
import tempfile
from pathlib import Path

from helpers.images import Entry, file, tar
from helpers.patches.trees import write
from helpers.registry.registries import run
from helpers.support import lacking, need_root, need_tool
from m2build.patches.tree import SourceTree

REPOSITORY = "sgl-workspace/sglang"
PACKAGE = f"{REPOSITORY}/python"
TOUCHED = f"{PACKAGE}/sglang/srt/models/kimi_linear.py"
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONPATH": f"/{PACKAGE}",
}
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "them", "GIT_AUTHOR_EMAIL": "them", "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "them", "GIT_COMMITTER_EMAIL": "them", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}  # fmt: skip
LABELS = {"maintainer": "them", "keep": "this", "org.opencontainers.image.version": "22.04"}


def debian_root(cache: Path) -> Path:
    """A root file system with git and the whole of python3, of the machine's own release of Debian, as a tar.gz.

    It is made once, in half a minute, and kept in a folder named by the digest of its specification.
    """
    need_root("makes a root file system")
    sources = _package_sources()
    unwanted = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "i18n", "info", "locale", "man")]
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    command = [need_tool("mmdebstrap"), "--variant=essential", "--include=git,python3", *unwanted, suite]
    asked = hashlib.sha256(json.dumps([command, sources.read_text()]).encode()).hexdigest()
    root = cache / f"{asked[:16]}.tar.gz"
    if not root.exists():
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            made = Path(folder) / "root.tar.gz"
            done = subprocess.run([*command, str(made), str(sources)], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-4000:]
            made.replace(root)
    return root


def _package_sources() -> Path:
    """Where apt gets its packages: the first source, as in `.ci/fetch-debs`."""
    folder = Path("/etc/apt/sources.list.d")
    candidates = [folder / "debian.sources", *sorted(folder.glob("*.sources")), Path("/etc/apt/sources.list")]
    found = next((path for path in candidates if path.is_file() and path.stat().st_size), None)
    return found or lacking("apt has no sources")


def push_base(name: str, root: Path, tree: SourceTree, folder: Path, *, oci: bool) -> str:
    """Push an image like SGLang's, with OCI's or Docker's media types, and return its name."""
    later = [folder / "etc.tar", folder / "opt.tar"]
    for path in later:
        path.write_bytes(tar(file(f"{path.stem}/marker", b"a later layer\n")))
    layers = [f"--new_layer={path}" for path in (root, _sources_layer(tree, folder), *later)]
    run("crane", "append", *layers, f"--oci-empty-base={str(oci).lower()}", f"--new_tag={name}")
    settings = [
        "--set-platform=linux/amd64", "--entrypoint=/bin/sh", f"--workdir=/{REPOSITORY}",
        *(f"--env={key}={value}" for key, value in ENVIRONMENT.items()),
        *(f"--label={key}={value}" for key, value in LABELS.items()),
    ]  # fmt: skip
    run("crane", "mutate", name, *settings, f"--tag={name}")
    return name


def _sources_layer(tree: SourceTree, folder: Path) -> Path:
    """The sources as the image has them, in a git repository with one commit, owned by root; always the same bytes."""
    write(tree, folder / "tree" / PACKAGE)
    commands = "init --quiet", "add .", "commit --quiet --message=v0.5.7", "tag v0.5.7", "read-tree HEAD"
    for command in commands:  # the last one takes the times and numbers of files out of the index
        run("git", "-C", str(folder / "tree" / REPOSITORY), *command.split(), environment={**os.environ, **GIT})
    layer = folder / "sglang.tar"
    fixed = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"]
    run("tar", *fixed, f"--file={layer}", f"--directory={folder / 'tree'}", "--create", "sgl-workspace")
    return layer


def push_tampered(base: str, folder: Path) -> str:
    """Push a base with one more layer, which alters one byte of a file that the patches touch."""
    info, content = _touched(base)
    at = content.index(b"# ") + 2  # in a comment, where Python does not see it
    layer = folder / "tampered.tar"
    layer.write_bytes(tar((info, content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])))
    name = f"{base}-tampered"
    run("crane", "append", f"--base={base}", f"--new_layer={layer}", f"--new_tag={name}")
    return name


def _touched(base: str) -> Entry:
    """The file as the base's second layer has it."""
    digest = json.loads(run("crane", "manifest", base))["layers"][1]["digest"]
    layer = run("crane", "blob", f"{base.rpartition(':')[0]}@{digest}")
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        info = archive.getmember(TOUCHED)
        reader = archive.extractfile(info)
        assert reader is not None
        return info, reader.read()
