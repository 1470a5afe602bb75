"""A headless Chromium, driven by the DevTools protocol over a pipe: pages at several sizes, and what they do."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.support import need_tool

_SWITCHES = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions", "--no-first-run"),
    *("--force-color-profile=srgb", "--remote-debugging-pipe"),
)


@dataclass
class Browser:
    """One tab.

    Attributes:
        told: what the page has written to the console, raised or asked for since it was opened.
    """

    commands: int
    answers: int
    session: str = ""
    told: list[str] = field(default_factory=list)
    _rest: bytes = b""
    _number: int = 0

    def call(self, method: str, **parameters: Any) -> Mapping[str, Any]:
        """Call a method of the protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: Mapping[str, Any] = answer["result"]
                return result
            self._note(answer)

    def open(self, url: str) -> None:
        """Open a page, and wait until it is loaded."""
        self.told.clear()
        self.call("Page.navigate", url=url)
        self.run("new Promise(done => document.readyState == 'complete' ? done() : addEventListener('load', done))")

    def show(self, width: int, height: int, scheme: str = "light", media: str = "screen") -> None:
        """Set the size of the window, the colour scheme, and the medium."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise's own."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Save what the page looks like."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self) -> bytes:
        """The page as it is printed, on A4."""
        printed = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        return base64.b64decode(printed["data"])

    def _next(self) -> Mapping[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self.answers, 1 << 20)
            assert piece, "the browser has ended"
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        found: Mapping[str, Any] = json.loads(message)
        return found

    def _note(self, event: Mapping[str, Any]) -> None:
        method, given = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.told.append(f"request: {given['request']['url'][:200]}")
        elif method == "Network.loadingFailed":
            self.told.append(f"not loaded: {given.get('blockedReason', given['errorText'])}")
        elif method == "Log.entryAdded":
            self.told.append(f"{given['entry']['level']}: {given['entry']['text']}")
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.told.append(f"{method}: {json.dumps(given)[:500]}")


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A tab of a new browser, whose files are in a folder."""
    program = need_tool("chromium")
    reading, commands = os.pipe()
    answers, writing = os.pipe()
    script = f'exec "$@" 3<&{reading} 4>&{writing}'
    command = ["bash", "-c", script, "chromium", program, *_SWITCHES, f"--user-data-dir={profile}", "about:blank"]
    environment = {**os.environ, "HOME": str(profile)}
    process = subprocess.Popen(
        command, pass_fds=(reading, writing), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment
    )
    os.close(reading)
    os.close(writing)
    tab = Browser(commands, answers)
    try:
        (target,) = [one for one in tab.call("Target.getTargets")["targetInfos"] if one["type"] == "page"]
        tab.session = tab.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            tab.call(f"{domain}.enable")
        yield tab
    finally:
        os.close(commands)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(answers)
