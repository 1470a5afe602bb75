"""Small bases that look like SGLang's image: the touched modules, a few layers, odd owners and modes."""

from __future__ import annotations

from typing import Any

from helpers.images import Entry, file, folder, image, symlink, tar
from m2build.oci.image import Image
from m2build.oci.media_types import OCI, MediaTypes

ROOT = "sgl-workspace/sglang/python"
MODELS = f"{ROOT}/sglang/srt/models"
SOURCES = {
    "transformers.py": b"import transformers\n\n\ndef maybe_prefix(prefix, name):\n    return f'{prefix}.{name}'\n",
    "minimax_m2.py": (
        b"import torch\n\nfrom sglang.srt.utils import get_compiler_backend\n\n\nclass MiniMaxM2RMSNormTP:\n"
        b"    @torch.compile(dynamic=True, backend=get_compiler_backend())\n"
        b"    def forward(self, x):\n        return x\n\n\n"
        b"class Attention:\n    def forward(self, q):\n        return self.q_norm(q)\n"
    ),
    "kimi_linear.py": b"from sglang.srt.models.transformers import maybe_prefix\n",
    "llama.py": b"import transformers\n",
}
SERVER = b"""import argparse


class ServerArgs:
    @staticmethod
    def add_cli_args(parser):
        parser.add_argument("--model-path", "--model", type=str, required=True)
        parser.add_argument("--host", type=str, default="127.0.0.1")
        parser.add_argument("--port", type=int, default=30000)
        parser.add_argument("--tensor-parallel-size", "--tp-size", type=int, default=1)
        parser.add_argument("--expert-parallel-size", "--ep-size", "--ep", type=int, default=1)
        parser.add_argument("--tool-call-parser", type=str, choices=["minimax-m2", "qwen25"])
        parser.add_argument("--reasoning-parser", type=str, choices=["minimax-append-think", "qwen3"])
        parser.add_argument("--trust-remote-code", action="store_true")
        parser.add_argument("--mem-fraction-static", type=float)
        parser.add_argument("--kv-cache-dtype", type=str, default="auto")
        parser.add_argument("--attention-backend", type=str)
        parser.add_argument("--served-model-name", type=str)
        parser.add_argument("--chunked-prefill-size", type=int)


def prepare_server_args(argv):
    parser = argparse.ArgumentParser()
    ServerArgs.add_cli_args(parser)
    return parser.parse_args(argv)
"""
"""A `server_args.py` with the flags of the shipped recipes, so that its launch is proven on a small base."""
SERVER_PATH = "sglang/srt/server_args.py"


def sources(**owner: int) -> list[Entry]:
    """The source tree as layer entries."""
    parts = MODELS.split("/")
    folders = [folder("/".join(parts[:depth]), mode=0o750, **owner) for depth in range(1, len(parts) + 1)]
    package = [file(f"{ROOT}/sglang/__init__.py"), file(f"{ROOT}/sglang/_version.py", b"__version__ = '0.5.7'\n")]
    package.append(file(f"{ROOT}/{SERVER_PATH}", SERVER))
    models = [file(f"{MODELS}/{name}", content, mode=0o640, **owner) for name, content in SOURCES.items()]
    return [*folders, *package, *models]


def base_with_another_use() -> Image:
    """A base that is `base_image()`, and uses the decorator in another way as well, which a patch mentions."""
    norm = SOURCES["minimax_m2.py"] + b"MiniMaxM2RMSNormTP.forward = torch.compile(MiniMaxM2RMSNormTP.forward)\n"
    return image(tar(*sources()), tar(file(f"{MODELS}/minimax_m2.py", norm)))


def bytecode() -> list[Entry]:
    """The bytecode that Python left beside the sources."""
    cache = f"{MODELS}/__pycache__"
    names = ("transformers.cpython-310.pyc", "minimax_m2.cpython-310.opt-1.pyc", "llama.cpython-310.pyc")
    return [folder(cache), *(file(f"{cache}/{name}", b"\x6f\x0d\x0d\x0a") for name in names)]


def base_image(types: MediaTypes = OCI, how: str = "gzip", **members: Any) -> Image:
    """Three layers: a root file system, the sources, and something above them."""
    system = tar(folder("bin"), file("bin/sh", b"#!", mode=0o755), folder("opt", mode=0o711, uid=3, gid=4))
    upper = tar(file("etc/environment", b"A=1\n"), symlink("sgl-workspace/link", "/bin"), *bytecode())
    return image(system, tar(*sources(uid=1000, gid=1001)), upper, types=types, how=how, **members)
