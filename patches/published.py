"""Which releases of a distribution the package index has, listed by pip."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from m2build.errors import UsageError
from m2build.patches.pypi import run_pip

_LIST = re.compile(r"^Available versions: (.*)$", re.MULTILINE)


def published_releases(requirement: str) -> tuple[str, ...]:
    """The releases that a requirement allows, from the oldest to the newest; none that has wheels for others only.

    Pre-releases count if the requirement names one, or if it allows no other release (PEP 440); yanked ones never do.
    The index is the one that pip is configured for.

    Args:
        requirement: a name with a version specifier, as `sglang>=0.5.4,<0.6`.

    Raises:
        UsageError: the requirement has another form, no release fits it, or pip is not installed.
        TransportError: the index does not answer, or has no such distribution.

    Example:
        >>> published_releases("sglang[all]")
        Traceback (most recent call last):
        m2build.errors.UsageError: 'sglang[all]' is not a name with a version specifier
    """
    wanted = parse_requirement(requirement)
    words = ["index", "versions", "--pre", "--only-binary=:all:", wanted.name]
    printed = run_pip(words, f"the list of releases of {wanted.name}", hint="check the name and the network")
    match = _LIST.search(printed)
    releases = [version for text in (match[1].split(", ") if match else []) for version in _version(text)]
    found = sorted(wanted.specifier.filter(releases))
    if not found:
        newest = f"the newest is {max(releases)}" if releases else "it has no wheel for this Python"
        raise UsageError(f"no release of {wanted.name} is among {wanted.specifier or 'those asked for'}: {newest}")
    return tuple(map(str, found))


def parse_requirement(text: str) -> Requirement:
    """A name with a version specifier, and nothing else that a requirement may have; an empty specifier is one.

    Raises:
        UsageError: it has another form.
    """
    try:
        wanted = Requirement(text)
    except InvalidRequirement as error:
        raise _other_form(text) from error
    if wanted.extras or wanted.marker or wanted.url:
        raise _other_form(text)
    return wanted


def same_distribution(one: str, other: str) -> bool:
    """Whether two names mean one distribution (PEP 503)."""
    return canonicalize_name(one) == canonicalize_name(other)


def _other_form(text: str) -> UsageError:
    return UsageError(f"{text!r} is not a name with a version specifier", hint="write it as 'sglang>=0.5.4,<0.6'")


def _version(text: str) -> Iterable[Version]:
    """The version, unless it is one of those that were published before PEP 440."""
    try:
        return [Version(text.strip())]
    except InvalidVersion:
        return []
