"""Registries in the field, with answers that differ from the specification."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import pytest
from helpers.images import SAMPLE, file, image, tar
from helpers.registry.faultproxy import FOREVER, Rule, fault_proxy
from helpers.registry.field_registry import Answer, FieldRegistry, Habits, field_registry
from helpers.registry.registries import access, noise, reference, run, upload
from helpers.support import sampled, sampled_rows

from m2build.errors import ContentError, TransportError
from m2build.oci.digest import Digest
from m2build.oci.image import Image, open_blob
from m2build.oci.media_types import DOCKER, OCI
from m2build.progress import Silent
from m2build.registry.pull import read_remote
from m2build.registry.push import Transfer, push_image

ONE, OTHER = image(*SAMPLE), image(tar(file("other")))
LARGE = image(tar(noise(9 << 20)), how="plain")
"""Its layer is sent with PATCH."""

ANSWERS = {
    "PATCH 201, as Amazon ECR": Habits(patch=201),
    "PATCH 204": Habits(patch=204),
    "PATCH 200": Habits(patch=200),
    "manifest 200": Habits(manifest_put=200),
    "manifest 202, as Quay did": Habits(manifest_put=202),
    "manifest 204": Habits(manifest_put=204),
    "blob 200": Habits(blob_put=200),
    "blob 202": Habits(blob_put=202),
    "blob 204": Habits(blob_put=204),
    "POST 307": Habits(post=(307, "{path}?moved=1")),
    "POST 308, absolute": Habits(post=(308, "http://{host}{path}?moved=1")),
    "PATCH 307": Habits(patch_redirects=2),
    "absolute Location": Habits(location="http://{host}{path}{id}"),
    "Location without a scheme": Habits(location="//{host}{path}{id}"),
    "Location relative to the address": Habits(location="./{id}"),
    "Location with a query": Habits(location="{path}{id}?state=a%2Bb&more="),
    "Location with a digest": Habits(location="{path}{id}?digest=sha256%3A00&more=&digest"),
    "Location with a fragment": Habits(location="{path}{id}#part"),
    "PATCH without a Location": Habits(patch_location=False),
    "no Docker-Content-Digest": Habits(digest_header=False),
    "no HEAD of manifests, 405": Habits(manifest_head=405),
    "no HEAD of manifests, 404": Habits(manifest_head=404),
    "no HEAD of manifests, 400": Habits(manifest_head=400),
    **{f"mount {status}": Habits(mount=status) for status in (400, 401, 403, 404, 405, 409, 500, 501)},
}


def packed(answer: Answer) -> Answer:
    body = gzip.compress(answer.body)
    return replace(answer, body=body).having(Content_Encoding="gzip", Content_Length=str(len(body)))


def on(method: str, path: str, change: Callable[[Answer], Answer], status: int = 200) -> Habits:
    """Change the answers of one status to some requests."""
    return Habits(
        alters=lambda answer: change(answer) if answer.is_for(method, path) and answer.status == status else answer
    )


def saying(media_type: str) -> Habits:
    return on("GET|HEAD", "manifests", lambda answer: answer.having(Content_Type=media_type))


TYPES = {
    "of any JSON": "application/json", "of any text": "text/plain; charset=utf-8",
    "of bytes": "application/octet-stream",
    "in capitals": OCI.manifest.upper(), "twice": f"{OCI.manifest}, {OCI.manifest}", "nonsense": "nonsense", "none": "",
    "of another age": "application/vnd.docker.distribution.manifest.v1+prettyjws",
}  # fmt: skip
ANSWERS |= {
    **{f"a media type {name}": saying(said) for name, said in TYPES.items()},
    "manifests compressed on the way": on("GET", "manifests", packed),
    "blobs compressed on the way": on("GET", "blobs/sha256", packed),
    "blobs that are said to be": on("GET", "blobs/sha256", lambda answer: answer.having(Content_Encoding="gzip")),
    "another digest for HEAD": on(
        "HEAD", "manifests", lambda answer: answer.having(Docker_Content_Digest=f"sha256:{'0' * 64}")
    ),
    "403 for a missing blob": on("HEAD", "blobs/sha256", lambda answer: replace(answer, status=403), 404),
    "PATCH with an odd Range": on("PATCH", "", lambda answer: answer.having(Range="bytes=abc"), 202),
}


def push(registry: FieldRegistry, sample: Image, rest: str = "app:v1") -> Transfer:
    return push_image(sample, reference(registry.host, rest), access(), Silent(), mount_from="elsewhere")


def is_whole(registry: FieldRegistry, sample: Image) -> bool:
    blobs = {str(blob.digest) for blob in (*sample.manifest.layers, sample.manifest.config)}
    return blobs <= registry.blobs.keys() and registry.manifests.get("app/v1") == sample.manifest.raw


@pytest.mark.parametrize("name", sampled(ANSWERS, every=3))
def test_an_image_is_published_and_read_back(name: str) -> None:
    sample = LARGE if "PATCH" in name or "Location" in name else ONE
    with field_registry(replace(ANSWERS[name])) as registry:
        assert push(registry, sample).uploaded == len(sample.manifest.layers) + 1
        assert is_whole(registry, sample)
        found = read_remote(reference(registry.host, "app:v1"), "linux/amd64", access())
        with open_blob(found.image.blobs, found.image.manifest.layers[0]) as reader:
            reader.drain()
        assert found.digest == sample.manifest.digest


@pytest.mark.parametrize("name", ["PATCH 201, as Amazon ECR", "manifest 200", "manifest 202, as Quay did", "POST 307"])
def test_crane_accepts_the_same(name: str) -> None:
    with field_registry() as source, field_registry(replace(ANSWERS[name])) as target:
        push(source, LARGE)
        run("crane", "copy", f"{source.host}/app:v1", f"{target.host}/app:v1")
        assert is_whole(target, LARGE)


def test_answers_may_come_after_hints() -> None:
    """Proxies send 102 and 103 before an answer, several times (RFC 8297)."""
    hints = b"HTTP/1.1 102 Processing\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 2
    body = ONE.manifest.raw
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {OCI.manifest}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with field_registry() as registry, fault_proxy(registry.host) as proxy:
        push(registry, ONE)
        proxy.rules = [Rule("GET", "manifests", raw=hints + head + body)]
        assert read_remote(reference(proxy.host, "app:v1"), "linux/amd64", access()).digest == ONE.manifest.digest


@pytest.mark.parametrize("status", [200, 201])
def test_an_upload_may_begin_with_another_status(status: int) -> None:
    with field_registry(on("POST", "uploads/$", lambda answer: replace(answer, status=status), 202)) as registry:
        push_image(ONE, reference(registry.host, "app:v1"), access(), Silent())
        assert is_whole(registry, ONE)


@pytest.mark.parametrize("said", [DOCKER.manifest, OCI.index])
def test_a_manifest_that_is_said_to_be_another_kind_is_refused(said: str) -> None:
    with field_registry(on("GET", "manifests", lambda answer: answer.having(Content_Type=said))) as registry:
        push(registry, ONE)
        with pytest.raises(ContentError, match="but it is declared as"):
            read_remote(reference(registry.host, "app:v1"), "linux/amd64", access())


def test_a_small_answer_that_unpacks_to_much_is_refused() -> None:
    def bomb(answer: Answer) -> Answer:
        return packed(replace(answer, body=bytes(64 << 20)))

    with field_registry() as registry:
        push(registry, ONE)
        registry.habits.alters = on("GET", "manifests", bomb).alters
        with pytest.raises(TransportError, match="answers with more than 4194304 bytes"):
            read_remote(reference(registry.host, "app:v1"), "linux/amd64", access())


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_would_lose_the_upload_is_refused(status: int) -> None:
    with field_registry(Habits(post=(status, "{path}?moved=1"))) as registry:
        words = rf"/app: POST blobs/uploads/ is redirected with {status}, which would turn it into a GET$"
        with pytest.raises(TransportError, match=words) as caught:
            push(registry, ONE)
        assert "307 and 308 keep the method" in str(caught.value.hint)
        assert registry.manifests == {}


@pytest.mark.parametrize("habits", [Habits(post=(307, "{path}")), Habits(patch_redirects=100)])
def test_redirects_of_an_upload_end(habits: Habits) -> None:
    with field_registry(habits) as registry:
        with pytest.raises(TransportError, match="redirect loop"):
            push(registry, LARGE)
        assert len(registry.requests) < 50


def test_an_upload_redirected_to_another_host_sends_it_no_password() -> None:
    with field_registry() as registry, fault_proxy(registry.host) as elsewhere, fault_proxy(registry.host) as first:
        first.rules = [
            Rule("GET", "/v2/$", status=401, headers={"WWW-Authenticate": "Basic"}, times=1),
            Rule("HEAD", "blobs", status=401, headers={"WWW-Authenticate": "Basic"}, times=1),
            Rule("POST", status=307, headers={"Location": f"http://{elsewhere.host}/v2/app/blobs/uploads/"}),
        ]
        user = access({"DOCKER_AUTH_CONFIG": f'{{"auths":{{"{first.host}":{{"auth":"YWxpY2U6aHVzaA=="}}}}}}'})
        push_image(ONE, reference(first.host, "app:v1"), user, Silent())
        assert is_whole(registry, ONE)
        assert len(elsewhere.seen("POST")) == 3
        assert [record for record in elsewhere.records if "Authorization" in record.headers] == []
        assert first.seen("POST")[-1].headers["Authorization"] == "Basic YWxpY2U6aHVzaA=="


@pytest.mark.parametrize("head", [None, 404, 405])
@pytest.mark.parametrize("digest_header", [True, False])
def test_an_immutable_tag_that_names_this_image_already(head: int | None, digest_header: bool) -> None:  # noqa: FBT001
    habits = Habits(immutable=True, manifest_head=head, digest_header=digest_header)
    with field_registry(habits) as registry:
        push(registry, ONE)
        registry.requests.clear()
        assert push(registry, ONE).uploaded == 0
        assert is_whole(registry, ONE)
        if head != 404:  # which is also what is said of a new tag
            assert registry.count("PUT", "") == 0
        with pytest.raises(TransportError, match=r"answers 400 to PUT manifests/v1 \(TAG_INVALID"):
            push(registry, OTHER)
        assert is_whole(registry, ONE)


def test_crane_does_not_write_a_tag_either_that_names_this_image() -> None:
    with field_registry(Habits(immutable=True)) as registry:
        push(registry, ONE, "app:source")
        for _ in range(2):
            run("crane", "copy", f"{registry.host}/app:source", f"{registry.host}/app:v1")
        assert registry.count("PUT", "manifests/v1") == 1


@pytest.mark.parametrize("what", ["blobs", "tags"])
def test_confirmed_but_missing_is_an_error(what: str) -> None:
    with field_registry(Habits(forgets=what)) as registry:
        words = {
            "blobs": "app confirmed the blob sha256:[0-9a-f]+, but does not have it",
            "tags": "but it does not exist",
        }
        with pytest.raises(TransportError, match=words[what]) as caught:
            push(registry, ONE)
        assert caught.value.exit_code == 8
        assert "app/v1" not in registry.manifests


def test_a_tag_that_another_push_has_moved() -> None:
    with field_registry() as registry:
        push(registry, OTHER)
        registry.habits.forgets = "tags"
        with pytest.raises(TransportError, match=rf"but it names {OTHER.manifest.digest}: did another push move it"):
            push(registry, ONE)


def test_a_delayed_confirmation_is_waited_for() -> None:
    with field_registry() as registry, fault_proxy(registry.host) as proxy:
        absent = {"Content-Length": "0"}
        proxy.rules = [
            Rule("HEAD", "manifests/v1", status=404, times=3, headers=absent),
            Rule("GET", "manifests/v1", status=404, times=2),
        ]
        push_image(ONE, reference(proxy.host, "app:v1"), access(), Silent())
        assert len(proxy.seen("HEAD", "manifests/v1")) == 4


@pytest.mark.parametrize(("times", "tries"), [(2, 3), (FOREVER, 4)])
def test_a_blob_that_another_push_hides_for_a_moment_is_waited_for(times: int, tries: int) -> None:
    unknown = b'{"errors": [{"code": "DIGEST_INVALID"}, {"code": "MANIFEST_BLOB_UNKNOWN"}]}'
    with field_registry() as registry, fault_proxy(registry.host) as proxy:
        proxy.rules = [Rule("PUT", "manifests/v1", times=times, status=400, body=unknown)]
        waiting = pytest.raises(TransportError, match="MANIFEST_BLOB_UNKNOWN") if times == FOREVER else nullcontext()
        with waiting:
            push_image(ONE, reference(proxy.host, "app:v1"), access(), Silent())
        assert len(proxy.seen("PUT", "manifests/v1")) == tries
        assert is_whole(registry, ONE) == (times != FOREVER)


def test_a_refused_mount_is_reported_once() -> None:
    class Recorder(Silent):
        def __init__(self) -> None:
            self.steps: list[str] = []

        def step(self, message: str) -> None:
            self.steps.append(message)

    recorder = Recorder()
    with field_registry(Habits(mount=405)) as registry:
        push_image(ONE, reference(registry.host, "app:v1"), access(), recorder, mount_from="elsewhere")
        why = f"{registry.host}/app: the registry answers 405 to POST blobs/uploads/ (UNSUPPORTED)"
        assert recorder.steps == [f"{registry.host} does not mount blobs from elsewhere, so they are uploaded: {why}"]


@pytest.mark.parametrize(
    ("status", "content_range"),
    sampled_rows([
        (416, None), (501, None), (206, None), (206, "bytes 0-9/10"), (206, "bytes 5-20/21"), (206, "nonsense"),
        (206, "bytes 1048576-1048577/7"),
    ], every=2),
)  # fmt: skip
def test_a_wrong_range_restarts_the_blob(status: int, content_range: str | None) -> None:
    with field_registry(Habits(range_status=status, content_range=content_range)) as registry:
        push(registry, LARGE)
        layer = LARGE.manifest.layers[0]
        with fault_proxy(registry.host, Rule("GET", str(layer.digest), times=1, cut_response=1 << 20)) as proxy:
            found = read_remote(reference(proxy.host, "app:v1"), "linux/amd64", access())
            with open_blob(found.image.blobs, layer) as reader:
                assert Digest.of(b"".join(iter(lambda: reader.read(1 << 18), b""))) == layer.digest
            assert ["Range" in record.headers for record in proxy.seen("GET", str(layer.digest))] == [
                False,
                True,
                False,
            ]


def test_we_read_what_crane_pushed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """crane checks this file's registry: we read what it pushed there."""
    with field_registry() as registry, field_registry() as other:
        upload(other.host, "app", ONE, "v1")
        run("crane", "copy", f"{other.host}/app:v1", f"{registry.host}/app:v1")
        assert read_remote(reference(registry.host, "app:v1"), "linux/amd64", access()).digest == ONE.manifest.digest
        assert b"PASS" in run("crane", "validate", "--remote", f"{registry.host}/app:v1")


@pytest.mark.parametrize("status", [400, 401, 403, 409, 412])
def test_a_tag_that_the_registry_calls_immutable_has_a_way_out(status: int) -> None:
    """Its words are on one line; marks of direction, and half of a character, are escapes."""
    words = r"The tag is \u001b[31mimmutable\u202e\n\ud83d and exists"
    body = f'{{"errors": [{{"code": "TAG_INVALID", "message": "{words}"}}]}}'.encode()
    refusal = Rule("PUT", "manifests/v1", status=status, body=body)
    with (
        field_registry() as registry,
        fault_proxy(registry.host, refusal) as proxy,
        pytest.raises(TransportError) as caught,
    ):
        push_image(ONE, reference(proxy.host, "app:v1"), access(), Silent())
    said = rf"answers {status} to PUT manifests/v1 (TAG_INVALID: The tag is [31mimmutable\u202e \ud83d and exists)"
    assert said in str(caught.value)
    assert "choose another tag" in str(caught.value.hint)
