"""A sigstore of its own: what Fulcio, its certificate log and Rekor answer, so that identities sign without a network.

Formats: RFC 6962 (certificate log, Merkle tree), https://github.com/C2SP/C2SP/blob/main/tlog-checkpoint.md, and
https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md. cosign judges what is made here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from helpers.support import need_tool
from m2build.evidence.bundle import BUNDLE
from m2build.evidence.statement import IN_TOTO

_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_TIMESTAMPS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_SHA256_ECDSA = b"\x04\x03"
_NAME = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "fulcio.example")])
_REKOR = "rekor.example"


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _spki(key: ec.EllipticCurvePrivateKey, encoding: serialization.Encoding = serialization.Encoding.DER) -> bytes:
    return key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def _signature(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@dataclass(frozen=True)
class Sigstore:
    """The keys of the three services."""

    authority: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    timestamps: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    rekor: ec.EllipticCurvePrivateKey = field(default_factory=_key)

    def trusted_root(self, folder: Path) -> Path:
        """The file by which cosign knows the services, made by cosign."""
        now = datetime.now(UTC)
        extensions = (
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (x509.SubjectKeyIdentifier.from_public_key(self.authority.public_key()), False),
        )
        root = _certificate(self.authority, self.authority, _NAME, extensions, now)
        (folder / "fulcio.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
        (folder / "ctfe.pem").write_bytes(_spki(self.timestamps, serialization.Encoding.PEM))
        (folder / "rekor.pem").write_bytes(_spki(self.rekor, serialization.Encoding.PEM))
        start = (now - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        words = [need_tool("cosign"), "trusted-root", "create", "--out", "trusted_root.json"]
        words += ["--fulcio=url=https://fulcio.example,certificate-chain=fulcio.pem"]
        words += [f"--ctfe=url=https://ctfe.example,public-key=ctfe.pem,start-time={start}"]
        words += [f"--rekor=url=https://{_REKOR},public-key=rekor.pem,start-time={start}"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True)
        return folder / "trusted_root.json"

    def bundle(self, statement: bytes, identity: str, issuer: str) -> bytes:
        """A statement signed by an identity: a certificate for ten minutes, and an entry in the log."""
        key, now = _key(), datetime.now(UTC)
        certificate = self._issued(key, identity, issuer.encode(), now)
        signature = _signature(key, b"DSSEv1 %d %s %d %s" % (len(IN_TOTO), IN_TOTO.encode(), len(statement), statement))
        envelope = {"payload": _b64(statement), "payloadType": IN_TOTO, "signatures": [{"sig": _b64(signature)}]}
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        material = {
            "certificate": {"rawBytes": _b64(certificate.public_bytes(serialization.Encoding.DER))},
            "tlogEntries": [self._entry(envelope, statement, signature, pem, int(now.timestamp()))],
        }
        return json.dumps({"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope}).encode()

    def _issued(self, key: ec.EllipticCurvePrivateKey, identity: str, issuer: bytes, now: datetime) -> x509.Certificate:
        """A certificate as Fulcio issues it, with the certificate log's time stamp of what it is without that."""
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority.public_key()), False),
            (x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)]), True),
            (x509.UnrecognizedExtension(_ISSUER, bytes([0x0C, len(issuer)]) + issuer), False),
        )
        before = _certificate(key, self.authority, x509.Name([]), extensions, now).tbs_certificate_bytes
        time = struct.pack(">Q", int(now.timestamp() * 1000))
        entry = b"\0\1" + _sha256(_spki(self.authority)) + struct.pack(">I", len(before))[1:] + before
        signed = _signature(self.timestamps, b"\0\0" + time + entry + b"\0\0")
        stamp = b"\0" + _sha256(_spki(self.timestamps)) + time + b"\0\0" + _SHA256_ECDSA
        stamp += struct.pack(">H", len(signed)) + signed
        stamps = struct.pack(">HH", len(stamp) + 2, len(stamp)) + stamp
        octets = x509.UnrecognizedExtension(_TIMESTAMPS, bytes([0x04, len(stamps)]) + stamps)
        return _certificate(key, self.authority, x509.Name([]), (*extensions, (octets, False)), now)

    def _entry(
        self, envelope: Mapping[str, Any], statement: bytes, signature: bytes, pem: bytes, time: int
    ) -> dict[str, Any]:
        """Rekor's entry of an envelope, the only one of its tree."""
        spec = {
            "envelopeHash": {"algorithm": "sha256", "value": _sha256(_canonical(envelope)).hex()},
            "payloadHash": {"algorithm": "sha256", "value": _sha256(statement).hex()},
            "signatures": [{"signature": _b64(signature), "verifier": _b64(pem)}],
        }
        body = _canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})
        log, root = _sha256(_spki(self.rekor)), _sha256(b"\0" + body)
        promise = {"body": _b64(body), "integratedTime": time, "logID": log.hex(), "logIndex": 0}
        note = f"{_REKOR} - 1\n1\n{_b64(root)}\n"
        line = f"— {_REKOR} {_b64(log[:4] + _signature(self.rekor, note.encode()))}\n"
        return {
            "logIndex": "0",
            "logId": {"keyId": _b64(log)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(time),
            "inclusionPromise": {"signedEntryTimestamp": _b64(_signature(self.rekor, _canonical(promise)))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": _b64(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n{line}"},
            },
            "canonicalizedBody": _b64(body),
        }


def _certificate(
    key: ec.EllipticCurvePrivateKey,
    authority: ec.EllipticCurvePrivateKey,
    subject: x509.Name,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...],
    now: datetime,
) -> x509.Certificate:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(_NAME).public_key(key.public_key())
    builder = builder.serial_number(int(now.timestamp() * 1e6))
    builder = builder.not_valid_before(now - timedelta(minutes=1)).not_valid_after(now + timedelta(minutes=10))
    usage = x509.KeyUsage(
        digital_signature=key is not authority, key_cert_sign=key is authority, crl_sign=key is authority,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = builder.add_extension(usage, critical=True)
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, critical=is_critical)
    return builder.sign(authority, hashes.SHA256())
