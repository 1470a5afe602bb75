"""Trusted certificate authorities: the system's, and those that the environment names."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

from m2build.errors import UsageError

_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Those of OpenSSL and Go's clients, of Python's requests, and of curl; the last two may name a folder as well."""


def trust(environment: Mapping[str, str], *, insecure: bool) -> ssl.SSLContext:
    """The context that checks certificates; with `insecure` it accepts any.

    Raises:
        UsageError: a variable names a file or a folder that contains no certificates.
    """
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    for variable in _VARIABLES:
        if value := environment.get(variable):
            _load(context, variable, value)
    return context


def _load(context: ssl.SSLContext, variable: str, value: str) -> None:
    hint = f"name certificates in PEM form, or unset {variable}"
    folders = [Path(place) for place in value.split(os.pathsep) if Path(place).is_dir()]
    if folders or variable == "SSL_CERT_DIR":
        loaded = [path for folder in folders for path in _files(folder) if _loaded(context, path)]
        if not loaded:
            raise UsageError(f"{variable} names {value}, which contains no certificates", hint=hint)
        return
    try:
        context.load_verify_locations(value)
    except OSError as error:  # ssl.SSLError is one
        reason = f"{variable} names {value}, which contains no certificates: {error.strerror}"
        raise UsageError(reason, hint=hint) from error


def _files(folder: Path) -> Iterator[Path]:
    """Every file once, whatever its name, as in Go; OpenSSL's hash links lead to the same files."""
    yield from sorted({path.resolve() for path in folder.iterdir() if path.is_file()})


def _loaded(context: ssl.SSLContext, path: Path) -> bool:
    try:
        context.load_verify_locations(path)
    except OSError:
        return False
    return True
