"""Trusted certificate authorities: the system's, and those that the environment names."""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from m2build.errors import UsageError
from m2build.local.failures import storage

_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Those of OpenSSL and Go's clients, of Python's requests, and of curl; the last two may name a folder as well."""

_LARGEST = 16 << 20
"""Bytes of one file; the bundle of all authorities that browsers trust has a quarter of a megabyte."""


def trust(environment: Mapping[str, str], *, insecure: bool) -> ssl.SSLContext:
    """The context that checks certificates; with `insecure` it accepts any.

    Raises:
        UsageError: a variable names a file or a folder that contains no certificates.
    """
    named = {variable: value for variable in _VARIABLES if (value := environment.get(variable))}
    for variable, value in named.items():
        _check_kind(variable, value)  # OpenSSL would wait for a pipe, and read a device for ever
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    for variable, value in named.items():
        _load(context, variable, value)
    return context


def _check_kind(variable: str, value: str) -> None:
    with suppress(OSError, ValueError):
        status = Path(value).stat()
        is_fit = stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_size <= _LARGEST)
        if not is_fit:
            problem = f"{variable} names {value}, which is not a file of certificates"
            raise UsageError(problem, hint=f"name a regular file of at most {_LARGEST:,} bytes, or unset {variable}")


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
    with storage(folder, "read"):
        found = {path.resolve() for path in folder.iterdir() if path.is_file() and path.stat().st_size <= _LARGEST}
    yield from sorted(found)


def _loaded(context: ssl.SSLContext, path: Path) -> bool:
    try:
        context.load_verify_locations(path)
    except OSError:
        return False
    return True
