"""buildx, to check what m2build writes for it. It reads files without a daemon, and here there is none."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.support import lacking, need_tool


@dataclass(frozen=True)
class Buildx:
    """`docker buildx` with a configuration, and builders, of its own."""

    configuration: Path

    @classmethod
    def below(cls, folder: Path) -> Buildx:
        """Put its configuration in a folder; the plugin may be beside docker, or in docker's plugin folder.

        In Debian's packages, unpacked into a folder, it is in `libexec`.
        """
        plugins = Path(need_tool("docker")).parent.parent / "libexec" / "docker" / "cli-plugins"
        (folder / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(plugins)]}))
        found = cls(folder)
        if found.run("version", cwd=folder, check=False).returncode != 0:
            lacking("docker has no buildx")
        return found

    def run(
        self, *arguments: str | Path, cwd: Path, check: bool = True, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it; by default it has to succeed."""
        own = {"PATH": os.environ["PATH"], "HOME": str(cwd), "DOCKER_CONFIG": str(self.configuration)}
        nowhere = {"DOCKER_HOST": f"unix://{self.configuration}/no-daemon.sock"}
        done = subprocess.run(
            [need_tool("docker"), "buildx", *arguments], cwd=cwd, env={**own, **nowhere, **(environment or {})},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stderr
        return done

    def printed(self, folder: Path, *arguments: str, **variables: str) -> dict[str, Any]:
        """What bake would build from a folder, `arguments` and bake variables, as bake prints it.

        Texts with `${` or `%{` are templates in its output, too (MarshalJSON in buildx, bake/bake.go).
        """
        run = self.run("bake", "--print", *arguments, cwd=folder, environment=variables)
        found: dict[str, Any] = json.loads(run.stdout)
        for target in found["target"].values():
            target["annotations"] = [_text(value) for value in target.get("annotations", [])]
            for kind in ("labels", "args"):
                target[kind] = {key: _text(value) for key, value in target.get(kind, {}).items()}
        return found


def _text(template: str) -> str:
    return template.replace("$${", "${").replace("%%{", "%{")
