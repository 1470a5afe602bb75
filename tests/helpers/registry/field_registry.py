"""A small registry with the deviations from the specification that registries in the field have."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

from helpers.registry.http_servers import QuietHandler, host_of, serving_with

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class Answer:
    """An answer, with the request that it is for."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def is_for(self, method: str, path: str) -> bool:
        return re.fullmatch(method, self.method) is not None and re.search(path, self.path) is not None

    def having(self, **headers: str) -> Answer:
        """The same with other headers; an underscore in a name is a hyphen."""
        return replace(self, headers={**self.headers, **{key.replace("_", "-"): text for key, text in headers.items()}})


@dataclass
class Habits:
    """How a registry deviates.

    `location` is the template of an upload's Location, with `{host}`, `{path}` and `{id}`. `forgets` names what the
    registry confirms but does not store: `blobs`, `manifests` or `tags`. `post` redirects the beginning of an upload,
    with a status and a template for the URL. `appears`: blobs of other repositories show up here once their mount has
    been asked for, although it is refused. `resumes`: what is cut off is kept, and an upload says how much it has.
    `warning` is sent with every answer. `apart`: each repository shows only the blobs that came to it, and takes no
    manifest that names others. `alters` changes any answer.

    `referrers`: how it lists what refers to a manifest: not at all, by the `api`, as a web `page`; or it `hides` all of
    it. `promises`: it says that it lists them, whether or not it does (OCI-Subject). `page`: how many it lists at once.
    `rivals`: how often another tool writes to the list under a tag right before a request that does; `late_rivals`: how
    often right after it, from what it has read before. `conditions`: it heeds If-Match.
    """

    patch: int = 202
    blob_put: int = 201
    manifest_put: int = 201
    mount: int = 202
    manifest_head: int | None = None
    range_status: int | None = None
    content_range: str | None = None
    location: str | None = "{path}{id}"
    patch_location: bool = True
    digest_header: bool = True
    immutable: bool = False
    forgets: str = ""
    post: tuple[int, str] | None = None
    patch_redirects: int = 0
    appears: bool = False
    resumes: bool = False
    warning: str = ""
    referrers: str = ""
    promises: bool = False
    page: int = 0
    rivals: int = 0
    late_rivals: int = 0
    conditions: bool = False
    apart: bool = False
    alters: Callable[[Answer], Answer] | None = None


@dataclass
class FieldRegistry:
    host: str = ""
    habits: Habits = field(default_factory=Habits)
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    places: set[tuple[str, str]] = field(default_factory=set)

    def keep(self, repository: str, digest: str, content: bytes) -> None:
        self.blobs[digest] = content
        self.places.add((repository, digest))

    def found(self, repository: str, digest: str) -> bytes | None:
        """A blob, if the repository shows it."""
        is_shown = not self.habits.apart or (repository, digest) in self.places
        return self.blobs.get(digest) if is_shown else None

    def lacks(self, repository: str, manifest: bytes) -> bool:
        """Whether a manifest names blobs that the repository does not show."""
        document = json.loads(manifest)
        named = [*document.get("layers", []), *filter(None, [document.get("config")])]
        return any(self.found(repository, one["digest"]) is None for one in named)

    def count(self, method: str, pattern: str) -> int:
        return len([path for verb, path in self.requests if verb == method and re.search(pattern, path)])


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def uploads_of(repository: str) -> str:
    return f"/v2/{repository}/blobs/uploads/"


def etag_of(content: bytes | None) -> str:
    return f'"{digest_of(content or b"")}"'


def with_rival(index: bytes | None) -> bytes:
    """A list of referrers with one more entry, as another tool writes it."""
    document = json.loads(index or b'{"schemaVersion": 2, "manifests": []}') | {"mediaType": OCI_INDEX}
    number = len(document["manifests"])
    rival = {"mediaType": OCI_MANIFEST, "digest": digest_of(f"rival {number}".encode()), "size": 7}
    return json.dumps({**document, "manifests": [*document["manifests"], rival]}).encode()


