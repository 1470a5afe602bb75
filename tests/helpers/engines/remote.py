"""dockerd's BuildKit as a remote builder."""

from __future__ import annotations

import asyncio
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers.engines.daemons import DockerEngine
from helpers.engines.leftovers import short_folder

NAME = "m2build-remote"
UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
BLOCK = 1 << 16


@contextmanager
def remote_buildkit(engine: DockerEngine) -> Iterator[str]:
    """The name of a builder that buildx reaches by its `remote` driver.

    No package of Debian or PyPI has buildkitd, but dockerd contains the same BuildKit. buildx's `docker` driver asks
    dockerd for it by `POST /grpc` and an upgrade; here a socket in between does that, and BuildKit answers on it at
    once, as buildkitd would. buildx treats the builder as remote: results stay there unless an output is given. One
    difference remains: what it pushes, it also puts into the daemon's store.
    """
    with short_folder() as folder, _served(folder / "buildkit.sock", engine.socket) as socket:
        engine.run("buildx", "create", "--name", NAME, "--driver", "remote", f"unix://{socket}")
        try:
            yield NAME
        finally:
            engine.run("buildx", "rm", NAME)


@contextmanager
def _served(socket: Path, docker: str) -> Iterator[Path]:
    """A socket that connects to a daemon's BuildKit; closed, with every connection, at the end."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        server = await asyncio.start_unix_server(lambda reader, writer: _join(reader, writer, docker), socket)
        started.set_result((asyncio.get_running_loop(), stop))
        await stop.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))  # what is still connected, run cancels
    thread.start()
    try:
        loop, stop = started.result(timeout=10)
        try:
            yield socket
        finally:
            loop.call_soon_threadsafe(stop.set)
    finally:
        thread.join()


async def _join(reader: StreamReader, writer: StreamWriter, docker: str) -> None:
    """Connect to the daemon's BuildKit, and forward bytes from then on."""
    theirs, to_them = await asyncio.open_unix_connection(docker)
    try:
        to_them.write(UPGRADE)
        head = await theirs.readuntil(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 101 "):
            await asyncio.gather(_pipe(reader, to_them), _pipe(theirs, writer))
    finally:
        to_them.close()
        writer.close()


async def _pipe(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(BLOCK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
