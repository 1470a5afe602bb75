"""From a reference to a client: scheme, credentials and scopes."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from m2build.errors import TransportError
from m2build.oci.reference import Reference
from m2build.registry.client import Client
from m2build.registry.connections import is_loopback
from m2build.registry.failures import is_stalled
from m2build.registry.messages import Request
from m2build.registry.tokens import Authorizer, Scopes
from m2build.registry.transport import Transport

if TYPE_CHECKING:
    from m2build.registry.login import Credentials


@dataclass(frozen=True)
class Access:
    """How one command reaches registries; all its clients share what it learns about them.

    Attributes:
        environment: where to look for credentials and proxies.
        transport: the connections.
    """

    environment: Mapping[str, str]
    transport: Transport
    _schemes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        environment: Mapping[str, str],
        *,
        insecure: bool = False,
        notice: Callable[[str], object] = lambda _: None,
    ) -> Access:
        """Access with an environment's settings.

        Args:
            environment: where to look for credentials, proxies, certificates and the timeout.
            insecure: whether to accept unchecked certificates and plain HTTP.
            notice: receives what registries warn of.
        """
        return cls(environment, Transport(environment, insecure=insecure, notice=notice))

    def pull(self, reference: Reference) -> Client:
        """A client that reads a repository."""
        return self._client(reference, Scopes((f"repository:{reference.repository}:pull",)))

    def push(self, reference: Reference, mount_from: Iterable[str] = ()) -> Client:
        """A client that writes to a repository, and mounts from others of the same registry."""
        sources = (f"repository:{name}:pull" for name in mount_from if name != reference.repository)
        return self._client(reference, Scopes((f"repository:{reference.repository}:pull,push",), tuple(sources)))

    def _client(self, reference: Reference, scopes: Scopes) -> Client:
        registry = reference.registry
        host = "registry-1.docker.io" if registry == "docker.io" else registry
        if host not in self._schemes:
            self._schemes[host] = self._scheme(host)
        find = partial(_credentials, registry, reference.repository, self.environment)
        authorizer = Authorizer(registry, scopes, find, self.transport)
        return Client(registry, reference.repository, f"{self._schemes[host]}://{host}/v2/", authorizer, self.transport)

    def _scheme(self, host: str) -> str:
        """`https`; on loopback, and elsewhere with `insecure`, the scheme that the host speaks."""
        parts = urlsplit(f"//{host}")
        if not is_loopback(parts.hostname or ""):
            return "http" if self.transport.insecure and self._status(f"https://{host}/v2/") is None else "https"
        # Servers answer plain HTTP on their TLS port with 400, or hang up.
        doubtful = self._status(f"http://{host}/v2/") in (None, 400)
        return "https" if doubtful and _speaks_tls(parts) else "http"

    def _status(self, url: str) -> int | None:
        """The status of the answer; None if the host cannot be reached or hangs up. A stall raises."""
        try:
            answer = self.transport.send(Request("GET", url), retried=False)
        except TransportError as error:
            if error.__cause__ is not None and is_stalled(error.__cause__):
                raise
            return None
        answer.start()
        return answer.status


def _credentials(registry: str, repository: str, environment: Mapping[str, str]) -> Credentials | None:
    """The user's credentials; most registries on a loopback interface never ask for any."""
    from m2build.registry.credentials import find_credentials

    return find_credentials(registry, repository, environment)


def _speaks_tls(host: SplitResult) -> bool:
    try:
        ssl.get_server_certificate((host.hostname or "", host.port or 443), timeout=5)
    except (OSError, ValueError):
        return False
    return True