class Handler(QuietHandler):
    registry: FieldRegistry

    def serve(self) -> None:
        body = self.body()
        self.registry.requests.append((self.command, self.path))
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/v2/":
            self.say(200)
        elif match := re.fullmatch(r"/v2/(.+)/manifests/(.+)", parts.path):
            self.manifest(match[1], match[2], body)
        elif match := re.fullmatch(r"/v2/(.+)/referrers/(.+)", parts.path):
            self.list_referrers(match[1], match[2], int(query.get("from", 0)))
        elif match := re.fullmatch(r"/v2/(.+)/blobs/(sha256:.+)", parts.path):
            self.blob(match[1], match[2])
        elif match := re.fullmatch(r"/v2/(.+)/blobs/uploads/(.*)", parts.path):
            self.upload(match[1], match[2], query, body) if match[2] else self.begin(match[1], query)
        else:
            self.say(404)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def say(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        answer = Answer(self.command, self.path, status, {"Content-Length": str(len(body)), **(headers or {})}, body)
        answer = self.registry.habits.alters(answer) if self.registry.habits.alters else answer
        self.send_response_only(answer.status)
        warning = {"Warning": self.registry.habits.warning} if self.registry.habits.warning else {}
        for name, value in {**warning, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def refuse(self, status: int, code: str) -> None:
        self.say(status, body=json.dumps({"errors": [{"code": code, "message": ""}]}).encode())

    def digest(self, digest: str) -> dict[str, str]:
        return {"Docker-Content-Digest": digest} if self.registry.habits.digest_header else {}

    def manifest(self, repository: str, name: str, body: bytes) -> None:
        habits, kept, is_tag = self.registry.habits, self.registry.manifests, ":" not in name
        key = f"{repository}/{name}"
        if self.command == "PUT":
            if habits.immutable and is_tag and key in kept:
                self.refuse(400, "TAG_INVALID")
                return
            if habits.apart and self.registry.lacks(repository, body):
                self.refuse(400, "MANIFEST_BLOB_UNKNOWN")
                return
            before = kept.get(key)
            is_list = name.startswith("sha256-")
            if is_list and habits.rivals:
                habits.rivals -= 1
                kept[key] = with_rival(kept.get(key))
            condition = self.headers.get("If-Match")
            if habits.conditions and condition and condition != etag_of(kept.get(key)):
                self.refuse(412, "MANIFEST_INVALID")
                return
            if habits.forgets != ("tags" if is_tag else "manifests"):
                kept[key] = body
            if is_list and habits.late_rivals:
                habits.late_rivals -= 1
                kept[key] = with_rival(before)
            subject = json.loads(body).get("subject")
            promise = {"OCI-Subject": subject["digest"]} if subject and habits.promises else {}
            self.say(habits.manifest_put, {**self.digest(digest_of(body)), **promise})
        elif self.command == "HEAD" and habits.manifest_head:
            self.say(habits.manifest_head)
        elif (found := kept.get(key)) is None:
            self.refuse(404, "MANIFEST_UNKNOWN")
        else:
            kind = json.loads(found).get("mediaType", OCI_MANIFEST)
            self.say(200, {"Content-Type": kind, "ETag": etag_of(found), **self.digest(digest_of(found))}, found)

    def list_referrers(self, repository: str, subject: str, start: int) -> None:
        habits = self.registry.habits
        if habits.referrers == "page":
            self.say(200, {"Content-Type": "text/html"}, b"<!doctype html><title>Registry</title>")
            return
        if not habits.referrers:
            self.refuse(404, "NOT_FOUND")
            return
        entries = [] if habits.referrers == "hides" else self.referrers(repository, subject)
        size = habits.page or len(entries)
        more = {"Link": f'<{self.path.partition("?")[0]}?from={start + size}>; rel="next"'}
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries[start : start + size]}
        headers = {"Content-Type": OCI_INDEX, **(more if start + size < len(entries) else {})}
        self.say(200, headers, json.dumps(index).encode())

    def referrers(self, repository: str, subject: str) -> list[dict[str, object]]:
        found = []
        for key, content in self.registry.manifests.items():
            document = json.loads(content)
            digest = digest_of(content)
            if key == f"{repository}/{digest}" and document.get("subject", {}).get("digest") == subject:
                own = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(content)}
                more = {name: document[name] for name in ("artifactType", "annotations") if name in document}
                found.append({**own, **more})
        return found

    def blob(self, repository: str, digest: str) -> None:
        habits, found = self.registry.habits, self.registry.found(repository, digest)
        if found is None and habits.appears and digest in self.registry.elsewhere & self.registry.asked:
            self.say(200)
        elif found is None:
            self.refuse(404, "BLOB_UNKNOWN")
        elif "Range" in self.headers and habits.range_status:
            headers = {"Content-Range": habits.content_range} if habits.content_range else {}
            self.say(habits.range_status, headers, found if habits.range_status == 206 else b"")
        else:
            self.say(200, {}, found)

    def begin(self, repository: str, query: Mapping[str, str]) -> None:
        habits, digest = self.registry.habits, query.get("mount", "")
        source = self.shared(query.get("from", ""), digest)
        if habits.post and "moved" not in query:
            status, template = habits.post
            path = uploads_of(repository)
            self.say(status, {"Location": template.format(host=self.registry.host, path=path)})
        elif habits.mount == 201 and source is not None:
            self.registry.keep(repository, digest, source)
            self.say(201, self.digest(digest))
        elif digest and habits.mount not in (201, 202):
            self.refuse(habits.mount, "UNSUPPORTED")
        else:
            if habits.appears and source is not None:
                self.registry.places.add((repository, digest))
            self.registry.asked.add(digest)
            self.registry.uploads[key := uuid.uuid4().hex] = b""
            self.say(202, self.next_step(repository, key))

    def shared(self, source: str, digest: str) -> bytes | None:
        """A blob that may be mounted from a repository."""
        if self.registry.habits.apart:
            return self.registry.found(source, digest)
        return b"" if digest in self.registry.elsewhere else None

    def next_step(self, repository: str, key: str) -> dict[str, str]:
        template, path = self.registry.habits.location, uploads_of(repository)
        return {"Location": template.format(host=self.registry.host, path=path, id=key)} if template else {}

    def upload(self, repository: str, key: str, query: Mapping[str, str], body: bytes) -> None:
        registry, habits = self.registry, self.registry.habits
        if key not in registry.uploads:
            self.refuse(404, "BLOB_UPLOAD_UNKNOWN")
        elif self.command == "GET":
            has = {"Range": f"0-{max(len(registry.uploads[key]) - 1, 0)}"} if habits.resumes else {}
            self.say(204 if habits.resumes else 404, has)
        elif self.command == "PATCH" and not self.headers.get("Content-Range", "0-").startswith(
            f"{len(registry.uploads[key]) if 'Content-Range' in self.headers else 0}-"
        ):
            self.refuse(416, "BLOB_UPLOAD_INVALID")
        elif self.command == "PATCH" and habits.patch_redirects:
            habits.patch_redirects -= 1
            self.say(307, {"Location": f"{uploads_of(repository)}{key}"})
        elif self.command == "PATCH":
            registry.uploads[key] += body
            self.say(habits.patch, self.next_step(repository, key) if habits.patch_location else {})
        else:
            data = registry.uploads.pop(key) + body
            if digest_of(data) != query.get("digest"):
                self.refuse(400, "DIGEST_INVALID")
                return
            if habits.forgets != "blobs":
                registry.keep(repository, digest_of(data), data)
            self.say(habits.blob_put, self.digest(digest_of(data)))


@contextmanager
def field_registry(habits: Habits | None = None) -> Iterator[FieldRegistry]:
    """A registry with these habits, on a port of its own."""
    registry = FieldRegistry(habits=habits or Habits())
    with serving_with(type("BoundHandler", (Handler,), {"registry": registry})) as server:
        registry.host = host_of(server)
        yield registry
