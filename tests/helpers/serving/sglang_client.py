"""SGLang 0.5.7's real benchmark client in a virtual environment of its own, and the local files that it needs.

The client is the published wheel's, run as users run it: `python -m sglang.bench_serving`. `datasets` is the one
requirement that is not real: the client imports `load_dataset` for data sets of pictures, which no scenario uses, and
the package brings 400 MB and twice the time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

_REQUIREMENTS = (
    *("transformers==4.57.1", "huggingface-hub<1.0", "numpy", "requests", "tqdm", "aiohttp", "pybase64", "pillow"),
    *("ipython", "pydantic"),
)
_DATASETS = "def load_dataset(*_, **__):\n    raise NotImplementedError('a stand-in, see tests/helpers/serving')\n"


def client_python(cache: Path, wheel: Path) -> Path:
    """The Python of the environment; it is made once, and kept in pytest's cache."""
    key = hashlib.sha256(f"{_REQUIREMENTS}{wheel.name}{sys.version}".encode()).hexdigest()[:12]
    folder = cache / key
    if not folder.exists():
        new = cache / f"{key}.new"
        shutil.rmtree(new, ignore_errors=True)
        venv.create(new, symlinks=True, with_pip=False)
        python = str(new / "bin" / "python")
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile"]
        pip += ["--disable-pip-version-check"]
        for words in (_REQUIREMENTS, ("--no-deps", str(wheel))):
            done = subprocess.run([*pip, *words], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        (packages,) = (new / "lib").glob("python*/site-packages")
        (packages / "datasets.py").write_text(_DATASETS)
        new.rename(folder)
    return folder / "bin" / "python"


def tokenizer(folder: Path) -> Path:
    """A tokenizer whose tokens are words, in the form that transformers loads from a folder."""
    vocabulary = {word: number for number, word in enumerate(["[UNK]", "a", "b", "c"])}
    document: dict[str, object] = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        **dict.fromkeys(("truncation", "padding", "normalizer", "post_processor", "decoder")),
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
    }
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps(document))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    return folder


def conversations(path: Path, count: int) -> Path:
    """A data set in ShareGPT's form: the client repeats and cuts its texts to the lengths that it draws."""
    turns = [{"conversations": [{"value": "a b c"}, {"value": "b"}]} for _ in range(count)]
    path.write_text(json.dumps(turns))
    return path
