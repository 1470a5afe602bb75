"""Pools of connections, directly or through a proxy, and how far a host is trusted."""

from __future__ import annotations

import ipaddress
import ssl
import urllib.request
from collections.abc import Mapping
from functools import cached_property
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.exceptions import InsecureRequestWarning

from m2build.errors import UsageError

_CONNECTIONS = 8
_PORTS = {"http": 80, "https": 443}


class Connections:
    """Connections to any host, kept for the next request; used from several threads."""

    def __init__(self, environment: Mapping[str, str], *, insecure: bool) -> None:
        """Prepare.

        Args:
            environment: where `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` and `SSL_CERT_FILE` are looked for.
            insecure: whether certificates go unchecked, and plain HTTP may leave the loopback range.
        """
        self._environment = {key.lower(): value for key, value in environment.items()}
        self._pools: dict[tuple[bool, str | None], urllib3.PoolManager] = {}
        self.insecure = insecure
        if insecure:
            urllib3.disable_warnings(InsecureRequestWarning)

    def to(self, url: str) -> urllib3.PoolManager:
        """The pool that leads to an address.

        Raises:
            UsageError: the environment names a proxy, or certificates, that cannot be used.
        """
        key = url.startswith("https:"), self._proxy(url)
        return self._pools.get(key) or self._pools.setdefault(key, self._pool(*key))

    def _pool(self, tls: bool, proxy: str | None) -> urllib3.PoolManager:  # noqa: FBT001 - called by key
        trust = self._trust if tls else None
        check = trust.verify_mode if trust else None
        if proxy is None:
            return urllib3.PoolManager(maxsize=_CONNECTIONS, ssl_context=trust, cert_reqs=check)
        try:
            parts = urlsplit(proxy)
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
            headers = urllib3.make_headers(proxy_basic_auth=user)
            return urllib3.ProxyManager(
                proxy, proxy_headers=headers, maxsize=_CONNECTIONS, ssl_context=trust, cert_reqs=check
            )
        except ValueError:
            # The value itself is not told: it may hold a password.
            raise UsageError("HTTPS_PROXY or HTTP_PROXY holds no address", hint="write http://HOST:PORT") from None

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """Read once, and for TLS only: the system's certificates take some 20 ms."""
        context = ssl.create_default_context()
        if self.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        elif path := self._environment.get("ssl_cert_file"):
            try:
                context.load_verify_locations(path)
            except OSError as error:  # ssl.SSLError is one
                raise UsageError(
                    f"SSL_CERT_FILE names {path}, which holds no certificates: {error.strerror}"
                ) from error
        return context

    def _proxy(self, url: str) -> str | None:
        parts = urlsplit(url)
        proxies = {"no": self._environment.get("no_proxy", "")}
        bypass = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed lacks it
        if is_loopback(parts.hostname or "") or bypass(parts.netloc, proxies):
            return None
        proxy = self._environment.get(f"{parts.scheme}_proxy") or None
        return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def is_loopback(host: str) -> bool:
    """Whether a host, without its port, is this machine by its name or its address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what has to be the same for credentials to be sent along (RFC 6454, section 4).

    Raises:
        ValueError: it is no address.
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def host_of(url: str) -> str:
    """Host and port for messages, without user and password."""
    return urlsplit(url).netloc.rpartition("@")[2]
