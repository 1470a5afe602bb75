"""Keys and signers for tests. No network is there for cosign: everything but loopback goes to a closed port."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from helpers.support import need_tool

PASSWORD = "open-sesame-4711"
CLOSED = "http://127.0.0.1:9"
"""The port of `discard`, on which nothing listens."""
OFFLINE = {"HTTP_PROXY": CLOSED, "HTTPS_PROXY": CLOSED, "NO_PROXY": "127.0.0.1,localhost"}


@dataclass(frozen=True)
class Keys:
    """A key pair of cosign.

    Attributes:
        private: the private key's file.
        public: the public key's file.
        environment: the environment variables in which cosign can use it.
    """

    private: Path
    public: Path
    environment: Mapping[str, str]

    @classmethod
    def made(cls, folder: Path) -> Keys:
        environment = {**os.environ, **OFFLINE, "COSIGN_PASSWORD": PASSWORD}
        words = [need_tool("cosign"), "generate-key-pair", "--output-key-prefix", "cosign"]
        subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True)
        return cls(folder / "cosign.key", folder / "cosign.pub", environment)


def public_key_of_another(file: Path) -> Path:
    """A public key that has signed nothing."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    file.write_bytes(key.public_bytes(*form))
    return file


def cosign(*words: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run cosign without a network."""
    return subprocess.run(
        [need_tool("cosign"), *words], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
