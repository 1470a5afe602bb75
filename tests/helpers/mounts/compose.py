"""Docker Compose, which reads its files without a daemon."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from helpers.support import lacking, need_tool


def composed(file: Path) -> dict[str, Any]:
    """What Compose makes of a file. It prints `$` as `$$`, as its output can be read again.

    The plugin may be beside docker, as in Debian's packages unpacked into a folder.
    """
    docker = need_tool("docker")
    plugins = Path(docker).parent.parent / "libexec" / "docker" / "cli-plugins"
    settings = file.parent / "config.json"
    settings.write_text(json.dumps({"cliPluginsExtraDirs": [str(plugins)]}))
    environment = {"PATH": os.environ["PATH"], "HOME": str(file.parent), "DOCKER_CONFIG": str(file.parent)}
    command = [docker, "compose", f"--file={file}", "config", "--format=json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if "unknown" in done.stderr:
        lacking("docker has no compose")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.replace("$$", "$"))
    return found
