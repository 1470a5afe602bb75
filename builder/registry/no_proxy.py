"""`NO_PROXY`: which hosts are reached directly.

There is no standard. m2build supports what curl and Go's clients, such as docker, agree on: names, which include their
subdomains (`example.com`, `.example.com`, `*.example.com`), addresses, networks (`10.0.0.0/8`), each with an optional
port, and `*` for every host.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult

_WITH_PORT = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^:]*):(?P<port>[0-9]+)")


def is_direct(url: SplitResult, port: int | None, rules: str) -> bool:
    """Whether to connect to a URL's host without a proxy.

    Args:
        url: the URL.
        port: its port, explicit or its scheme's default.
        rules: the variable's value: entries separated by commas or spaces.
    """
    host = (url.hostname or "").rstrip(".")
    return any(_matches(host, port, rule) for rule in re.split(r"[\s,]+", rules.lower()) if rule)


def _matches(host: str, port: int | None, rule: str) -> bool:
    if rule == "*":
        return True
    if match := _WITH_PORT.fullmatch(rule):
        if int(match["port"]) != port:
            return False
        rule = match["host"]
    rule = rule.strip("[]")
    try:
        network = ipaddress.ip_network(rule, strict=False)
    except ValueError:
        name = rule.removeprefix("*").strip(".")
        return bool(name) and (host == name or (_address(host) is None and host.endswith(f".{name}")))
    address = _address(host)
    return address is not None and address in network


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
