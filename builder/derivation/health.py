"""The image's health check: a request to the server on the port that it was actually started with."""

from __future__ import annotations

from m2build.recipes.model import Selection

_PROBE = """\
import os, re, urllib.request as r
def started(n):
    try:
        a = open('/proc/%d/cmdline' % n, errors='replace').read()
        own = n == 1 or os.stat('/proc/%d/ns/mnt' % n).st_ino == os.stat('/proc/self/ns/mnt').st_ino
        return a if own and {word!r} in a.split('\\0') else ''
    except OSError:
        return ''
a = next(filter(None, map(started, sorted(int(n) for n in os.listdir('/proc') if n.isdigit()))), '')
p = (re.findall(r'\\0--po(?:rt?)?[=\\0](\\d+)', a) or ['{port}'])[-1]
r.build_opener(r.ProxyHandler({{}})).open('http://127.0.0.1:' + p + {path!r}, timeout={timeout})"""
"""Reads the server's own command line, so that `docker run IMAGE --port 9000` stays healthy. Process 1 has it, as the
server or as an init with the server's arguments; where containers share their processes, the first one with the same
files has it (a mount namespace of their own, namespaces(7)). argparse reads `--po` as `--port`; the last one counts.
Proxies from the environment are not for loopback."""


def probe_command(selection: Selection) -> list[str]:
    """The check as a command in exec form; it exits with 0 if the server answers 200."""
    health, word = selection.recipe.health, selection.recipe.launch.command[-1]
    code = _PROBE.format(word=word, port=selection.port, path=health.path, timeout=health.timeout - 2)
    return ["python3", "-c", code]
