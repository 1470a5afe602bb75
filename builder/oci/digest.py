"""Digests as a type (OCI image specification, descriptor.md), so that an unchecked string cannot pass for one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from m2build.errors import ContentError

_HEX_LENGTH = {"sha256": 64, "sha512": 128}


@dataclass(frozen=True, order=True)
class Digest:
    """An algorithm and its hexadecimal value; `str()` gives `sha256:…`."""

    algorithm: str
    hex: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"

    @classmethod
    def of(cls, data: bytes) -> Digest:
        """The SHA-256 digest of some bytes."""
        return cls("sha256", hashlib.sha256(data).hexdigest())

    @classmethod
    def parse(cls, text: object) -> Digest:
        """Read `ALGORITHM:HEX`.

        Raises:
            ContentError: it is not one, or the algorithm is neither sha256 nor sha512.
        """
        algorithm, _, value = text.partition(":") if isinstance(text, str) else ("", "", "")
        length = _HEX_LENGTH.get(algorithm)
        if length is None or not re.fullmatch(rf"[0-9a-f]{{{length}}}", value):
            raise ContentError(f"{text!r} is not a sha256 or sha512 digest")
        return cls(algorithm, value)
