"""A stand-in for SGLang's server, which needs a GPU: it answers health checks, and dies as the real one does."""

from __future__ import annotations

import ast
from pathlib import Path

from m2build.patches.tree import SourceTree

_SERVER = """
import argparse, http.server, os, signal, sys, threading
import psutil

class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/health", "/crash") else 404)
        self.end_headers()
        if self.path == "/crash" and os.fork() == 0:  # as SGLang's scheduler after an exception
            os.kill(os.getppid(), signal.SIGQUIT)
            signal.pause()
    def log_message(self, *args):
        pass

def stop(*signal_and_frame):
    print("stopped", flush=True)
    raise SystemExit(0)

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=30000)
parser.add_argument("--host", default="127.0.0.1")
options, others = parser.parse_known_args()
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGQUIT, lambda *given: kill_process_tree(os.getpid()))  # as in its Engine and TokenizerManager
server = http.server.HTTPServer((options.host, options.port), Answers)
print(os.getpid(), options.port, *others, flush=True)
server.serve_forever()
"""
_PSUTIL = """
import os

class NoSuchProcess(Exception):
    pass

class Process:
    def __init__(self, pid):
        self.pid = pid
    def children(self, recursive):
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as found:
            own = [Process(int(pid)) for pid in found.read().split()]
        return [*own, *(below for child in own for below in child.children(recursive))]
    def kill(self):
        self.send_signal(9)
    def send_signal(self, number):
        os.kill(self.pid, number)
"""
"""What the function below needs of psutil."""


def stand_in(folder: Path, tree: SourceTree) -> Path:
    """Write it as the module `sglang.launch_server`; returns the folder for PYTHONPATH.

    Its crash is the release's own: `kill_process_tree`, word for word.
    """
    source = tree["sglang/srt/utils/common.py"].content.decode()
    (found,) = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == "kill_process_tree"
    ]
    (folder / "sglang").mkdir(parents=True)
    (folder / "psutil.py").write_text(_PSUTIL)
    (folder / "sglang/launch_server.py").write_text(f"{ast.get_source_segment(source, found)}\n{_SERVER}")
    return folder
