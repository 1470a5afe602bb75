"""A stand-in for SGLang's server: it speaks the OpenAI protocol, and always says the same.

There is no model behind it. Its answers have the form of SGLang 0.5.7's (`srt/entrypoints/openai/serving_chat.py`),
with the two reasoning parsers that fit MiniMax-M2 (`srt/parser/reasoning_parser.py`).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

MODEL = "MiniMaxAI/MiniMax-M2.1"
APPENDING, SEPARATING = "minimax-append-think", "minimax"
"""The first leaves the reasoning in the content, behind `<think>`; the second puts it into a field of its own."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """What the model would have said: its reasoning, its answer, and the tool that it calls, if any."""

    reasoning: str
    text: str
    call: Json | None = None


def said(request: Mapping[str, Any]) -> Said:
    """A tool call for a question with tools, else an answer with the tool's result, else a product."""
    last, tools = request["messages"][-1], request.get("tools")
    if last["role"] == "tool":
        return Said("The tool has answered.", f"The tool says: {last['content']}")
    if tools:
        function = tools[0]["function"]
        arguments = dict.fromkeys(function["parameters"]["required"], "Paris")
        return Said("I have to look that up.", "", {"name": function["name"], "arguments": json.dumps(arguments)})
    return Said("6 * 7 = 42.", "6 times 7 is 42.")


def fields(answer: Said, parser: str) -> Json:
    """An answer as the fields of a message."""
    if parser == SEPARATING:
        return {"content": answer.text or None, "reasoning_content": answer.reasoning}
    return {"content": f"<think>{answer.reasoning}</think>\n\n{answer.text}", "reasoning_content": None}


def tool_calls(answer: Said) -> list[Json] | None:
    """The tool call of an answer, in a list."""
    return [{"id": "call_1", "index": 0, "type": "function", "function": answer.call}] if answer.call else None


def whole(request: Mapping[str, Any], parser: str) -> Json:
    """The body of an answer in one piece."""
    answer = said(request)
    message = {"role": "assistant", **fields(answer, parser), "tool_calls": tool_calls(answer)}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason(answer), "matched_stop": None}
    usage = {"prompt_tokens": 40, "completion_tokens": 20, "total_tokens": 60, "reasoning_tokens": 0}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": MODEL, "choices": [choice], "usage": usage}


def pieces(request: Mapping[str, Any], parser: str) -> Iterator[Json]:
    """The bodies of a streamed answer: the role, each word by itself, the tool call, the end."""
    answer = said(request)
    yield _chunk({"role": "assistant", "content": ""})
    for field, text in fields(answer, parser).items():
        for word in re.findall(r"\S+\s*", text or ""):
            yield _chunk({field: word})
    if calls := tool_calls(answer):
        yield _chunk({"tool_calls": calls})
    yield _chunk({}, reason(answer))


def reason(answer: Said) -> str:
    """Why an answer ends."""
    return "tool_calls" if answer.call else "stop"


def _chunk(delta: Json, finish_reason: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": [choice]}


class _Handler(BaseHTTPRequestHandler):
    server_version = "stand-in"
    parser: ClassVar[str]

    def do_GET(self) -> None:
        known = {"/health": None, "/v1/models": {"object": "list", "data": [{"id": MODEL, "object": "model"}]}}
        if self.path in known:
            self._send(200, known[self.path])
        else:
            self._send(404, {"error": "Not Found"})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            self._send(404, {"error": "Not Found"})
        elif request.get("stream"):
            self._begin(200, "text/event-stream")
            for piece in pieces(request, self.parser):
                self.wfile.write(f"data: {json.dumps(piece)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")
        else:
            self._send(200, whole(request, self.parser))

    def _send(self, status: int, body: Json | None) -> None:
        self._begin(status, "application/json")
        if body is not None:
            self.wfile.write(json.dumps(body).encode())

    def _begin(self, status: int, kind: str) -> None:
        """Without a length: the body ends with the connection."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def stand_in(parser: str = APPENDING) -> Iterator[str]:
    """A stand-in on a free loopback port; yields `localhost:PORT`."""
    handler = type("Handler", (_Handler,), {"parser": parser})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
