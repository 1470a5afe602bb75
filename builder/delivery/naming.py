"""Names with fields in braces, as in `registry.example/{model}:{base_tag}-{profile}`: several images, several names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError
from m2build.oci.reference import parse_reference

FIELDS: Mapping[str, str] = {
    "base_tag": "the tag of the base",
    "model": "the model's id",
    "profile": "the profile's id",
    "series": "twelve digits of the series' digest",
}
"""Field -> what stands there in an image's name."""

_FIELD = re.compile(r"\{([^{}]*)\}")


def check_name(text: str) -> None:
    """Check a name with or without fields, before any of their values is known.

    Raises:
        UsageError: there is no such field, a brace is alone, it is not a reference, or it names a digest.
    """
    for field in _FIELD.findall(text):
        if field not in FIELDS:
            raise UsageError(
                f"{text!r}: there is no field {did_you_mean(field, FIELDS)}",
                hint="fields are " + ", ".join(f"{{{known}}}" for known in FIELDS),
            )
    plain = _FIELD.sub("x", text)
    if "{" in plain or "}" in plain:
        raise UsageError(f"{text!r} has an unmatched brace", hint="write a field as in {profile}")
    if parse_reference(plain).digest is not None:
        raise UsageError(f"{text!r} names a digest, which is not known before the build", hint="leave out @sha256:…")


def fields_of(text: str) -> frozenset[str]:
    """The fields that a name has."""
    return frozenset(_FIELD.findall(text))


def filled(text: str, values: Mapping[str, str | None]) -> str:
    """A name with a value in place of each field.

    >>> filled("localhost:5000/{model}:p{series}", {"model": "m2", "series": "0123456789ab"})
    'localhost:5000/m2:p0123456789ab'

    Raises:
        UsageError: a field has no value here, or the result is not a reference.
    """
    for field in fields_of(text):
        if values.get(field) is None:
            raise UsageError(
                f"{text!r} asks for {FIELDS[field]}, and there is none", hint="write what you mean in its place"
            )
    name = _FIELD.sub(lambda found: str(values[found[1]]), text)
    parse_reference(name)
    return name
