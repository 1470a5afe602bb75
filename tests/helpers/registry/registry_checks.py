"""What the tests of access share: one image, pushed and pulled, and refusals that show no secret."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.images import SAMPLE, image
from helpers.registry.registries import reference
from m2build.errors import TransportError
from m2build.oci.image import Image, open_blob
from m2build.progress import Silent
from m2build.registry.access import Access
from m2build.registry.pull import read_remote
from m2build.registry.push import Transfer, push_image

ONE = image(*SAMPLE)


def push(user: Access, host: str, rest: str, mount_from: str | None = None) -> Transfer:
    return push_image(ONE, reference(host, rest), user, Silent(), mount_from=mount_from)


def pull(user: Access, host: str, rest: str) -> Image:
    found = read_remote(reference(host, rest), "linux/amd64", user).image
    with open_blob(found.blobs, found.manifest.layers[0]) as reader:
        reader.drain()
    return found


def visible(error: BaseException | None) -> str:
    """Everything in an error that a user might see."""
    parts = []
    while error is not None:
        parts += [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
        error = error.__cause__ or error.__context__
    return "\n".join(parts)


@contextmanager
def refused(words: str, hint: str, *secrets: str) -> Iterator[None]:
    with pytest.raises(TransportError, match=words) as caught:
        yield
    assert caught.value.exit_code == 8
    assert "\n" not in str(caught.value)
    assert hint in str(caught.value.hint)
    assert [secret for secret in secrets if secret in visible(caught.value)] == []


def refuses(words: str, hint: str, user: Access, host: str, *secrets: str) -> None:
    """Both push and pull end with one clear message."""
    for action in (pull, push):
        with refused(words, hint, *secrets):
            action(user, host, "app:v1")


def user_header(user: Access) -> str:
    document = json.loads((Path(user.environment["DOCKER_CONFIG"]) / "config.json").read_text())
    return str(next(iter(document["auths"].values()))["auth"])
