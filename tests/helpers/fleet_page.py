"""docs/fleet.md in a shell: the result of each of its commands.

Stand-ins for docker, kubectl and m2build record their calls, and forward those that need neither daemon nor cluster.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.bases import SERVER, SOURCES
from helpers.buildx import Buildx
from helpers.support import need_tool
from helpers.warm import server, warm_program

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "fleet.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

CLUSTER = """
apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "https://127.0.0.1:9"}}]
contexts: [{name: none, context: {cluster: none, user: nobody}}]
users: [{name: nobody, user: {}}]
current-context: none
"""
STAND_IN = """#!/bin/sh
# Notes the call, a line a word, and passes on what needs no daemon and no cluster.
{{ printf '%s\\n' "${{0##*/}}" "$@"; printf '\\0'; }} >>"$CALLS/$$"
case "${{0##*/}} $*" in
    "docker buildx create "* | "docker buildx bake --print"*) exec {docker} "$@" ;;
    "m2build bake "*) exec {m2build} "$@" --unpinned --source "dir:$SOURCES" ;;
esac
"""


@dataclass(frozen=True)
class Session:
    """The results of the page's commands.

    Attributes:
        folder: where they ran.
        calls: the calls of docker, kubectl and m2build, as words.
    """

    folder: Path
    calls: tuple[list[str], ...]

    def of(self, *begin: str) -> list[list[str]]:
        """The rest of the calls with this beginning, sorted: some were made in parallel."""
        return sorted(call[len(begin) :] for call in self.calls if call[: len(begin)] == list(begin))

    def builder(self, name: str) -> Any:
        """What buildx stores about a builder that it created."""
        return json.loads((self.folder / "configuration" / "buildx" / "instances" / name).read_bytes())


def run_page(folder: Path) -> Session:
    """Run the page's commands in one shell, from top to bottom, in a new folder that holds the files they use."""
    for name in ("bin", "calls", "configuration", "tree/sglang/srt/models"):
        (folder / name).mkdir(parents=True)
    Buildx.below(folder / "configuration")
    (folder / "cluster.yaml").write_text(CLUSTER)
    shutil.copytree(DOCS / "fleet", folder / "docs" / "fleet")
    others = {"../../_version.py": b"__version__ = '0.5.7'\n", "../server_args.py": SERVER}
    for name, content in {**SOURCES, **others}.items():
        (folder / "tree/sglang/srt/models" / name).write_bytes(content)
    warm = folder / "warm-m2build"
    warm_program(warm)
    for program in ("docker", "kubectl", "m2build"):
        (folder / "bin" / program).write_text(
            STAND_IN.format(docker=need_tool("docker"), m2build=shlex.quote(str(warm)))
        )
        (folder / "bin" / program).chmod(0o755)
    command = [need_tool("bash"), "-eu", "-o", "pipefail", "-c", "".join(BLOCKS)]
    environment = {**os.environ, **_environment(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environment, pass_fds=[server()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    notes = "".join(path.read_text() for path in (folder / "calls").iterdir())
    return Session(folder, tuple(note.splitlines() for note in notes.split("\0") if note))


def _environment(folder: Path) -> dict[str, str]:
    for tool in ("jq", "openssl", "xargs"):
        need_tool(tool)
    return {
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "CALLS": f"{folder}/calls",
        "SOURCES": f"{folder}/tree",
        "DOCKER_CONFIG": f"{folder}/configuration",
        "DOCKER_HOST": f"unix://{folder}/no-daemon.sock",
        "KUBECONFIG": f"{folder}/cluster.yaml",
    }
