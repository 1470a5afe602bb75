"""Tagged bases in a registry, with the code that decides which of the shipped patches a release needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from helpers.bases import MODELS, ROOT
from helpers.images import file, folder, image, tar
from helpers.registry.registries import docker_registry, noise, upload
from m2build.oci.image import Image

SYSTEM = tar(folder("bin"), noise(1 << 18))
"""A layer that all of them have, of 256 KiB."""
_CALLED = """\
import torch

class MiniMaxM2RMSNormTP:
    @torch.compile(dynamic=True)
    def forward(self, x): ...

class Attention:
    def forward(self, x):
        return self.q_norm(x)
"""
_USE = "from sglang.srt.models.transformers import maybe_prefix\n"
_NORMS: Mapping[str, str] = {
    "0.5.7": _CALLED,
    "0.5.9.dev3": _CALLED.replace("self.q_norm(x)", "x"),
    "0.5.9": _CALLED.replace("self.q_norm(x)", "x"),
    "0.5.10": _CALLED.replace("    @torch.compile(dynamic=True)\n", ""),
}
BASES: Mapping[str, str | None] = {
    "v0.5.7-rocm700-mi30x": "0.5.7",
    "v0.5.9-rocm720-mi30x": "0.5.9",
    "v0.5.10-rocm720-mi30x": "0.5.10",
    "v0.5.11-rocm720-mi30x": None,
    "v0.5.7-rocm700-mi35x": "0.5.7",
    "latest": "0.5.10",
}
"""Tag -> release of the sources; None for an image without any."""
NIGHTLY = "v0.5.9.dev3-rocm720-mi30x"
ARM = "v0.5.6-rocm700-mi30x"
FOR_ARM = image(SYSTEM, architecture="arm64")


@cache
def base(release: str | None) -> Image:
    """A base with the sources of a release."""
    if release is None:
        return image(SYSTEM)
    models = {"transformers.py": "", "kimi_linear.py": _USE, "minimax_m2.py": _NORMS[release]}
    files = {f"{MODELS}/{name}": text for name, text in models.items()}
    files |= {f"{ROOT}/sglang/__init__.py": "", f"{ROOT}/sglang/_version.py": f"__version__ = {release!r}\n"}
    parts = MODELS.split("/")
    folders = [folder("/".join(parts[:depth])) for depth in range(1, len(parts) + 1)]
    return image(SYSTEM, tar(*folders, *(file(path, text.encode()) for path, text in files.items())))


@contextmanager
def tagged_bases(place: Path) -> Iterator[str]:
    """A registry with `team/sglang` and, for a nightly build, `team/nightly`; yields `127.0.0.1:PORT`."""
    with docker_registry(place) as host:
        for tag, release in BASES.items():
            upload(host, "team/sglang", base(release), tag)
        upload(host, "team/sglang", FOR_ARM, ARM)
        for suffix in ("", ".sig"):  # what is attached to a base has a tag, and is none
            upload(host, "team/sglang", FOR_ARM, f"sha256-{64 * 'a'}{suffix}")
        upload(host, "team/nightly", base("0.5.9.dev3"), NIGHTLY)
        yield host
