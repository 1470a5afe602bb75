"""Tag policies: which tags a push may move, and that the same image again is always a success."""

from __future__ import annotations

import pytest
from helpers.images import SAMPLE, file, image, tar
from helpers.registry.faultproxy import Rule, fault_proxy
from helpers.registry.field_registry import FieldRegistry, Habits, field_registry
from helpers.registry.registries import access, reference

from m2build.errors import TransportError, UsageError
from m2build.oci.image import Image
from m2build.progress import Silent
from m2build.registry.push import push_image
from m2build.registry.tags import TagPolicy

OLD, NEW = image(tar(file("old"))), image(*SAMPLE)
HABITS = {
    "plain": Habits(), "immutable tags": Habits(immutable=True), "no HEAD of manifests": Habits(manifest_head=405),
    "404 to HEAD of manifests": Habits(manifest_head=404),
}  # fmt: skip


def push(host: str, sample: Image, policy: TagPolicy) -> None:
    push_image(sample, reference(host, "app:v1"), access(), Silent(), policy=policy)


def writing(registry: FieldRegistry) -> list[str]:
    return [method for method, _ in registry.requests if method in ("POST", "PUT", "PATCH")]


@pytest.mark.parametrize("habits", HABITS)
@pytest.mark.parametrize("policy", TagPolicy)
def test_the_same_image_again_is_a_success_and_no_manifest_is_sent(policy: TagPolicy, habits: str) -> None:
    """Where a 404 to HEAD means nothing, `move` writes the tag again instead of asking twice for each new one."""
    with field_registry(HABITS[habits]) as registry:
        push(registry.host, NEW, TagPolicy.REFUSE)
        registry.requests.clear()
        push(registry.host, NEW, policy)
        is_rewritten = policy is TagPolicy.MOVE and habits.startswith("404")
        assert writing(registry) == ["PUT", "PUT"] * is_rewritten


@pytest.mark.parametrize("habits", HABITS)
@pytest.mark.parametrize("policy", [TagPolicy.REFUSE, TagPolicy.SAME])
def test_a_tag_of_another_image_stays_and_nothing_is_sent(policy: TagPolicy, habits: str) -> None:
    with field_registry(HABITS[habits]) as registry:
        push(registry.host, OLD, TagPolicy.MOVE)
        registry.requests.clear()
        with pytest.raises(UsageError) as caught:
            push(registry.host, NEW, policy)
        assert str(OLD.manifest.digest) in caught.value.message
        assert str(NEW.manifest.digest) in caught.value.message
        assert writing(registry) == []
        assert registry.manifests["app/v1"] == OLD.manifest.raw


def test_same_writes_no_tag_that_does_not_exist() -> None:
    with field_registry() as registry:
        with pytest.raises(UsageError, match="v1 does not exist, and should name sha256:"):
            push(registry.host, NEW, TagPolicy.SAME)
        assert writing(registry) == []


@pytest.mark.parametrize("policy", [TagPolicy.REFUSE, TagPolicy.SAME])
def test_a_registry_that_does_not_say_what_a_tag_names_is_not_written_to(policy: TagPolicy) -> None:
    with (
        field_registry() as registry,
        fault_proxy(registry.host, Rule("HEAD|GET", "manifests/v1", status=403)) as proxy,
    ):
        with pytest.raises(TransportError):
            push(proxy.host, NEW, policy)
        assert writing(registry) == []


def test_a_tag_that_another_push_writes_meanwhile_stays() -> None:
    """Between the first look and the last one; nothing can be done about a push after that."""
    with field_registry() as registry, fault_proxy(registry.host) as proxy:

        def other(body: bytes) -> bytes:
            registry.manifests["app/v1"] = OLD.manifest.raw
            return body

        proxy.rules = [Rule("PUT", "blobs/uploads", times=1, change_request=other)]
        with pytest.raises(UsageError, match="names sha256:"):
            push(proxy.host, NEW, TagPolicy.REFUSE)
        assert registry.manifests["app/v1"] == OLD.manifest.raw
