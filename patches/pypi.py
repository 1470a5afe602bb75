"""Published wheels as sources: fetched by pip, checked against a pinned SHA-256, kept in the user's cache."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from sysconfig import get_platform

from m2build.documents.arguments import typed_arguments
from m2build.errors import BaseChangedError, ContentError, M2BuildError, StorageError, TransportError, UsageError
from m2build.local.cache import SealedFiles, cache_folder
from m2build.local.home import home_folder
from m2build.local.stored import WHEELS, used_wheel
from m2build.patches.preimages import pinned_releases

_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9.!+]*)")
_MISSING = re.compile(r"^No matching distribution found|\b404 Client Error\b")
_INVALID = re.compile(r"^Wheel .* is invalid|has an invalid wheel|inconsistent (name|version)")
"""How pip's last line begins of a release that the index does not have for this Python, and of a broken one."""
_REFUSED = re.compile(
    r"Could not fetch URL .*(?:: ([45][0-9]{2}) (?:Client|Server) Error|too many ([45][0-9]{2}) error responses)"
)
_NO_LIST = "because the GET request got Content-Type"
_OTHERS = re.compile(r"from versions: (?!none)")
"""What pip says of an index that refuses to answer, of an answer that is not a list of files, and where an index
has other releases."""
_TIMEOUT = 600
"""Seconds for the whole download; pip has time-outs of its own for each connection."""


@typed_arguments
def fetch_wheel(requirement: str) -> Path:
    """The wheel of `NAME==VERSION`, from the cache or else through pip.

    One in the cache has the pinned bytes, or those that pip fetched here: other files there are not used.

    Raises:
        UsageError: the requirement has another form, or pip is not installed.
        TransportError: pip cannot fetch it.
        ContentError: what pip has fetched is not a wheel.
        BaseChangedError: the release is pinned, and the wheel is another one.
        StorageError: the cache cannot be written.

    Example:
        >>> fetch_wheel("sglang")
        Traceback (most recent call last):
        m2build.errors.UsageError: 'sglang' does not name one release
    """
    match = _REQUIREMENT.fullmatch(requirement)
    if match is None:
        raise UsageError(
            f"{requirement!r} does not name one release", hint="write pypi:NAME==VERSION, as pypi:sglang==0.5.7"
        )
    name = re.sub(r"[-_.]+", "-", match[1]).lower()
    folder = cache_folder() / WHEELS / f"{name}-{match[2]}"
    release, known = f"{name}=={match[2]}", SealedFiles(cache_folder() / "fetched")
    chosen = json.dumps([release, *_choosing()])
    wheel = used_wheel(folder)
    if wheel is not None and wheel.is_file() and not wheel.is_symlink():
        found, kept = _digest(wheel), known.get(chosen)
        if found == _pin(release) or (_pin(release) is None and kept is not None and found == kept.decode()):
            return wheel
    shutil.rmtree(folder, ignore_errors=True)
    wheel = _download(release, folder)
    found = _digest(wheel)
    if _pin(release) not in (None, found):
        shutil.rmtree(folder, ignore_errors=True)
        raise BaseChangedError(
            f"{wheel.name} is not the pinned {release}: its SHA-256 is {found}, not {_pin(release)}",
            hint="the package index serves a different file from the one that the patches were reviewed against",
        )
    known.put(chosen, found.encode())
    return wheel


