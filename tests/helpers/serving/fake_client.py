"""A small package `sglang` with a client that measures nothing: it writes the line that its arguments ask for.

For what does not depend on the real client: where it runs, how often, and what is done with its line.
"""

from __future__ import annotations

from pathlib import Path

_CLIENT = """\
import json, os, sys, time

arguments = dict(zip(sys.argv[1:], sys.argv[2:]))
prompts = int(arguments["--num-prompts"])
inputs, outputs = {1: (38, 236), 2: (274, 982)}[prompts]
path = arguments["--output-file"]
if arguments["--base-url"] == "http://hangs":
    print("waiting", flush=True)
    time.sleep(600)
with open(path, "a") as file:
    runs = file.tell() and len(open(path).readlines())
    line = {
        "backend": "sglang", "dataset_name": "random", "random_input_len": 1000, "random_output_len": 1000,
        "random_range_ratio": 0.0, "request_rate": float("inf"), "max_concurrency": int(arguments["--max-concurrency"]),
        "server_info": {"tp_size": 4, "pp_size": 2, "api_key": os.environ.get("OPENAI_API_KEY")},
        "completed": prompts, "total_input_tokens": inputs, "total_output_tokens": outputs,
        "total_output_tokens_retokenized": outputs, "output_throughput": 40.0 + runs, "mean_ttft_ms": 100.0,
        "median_ttft_ms": 100.0, "errors": [""] * prompts, "ttfts": [0.1] * prompts, "module": __spec__.name,
        "arguments": sys.argv[1:],
    }
    file.write(json.dumps(line) + "\\n")
print("done with the key", os.environ.get("OPENAI_API_KEY"))
"""


def fake_files(*, release: str = "0.5.7") -> dict[str, str]:
    """The package's files. From 0.5.16 on, the client is where SGLang moved it."""
    new = tuple(map(int, release.split("."))) >= (0, 5, 16)
    files = {"sglang/__init__.py": f'__version__ = "{release}"\n'}
    if new:
        return {**files, "sglang/benchmark/__init__.py": "", "sglang/benchmark/serving.py": _CLIENT}
    return {**files, "sglang/bench_serving.py": _CLIENT}


def fake_client(folder: Path, release: str = "0.5.7") -> Path:
    """The package in a folder."""
    for name, text in fake_files(release=release).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
