"""Connection pools, direct or through a proxy; and which hosts are local, or the same."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from functools import cached_property
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.exceptions import InsecureRequestWarning

from m2build.errors import UsageError
from m2build.registry.no_proxy import is_direct
from m2build.registry.pace import paced_pools
from m2build.registry.secrets import Secrets
from m2build.registry.trust import trust

_CONNECTIONS = 8
_PORTS = {"http": 80, "https": 443}


class Connections:
    """Connections to any host, kept for the next request. Thread-safe."""

    def __init__(self, environment: Mapping[str, str], secrets: Secrets, seconds: float, *, insecure: bool) -> None:
        """Prepare.

        Args:
            environment: where to look for proxies and certificates.
            secrets: remembers the proxies' passwords.
            seconds: how long a server may take to accept the next piece of a request.
            insecure: whether to accept any certificate, and plain HTTP beyond loopback.
        """
        self._environment = environment
        self._secrets = secrets
        self._pools: dict[tuple[bool, str | None], urllib3.PoolManager] = {}
        self._paced = paced_pools(seconds)
        self.insecure = insecure
        if insecure:
            urllib3.disable_warnings(InsecureRequestWarning)

    def to(self, url: str) -> urllib3.PoolManager:
        """The pool for a URL.

        Raises:
            UsageError: the environment names an unusable proxy or unusable certificates.
        """
        key = url.startswith("https:"), self._proxy(url)
        return self._pools.get(key) or self._pools.setdefault(key, self._pool(*key))

    def close(self) -> None:
        """Close the connections that wait for another request."""
        while self._pools:
            self._pools.popitem()[1].clear()

    def _pool(self, tls: bool, proxy: str | None) -> urllib3.PoolManager:  # noqa: FBT001 - called by key
        context = self._trust if tls else None
        check = context.verify_mode if context else None
        if proxy is None:
            pool = urllib3.PoolManager(maxsize=_CONNECTIONS, ssl_context=context, cert_reqs=check)
        else:
            address, headers = self._proxy_login(proxy)
            pool = urllib3.ProxyManager(
                address, proxy_headers=headers, maxsize=_CONNECTIONS, ssl_context=context, cert_reqs=check
            )
        pool.pool_classes_by_scheme = dict(self._paced)
        return pool

    def _proxy_login(self, proxy: str) -> tuple[str, Mapping[str, str]]:
        """A proxy's address without user and password, and the headers that carry them."""
        address = _address(proxy)
        if address is None:
            # Without the value, and outside of a handler: both may show a password.
            raise UsageError("HTTPS_PROXY or HTTP_PROXY is not a URL", hint="write http://HOST:PORT")
        parts = urlsplit(proxy)
        if not parts.username:
            return address, {}
        user, password = unquote(parts.username), unquote(parts.password or "")
        headers = urllib3.make_headers(proxy_basic_auth=f"{user}:{password}")
        self._secrets.add(password or user, parts.password, *(value.partition(" ")[2] for value in headers.values()))
        return address, headers

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """Loaded once, and only for TLS: the system's certificates take some 20 ms."""
        return trust(self._environment, insecure=self.insecure)

    def _proxy(self, url: str) -> str | None:
        parts = urlsplit(url)
        direct = is_direct(parts, origin(url)[2], self._variable("NO_PROXY"))
        if direct or is_loopback(parts.hostname or ""):
            return None
        proxy = self._variable(f"{parts.scheme.upper()}_PROXY") or None
        return proxy if proxy is None or "://" in proxy else f"http://{proxy}"

    def _variable(self, name: str) -> str:
        """A variable in upper or lower case; upper case wins, as in docker."""
        return self._environment.get(name) or self._environment.get(name.lower()) or ""


def _address(proxy: str) -> str | None:
    """A proxy's address without user and password; None if it is not a URL of one."""
    try:
        address = f"{urlsplit(proxy).scheme}://{host_of(proxy)}"
        urllib3.ProxyManager(address)
    except ValueError:
        return None
    return address


def is_loopback(host: str) -> bool:
    """Whether a host (without its port) is `localhost` or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: credentials go only to where all three are the same (RFC 6454, section 4).

    Raises:
        ValueError: it is not a URL.
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def host_of(url: str) -> str:
    """Host and port for messages, without user and password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def without_secrets(url: str) -> str:
    """A URL for messages, without user and password, and without the query, which may hold a token."""
    return f"{urlsplit(url).scheme}://{host_of(url)}{urlsplit(url).path}"
