"""Public keys of signers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from m2build.documents.arguments import typed_arguments
from m2build.documents.files import document_bytes
from m2build.errors import UsageError

_PUBLIC_KEY = re.compile(r"-----BEGIN PUBLIC KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PUBLIC KEY-----\s*")


@dataclass(frozen=True)
class PublicKey:
    """A signer who is known by a key.

    Attributes:
        pem: the public key in PEM.
    """

    pem: str

    def __post_init__(self) -> None:
        """Check that it is a public key.

        Raises:
            UsageError: it is none, as if the private one was named by mistake.
        """
        if "PRIVATE KEY" in self.pem:
            raise UsageError("the key is a private one", hint="name the public key, such as cosign.pub")
        if not _PUBLIC_KEY.fullmatch(self.pem):
            raise UsageError("the key is not a public key in PEM", hint="`cosign public-key --key KEY` prints one")


@typed_arguments
def load_public_key(path: str) -> PublicKey:
    """Read a public key.

    Raises:
        UsageError: the file does not exist, or holds something else; a private key is not repeated.
        StorageError: it cannot be read.
    """
    pem = document_bytes(path, "key").decode("ascii", errors="replace")
    try:
        return PublicKey(pem)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from None
