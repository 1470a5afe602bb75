"""Registries by name, as their users and manuals describe them: what they share, refuse and ask for."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, unquote, urlsplit

from helpers.registry.field_registry import FieldRegistry, Habits, Handler, digest_of
from helpers.registry.http_servers import host_of, serving_with
from helpers.registry.registries import PASSWORD, USER
from m2build.oci.image import Image, read_blob


@dataclass(frozen=True)
class Profile:
    """One registry.

    Attributes:
        habits: how it deviates from the specification.
        shares: whether blobs of one repository come to another without being sent.
        tokens: whether it asks for tokens. A blob is mounted only if the token is for both repositories.
    """

    habits: Habits
    shares: bool
    tokens: bool = False


PROFILES: Mapping[str, Profile] = {
    "Amazon ECR": Profile(Habits(mount=202, patch=201, immutable=True, referrers="api"), shares=False),
    "Amazon ECR, mounting enabled": Profile(Habits(mount=201, patch=201, immutable=True, referrers="api"), shares=True),
    "Artifactory": Profile(Habits(mount=202, appears=True, referrers="api"), shares=True),
    "Azure": Profile(Habits(mount=201, referrers="api"), shares=True, tokens=True),
    "Docker Hub": Profile(Habits(mount=201), shares=True, tokens=True),
    "GHCR": Profile(Habits(mount=201), shares=True, tokens=True),
    "GitLab": Profile(Habits(mount=201), shares=True, tokens=True),
    "Google": Profile(Habits(mount=201, referrers="api"), shares=True),
    "Harbor": Profile(Habits(mount=201, referrers="api", promises=True), shares=True, tokens=True),
    "Harbor, a project that is not one's own": Profile(Habits(mount=401, referrers="api"), shares=False),
    "Harbor, no project": Profile(Habits(mount=400, referrers="api"), shares=False),
    "Keppel, Nexus": Profile(Habits(mount=404), shares=False),
    "Quay": Profile(Habits(mount=201, manifest_put=202, referrers="page"), shares=True),
    "Quay, a repository that is not one's own": Profile(Habits(mount=405), shares=False),
    "zot": Profile(Habits(mount=201, referrers="api", promises=True), shares=True),
}
"""docs/registries.md says the same to users, and where it is known from."""


class ScopedHandler(Handler):
    """Tokens, as the distribution project's token.md describes them: each is for the scopes that were asked for."""

    def serve(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/token":
            self.grant(parse_qs(parts.query).get("scope", []))
        elif (scope := self.scope()) in self.granted():
            super().serve()
        else:
            self.body()
            realm = f'realm="http://{self.registry.host}/token",service="registry"'
            asked = f',scope="{scope}"' if scope else ""
            self.say(401, {"WWW-Authenticate": f"Bearer {realm}{asked}"})

    def scope(self) -> str:
        """What this request needs; any token will do for `/v2/`."""
        path = unquote(urlsplit(self.path).path)
        repository = next((path.split(part)[0][4:] for part in _PARTS if part in path), "")
        action = "pull" if self.command in ("GET", "HEAD") and "/uploads/" not in path else "push"
        return f"repository:{repository}:{action}" if repository else ""

    def granted(self) -> set[str]:
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        return set(base64.b64decode(token).decode().split(" ")) if kind == "Bearer" else set()

    def grant(self, scopes: list[str]) -> None:
        """What is asked for; `""` stands for `/v2/`."""
        known = self.headers.get("Authorization") == f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        granted = [""]
        for scope in scopes:
            name, _, actions = scope.rpartition(":")
            granted += [f"{name}:{action}" for action in actions.split(",") if known]
        token = base64.b64encode(" ".join(granted).encode()).decode()
        self.say(200, body=json.dumps({"token": token}).encode())

    def begin(self, repository: str, query: Mapping[str, str]) -> None:
        may_read = f"repository:{query.get('from')}:pull" in self.granted()
        super().begin(repository, query if may_read else {key: query[key] for key in query.keys() - {"mount"}})


_PARTS = ("/manifests/", "/blobs/", "/referrers/", "/tags/")


@contextmanager
def profiled_registry(profile: Profile) -> Iterator[FieldRegistry]:
    """A registry of this kind, on a port of its own; its repositories have nothing in common but what it shares."""
    registry = FieldRegistry(habits=replace(profile.habits, apart=True))
    handler = ScopedHandler if profile.tokens else Handler
    with serving_with(type("BoundHandler", (handler,), {"registry": registry})) as server:
        registry.host = host_of(server)
        yield registry


def stock(registry: FieldRegistry, repository: str, image: Image, tag: str) -> None:
    """Put an image into a registry, past its interface."""
    for blob in (*image.manifest.layers, image.manifest.config):
        registry.keep(repository, str(blob.digest), read_blob(image.everything, blob))
    raw = image.manifest.raw
    registry.manifests |= {f"{repository}/{tag}": raw, f"{repository}/{digest_of(raw)}": raw}