def _choosing() -> Iterator[str]:
    """What decides beside the release which wheel pip fetches: Python, the platform, and pip's own configuration.

    Its files are where pip's documentation says, "Configuration": global, of the user, and of the environment.
    """
    yield from (sys.implementation.cache_tag, get_platform())
    yield from (f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("PIP_"))
    home = home_folder()
    folders = (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
    yours = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    places = [
        *(Path(folder, "pip") for folder in folders),
        yours / "pip",
        home / ".pip",
        Path("/etc"),
        Path(sys.prefix),
    ]
    named = Path(os.environ.get("PIP_CONFIG_FILE") or os.devnull)
    for file in (*(place / "pip.conf" for place in places), named):
        with suppress(OSError):
            yield f"{file}={hashlib.sha256(file.read_bytes()).hexdigest()}"


def _download(requirement: str, folder: Path) -> Path:
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise StorageError(
            f"the cache {folder.parent} cannot be written: {error.strerror}",
            hint="set XDG_CACHE_HOME to a folder that can be written",
        ) from error
    try:
        wheel = _pip_download(requirement, staging)
        _move_in(staging, folder)
    except OSError as error:
        raise StorageError(f"the cache {folder} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder / wheel.name


def _move_in(staging: Path, folder: Path) -> None:
    """Put a fetched wheel in its place, unless another process was faster; a folder without one is left-over."""
    try:
        staging.replace(folder)
    except OSError:
        if any(folder.glob("*.whl")):
            return
        shutil.rmtree(folder, ignore_errors=True)
        staging.replace(folder)


def _pip_download(requirement: str, folder: Path) -> Path:
    exact = requirement.replace("==", "===")  # pip takes 1.0+rocm for `==1.0` where there is one (PEP 440)
    words = ["download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), exact]
    hint = "check the release and the network, or fetch the wheel elsewhere and give it as wheel:FILE"
    run_pip(words, requirement, hint=hint)
    wheel = next(folder.glob("*.whl"), None)
    if wheel is None:
        raise TransportError(f"pip cannot fetch {requirement}: no reason given", hint=hint)
    return wheel


def run_pip(words: Sequence[str], what: str, *, hint: str) -> str:
    """What pip prints on stdout, with the user's own configuration of it.

    Args:
        words: the command and its options.
        what: what it fetches, for messages.
        hint: the next step if it fails.

    Raises:
        UsageError: pip is not installed.
        ContentError: what it has fetched is not a wheel.
        TransportError: it fails, or takes more than 10 minutes.
    """
    command = [sys.executable, "-m", "pip", words[0], "-vv", "--disable-pip-version-check", "--no-input", *words[1:]]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise TransportError(f"pip did not fetch {what} within {_TIMEOUT} s") from error
    if "No module named pip" in run.stderr:
        raise UsageError(
            f"{what} cannot be fetched: this Python has no pip",
            hint=f"run `{sys.executable} -m ensurepip`, or fetch the wheel yourself and give it as wheel:FILE",
        )
    if run.returncode != 0:
        raise _failure(what, _reason(run.stdout, run.stderr), hint)
    return run.stdout


def _failure(what: str, reason: str, hint: str) -> M2BuildError:
    """The error for what pip says: that it cannot fetch something, or that what it has fetched is not a wheel."""
    message = f"pip cannot fetch {what}: {reason}"
    if _INVALID.search(reason):
        return ContentError(message, hint=hint)
    return TransportError(message, hint=hint, is_missing=bool(_MISSING.search(reason)))


def _reason(stdout: str, stderr: str) -> str:
    """Why pip gave up: where an index does not answer, its own last line speaks of a missing release."""
    if "after connection broken by" in stderr:
        return "the package index cannot be reached"
    codes = {code or other for code, other in _REFUSED.findall(stdout)} - {"404"}
    if codes and not _OTHERS.search(stderr):
        return f"the package index answers {', '.join(sorted(codes))}"
    if _NO_LIST in stderr and not _OTHERS.search(stderr):
        return "the package index answers with something that is not a list of files"
    lines = stderr.splitlines()
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    if errors and errors[-1] == "Exception:":
        return lines[-1]
    return errors[-1] if errors else "no reason given"


def _pin(release: str) -> str | None:
    pinned = pinned_releases().get(release)
    return pinned.sha256 if pinned else None


def _digest(wheel: Path) -> str:
    try:
        with wheel.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StorageError(f"{wheel} cannot be read: {error.strerror}") from error
