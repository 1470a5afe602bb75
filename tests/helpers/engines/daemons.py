"""Real Docker daemons that do not disturb the machine's own or each other, and are removed afterwards."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from helpers.engines.engine import Engine
from helpers.engines.leftovers import short_folder, store_folder
from helpers.support import need_root, need_tool

START = 30
"""Seconds within which a daemon must answer; it takes about one."""


@dataclass(frozen=True)
class DockerEngine(Engine):
    """A Docker daemon, and a client for it alone that finds the buildx plugin."""

    program: ClassVar[str] = "docker"

    @property
    def socket(self) -> str:
        """The path of the daemon's socket."""
        return self.environment["DOCKER_HOST"].removeprefix("unix://")


@contextmanager
def docker_daemon(folder: Path, *, containerd_store: bool = True) -> Iterator[DockerEngine]:
    """A daemon with its own store, containerd's or the older one, in a new folder.

    It has its own containerd and its own bridge, and does not change the machine's packet filter; its containers reach
    only the machine. At the end everything is stopped and removed, the folder included.
    """
    need_root("starts a container engine")
    for tool in ("docker", "dockerd", "containerd", "containerd-shim-runc-v2", "runc"):
        need_tool(tool)
    with (
        store_folder(folder),
        short_folder() as run,
        _bridge() as bridge,
        containerd_daemon(folder, run) as containerd,
    ):
        settings = {
            "bridge": bridge,
            "containerd": containerd,
            "data-root": str(folder / "data"),
            "exec-root": str(run / "exec"),
            "features": {"containerd-snapshotter": containerd_store},
            "hosts": [f"unix://{run}/docker.sock"],
            "pidfile": str(run / "docker.pid"),
            **dict.fromkeys(("iptables", "ip6tables", "ip-masq", "ip-forward"), False),
        }
        (run / "daemon.json").write_text(json.dumps(settings))
        log = folder / "dockerd.log"
        with _running(["dockerd", "--config-file", str(run / "daemon.json")], log) as process:
            _wait(run / "docker.sock", process, log)
            yield DockerEngine(_client(folder / "client", run / "docker.sock"))


@contextmanager
def containerd_daemon(folder: Path, run: Path) -> Iterator[str]:
    """The socket's path of a new containerd; by default, dockerd would use the machine's if there is one.

    Args:
        folder: where its store and its log are.
        run: a folder with a short path, for its socket.
    """
    (run / "containerd.toml").write_text(f"""
version = 2
root = "{folder}/containerd"
state = "{run}/containerd"
# What is for Kubernetes, and what makes folders outside of these two.
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]
[grpc]
address = "{run}/containerd.sock"
""")
    command = ["containerd", "--config", str(run / "containerd.toml")]
    log, address = folder / "containerd.log", run / "containerd.sock"
    with _running(command, log) as process:
        deadline = time.monotonic() + START
        while not address.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"containerd has not started: {log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.02)
        yield str(address)


@contextmanager
def _bridge() -> Iterator[str]:
    """A bridge: without one, dockerd would delete the machine's `docker0`. Creating the name reserves it."""
    for number in range(256):
        name = f"m2-{number}"
        if _ip("link", "add", name, "type", "bridge").returncode == 0:
            break
    else:
        raise AssertionError(f"no bridge can be made: {_ip('link', 'add', 'm2-0', 'type', 'bridge').stderr}")
    try:
        _ip("address", "add", f"10.213.{number}.1/24", "dev", name).check_returncode()
        _ip("link", "set", name, "up").check_returncode()
        yield name
    finally:
        _ip("link", "delete", name).check_returncode()


def _ip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([need_tool("ip"), *arguments], capture_output=True, text=True, check=False)


@contextmanager
def _running(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server in its own session: Ctrl-C does not reach it, and the test stops servers in order."""
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [need_tool(command[0]), *command[1:]], stdout=out, stderr=out, start_new_session=True
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            finally:
                process.kill()


def _wait(path: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if _ping(path) == 200:
                return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"dockerd has not started: {log.read_text(errors='replace')[-4000:]}")


def _ping(path: Path) -> int:
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(5)
        channel.connect(str(path))
        connection = http.client.HTTPConnection("docker")
        connection.sock = channel
        connection.request("GET", "/_ping")
        with connection.getresponse() as answer:
            return answer.status


def _client(folder: Path, docker: Path) -> dict[str, str]:
    """An environment for clients of a daemon, with its configuration in a new folder."""
    folder.mkdir()
    plugins = Path(need_tool("dockerd")).parent.parent / "libexec" / "docker" / "cli-plugins"
    document = {"cliPluginsExtraDirs": [str(plugins)]} if plugins.is_dir() else {}
    (folder / "config.json").write_text(json.dumps(document))
    return {
        "DOCKER_HOST": f"unix://{docker}",
        "DOCKER_CONFIG": str(folder),
        "BUILDX_CONFIG": str(folder / "buildx"),
    }
