"""The image's health check: a request to the server on the port that it was actually started with."""

from __future__ import annotations

from m2build.recipes.parts import Health

_PROBE = """\
import re, urllib.request as r
a = open('/proc/1/cmdline').read()
p = (re.findall(r'(?:^|\\0)--port[=\\0](\\d+)', a) or ['{port}'])[-1]
r.build_opener(r.ProxyHandler({{}})).open('http://127.0.0.1:' + p + {path!r}, timeout={timeout})"""
"""Reads the server's own command line, so that `docker run IMAGE --port 9000` stays healthy: process 1 is the server,
or an init with the server's arguments. It ignores proxies from the environment, which are not for loopback."""


def probe_command(health: Health, port: int) -> list[str]:
    """The check as a command in exec form; it exits with 0 if the server answers 200."""
    code = _PROBE.format(port=port, path=health.path, timeout=health.timeout - 2)
    return ["python3", "-c", code]
