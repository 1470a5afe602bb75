"""A stand-in for SGLang's server: its native streaming protocol with a chosen timing, on a loopback port.

POST /generate streams `data: {"text", "meta_info"}` with the whole text so far, as `srt/entrypoints/http_server.py` of
0.5.7 does. Answers of a kind of fault go to the requests with certain numbers, counted from the first one after the
flush of the cache, which the client does between warm-up and measurement.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

API_KEY = "sk-held-by-the-server"


@dataclass
class StandIn:
    """How the server answers, and what it was asked.

    Attributes:
        first: seconds to the first token.
        each: seconds from token to token.
        chunk: tokens of one event.
        cold: further seconds for the first measured request.
        faults: what is wrong with the answers to some requests: `error`, `silent` or `short`.
        paths: the path of each request.
        measured: the bodies of the requests after the flush.
    """

    first: float = 0.01
    each: float = 0.0005
    chunk: int = 16
    cold: float = 0.0
    faults: Mapping[int, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    measured: list[dict[str, object]] = field(default_factory=list)
    base_url: str = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close the connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.split("\r\n"))
        }
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        path = head.split()[1]
        self.paths.append(path)
        if fields.get("authorization") != f"Bearer {API_KEY}":
            _write(writer, "401 Unauthorized", {"error": "Unauthorized"})
        elif path == "/generate":
            await self._generate(json.loads(body), writer)
        elif path == "/flush_cache":
            _write(writer, "200 OK", {})
        elif path == "/v1/models":
            _write(writer, "200 OK", {"object": "list", "data": [{"id": "stand-in", "object": "model"}]})
        elif path in ("/get_server_info", "/server_info"):
            info = {"model_path": "/models/MiniMax-M2.1", "api_key": API_KEY, "tp_size": 4, "pp_size": 1}
            _write(writer, "200 OK", {**info, "version": "0.5.7", "internal_states": [{}], "note": f"key {API_KEY}"})
        else:
            _write(writer, "404 Not Found", {})
        await writer.drain()
        writer.close()

    async def _generate(self, body: dict[str, object], writer: asyncio.StreamWriter) -> None:
        is_measured = "/flush_cache" in self.paths
        number = len(self.measured)
        if is_measured:
            self.measured.append(body)
        fault = self.faults.get(number) if is_measured else None
        if fault == "error":
            _write(writer, "500 Internal Server Error", {"error": "out of memory"})
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(self.first + (self.cold if is_measured and number == 0 else 0))
        if fault == "silent":
            writer.write(_event({"error": {"message": "out of memory", "code": 500}}))
        else:
            await self._tokens(body, writer, share=0.5 if fault == "short" else 1)
        writer.write(b"data: [DONE]\n\n")

    async def _tokens(self, body: dict[str, object], writer: asyncio.StreamWriter, share: float) -> None:
        sampling = body["sampling_params"]
        assert isinstance(sampling, dict)
        wanted = max(1, int(sampling["max_new_tokens"] * share))
        done = 0
        while done < wanted:
            new = 1 if done == 0 else min(self.chunk, wanted - done)
            if done:
                await asyncio.sleep(self.each * new)
            done += new
            writer.write(_event({"text": "a " * done, "meta_info": {"id": "1", "completion_tokens": done}}))
            await writer.drain()


def _event(value: object) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def _write(writer: asyncio.StreamWriter, status: str, value: object) -> None:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)


@contextmanager
def serving(stand_in: StandIn) -> Iterator[StandIn]:
    """The stand-in on a free loopback port, in a thread of its own; `base_url` says where."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(stand_in.answer, "127.0.0.1", 0, backlog=512))
    stand_in.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield stand_in
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(server.wait_closed())
        loop.close()
