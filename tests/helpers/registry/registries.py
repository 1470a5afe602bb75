"""Other projects' registries on loopback ports, and an access to them that is not the code under test."""

from __future__ import annotations

import base64
import http.client
import json
import random
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from helpers.images import Entry, file
from helpers.servers import free_port, serving
from helpers.support import need_tool
from m2build.oci.image import Image, open_blob
from m2build.oci.reference import Reference, parse_reference
from m2build.registry.access import Access
from m2build.registry.transport import Transport

USER, PASSWORD = "alice", "s3cret:with/colon"
WRONG = "wrong-0815"


@contextmanager
def docker_registry(
    folder: Path, *, auth: Mapping[str, Any] | None = None, tls: Mapping[str, Any] | None = None
) -> Iterator[str]:
    """The distribution project's registry, as Debian packages it; yields `127.0.0.1:PORT`."""
    port = free_port()
    config: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "test"},
    }
    if auth:
        config["auth"] = auth
    if tls:
        config["http"]["tls"] = tls
    path = folder / "config.yml"
    path.write_text(json.dumps(config))  # JSON is YAML
    with serving([need_tool("docker-registry"), "serve", str(path)], port, folder / "log") as host:
        yield host


@contextmanager
def crane_registry(folder: Path) -> Iterator[str]:
    """crane's registry: another implementation, which never mounts."""
    port = free_port()
    command = [need_tool("crane"), "registry", "serve", "--address", f"127.0.0.1:{port}"]
    with serving(command, port, folder / "log") as host:
        yield host


@contextmanager
def listing_registry(folder: Path) -> Iterator[str]:
    """The same with the referrers API: `.ci/build-registry` compiles it."""
    port = free_port()
    with serving([need_tool("referrers-registry"), f"127.0.0.1:{port}"], port, folder / "log") as host:
        yield host


def htpasswd(folder: Path) -> dict[str, Any]:
    """Basic authentication for one user."""
    path = folder / "htpasswd"
    command = [need_tool("htpasswd"), "-nbB", "-C", "5", USER, PASSWORD]
    path.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    return {"htpasswd": {"realm": "test", "path": str(path)}}


def docker_config(folder: Path, document: Mapping[str, Any]) -> dict[str, str]:
    """An environment with this configuration only."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "config.json").write_text(json.dumps(document))
    return {"DOCKER_CONFIG": str(folder), "HOME": str(folder / "no-home")}


def logged_in(folder: Path, host: str, user: str = USER, password: str = PASSWORD) -> dict[str, str]:
    """An environment with a password for a registry."""
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    return docker_config(folder, {"auths": {host: {"auth": auth}}})


def access(environment: Mapping[str, str] | None = None, *, insecure: bool = False) -> Access:
    """Access that does not wait between tries, and finds no credentials but the test's."""
    environment = environment or {"HOME": "/nonexistent"}
    return Access(environment, Transport(environment, insecure=insecure, sleep=lambda _: None))


def reference(host: str, rest: str) -> Reference:
    return parse_reference(f"{host}/{rest}")


def noise(size: int, seed: int = 0) -> Entry:
    """A file that does not compress, with the same bytes each time."""
    return file("noise", random.Random(seed).randbytes(size))  # noqa: S311 - hides nothing


def call(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """One request, with Python's own client."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        query = f"?{parts.query}" if parts.query else ""
        connection.request(method, parts.path + query, body, dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def upload_blob(
    host: str, repository: str, digest: object, data: bytes, headers: Mapping[str, str] | None = None
) -> None:
    status, answered, _ = call("POST", f"http://{host}/v2/{repository}/blobs/uploads/", headers=headers)
    assert status == 202
    location = urljoin(f"http://{host}", answered["Location"])
    separator = "&" if "?" in location else "?"
    assert call("PUT", f"{location}{separator}digest={digest}", data, headers)[0] == 201


def upload_manifest(host: str, repository: str, name: object, data: bytes, media_type: str) -> None:
    status, _, answer = call(
        "PUT", f"http://{host}/v2/{repository}/manifests/{name}", data, {"Content-Type": media_type}
    )
    assert status == 201, answer


def upload(host: str, repository: str, image: Image, tag: str | None = None) -> None:
    """Put an image into a registry."""
    for blob in (*image.manifest.layers, image.manifest.config):
        with open_blob(image.everything, blob) as reader:
            upload_blob(host, repository, blob.digest, reader.read())
    manifest = image.manifest
    upload_manifest(host, repository, tag or manifest.digest, manifest.raw, manifest.types.manifest)


def tag_digest(host: str, repository: str, tag: str) -> str | None:
    """The digest that a registry gives for a tag."""
    accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
    status, headers, _ = call("HEAD", f"http://{host}/v2/{repository}/manifests/{tag}", headers={"Accept": accept})
    return headers["Docker-Content-Digest"] if status == 200 else None


def run(*command: str, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> bytes:
    """Run another tool, which has to succeed."""
    program = [need_tool(command[0]), *command[1:]]
    done = subprocess.run(program, capture_output=True, check=False, timeout=60, env=environment, cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
