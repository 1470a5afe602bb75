"""Why there is no answer, as an error message."""

from __future__ import annotations

from http.client import HTTPException, IncompleteRead, RemoteDisconnected

from urllib3.exceptions import (
    ConnectTimeoutError,
    InvalidHeader,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from m2build.errors import TransportError

PATIENCE = "M2BUILD_REGISTRY_TIMEOUT"
"""The environment variable with the seconds that a server may stall."""
NO_CONTACT = (NewConnectionError, ConnectTimeoutError, SSLError, ProxyError)
"""Failures before a request has reached its server."""

_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (RemoteDisconnected, "it closed the connection"),
    (IncompleteRead, "its answer was cut off"),
    (InvalidHeader, "its Content-Length is not a single number"),
    (HTTPException, "it does not speak HTTP"),
)


def is_stalled(error: BaseException) -> bool:
    """Whether a server was reached, and then stalled until the timeout."""
    return isinstance(_bottom(error), TimeoutError) and not isinstance(error, NO_CONTACT)


def no_answer(host: str, error: Exception, seconds: float) -> TransportError:
    """The error for a request without an answer. It leaves out the URL, whose query may contain secrets.

    Args:
        host: the server.
        error: what was raised instead.
        seconds: the timeout.
    """
    hint = "check the name, the network, and HTTPS_PROXY and NO_PROXY"
    match error:
        case ProxyError():
            message = f"{host} cannot be reached through the proxy: {reason(error)}"
        case NameResolutionError():
            message = f"{host} cannot be found: its name does not resolve"
        case SSLError():
            message = f"{host} cannot be trusted, or does not speak TLS: {reason(error)}"
            hint = (
                "name its certificate authority in SSL_CERT_FILE or SSL_CERT_DIR, "
                "or use --insecure for a registry that you trust"
            )
        case NewConnectionError() | ConnectTimeoutError():
            message = f"{host} cannot be reached: {reason(error)}"
        case _ if is_stalled(error):
            message = f"{host} stalled for {seconds:g} s"
            hint = f"try again later; {PATIENCE}=SECONDS waits longer"
        case _:
            message = f"{host} does not answer: {reason(error)}"
    return TransportError(message, hint=hint)


def reason(error: BaseException) -> str:
    """The root cause of an exception, in words."""
    error = _bottom(error)
    known = next((text for kind, text in _REASONS if isinstance(error, kind)), None)
    text = getattr(error, "verify_message", None) or getattr(error, "strerror", None) or known
    if text is None and isinstance(error, OSError) and error.args:
        text = error.args[0]  # such as what a proxy answers to CONNECT
    return str(text or type(error).__name__)


def _bottom(error: BaseException) -> BaseException:
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
