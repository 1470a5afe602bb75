"""A signer of somebody else's, after docs/signing.md: descriptor on stdin, a tar of an OCI layout on stdout.

Its first argument says what it does wrong. It uses nothing of m2build.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from typing import Any

KEY = b"not much of a key"


def blob(files: dict[str, bytes], media_type: str, data: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    files[f"blobs/sha256/{digest}"] = data
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def layout(question: dict[str, Any], fault: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    subject = {key: question[key] for key in ("mediaType", "digest", "size")}
    if fault == "another image":
        subject["digest"] = f"sha256:{'0' * 64}"
    if fault == "another size":
        subject["size"] += 1
    said = json.dumps([question["name"], subject["digest"], *question["statements"]]).encode()
    signature = hashlib.sha256(KEY + said).hexdigest().encode()
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.example.signature",
        "config": blob(files, "application/vnd.oci.empty.v1+json", b"{}"),
        "layers": [blob(files, "application/octet-stream", signature)],
        **({} if fault == "no subject" else {"subject": subject}),
    }
    entry = blob(files, manifest["mediaType"], json.dumps(manifest).encode())
    if fault == "an altered blob":
        files = {name: data.replace(signature, b"x" * len(signature)) for name, data in files.items()}
    if fault == "a missing blob":
        files = {name: data for name, data in files.items() if data != signature}
    entries = [] if fault == "no artifact" else [entry] * (17 if fault == "many artifacts" else 1)
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    return files


def main() -> None:
    fault = sys.argv[1] if len(sys.argv) > 1 else ""
    question = json.load(sys.stdin)
    if fault == "a failure":
        sys.exit("the hardware token s3cr3t-token is not there")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in layout(question, fault).items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    data = out.getvalue()
    if fault == "no tar":
        data = b"signed, honestly"
    if fault == "cut off":
        data = data[:1500]
    if fault == "endless":
        for _ in range(70):
            sys.stdout.buffer.write(bytes(1 << 20))
    sys.stdout.buffer.write(data)


if __name__ == "__main__":
    main()
