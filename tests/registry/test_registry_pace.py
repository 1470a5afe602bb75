"""Slow servers and endless answers: each request has a time limit, and each answer a size limit."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from helpers.images import SAMPLE, file, image, tar
from helpers.registry.faultproxy import Proxy, Rule, fault_proxy
from helpers.registry.field_registry import FieldRegistry, field_registry
from helpers.registry.registries import access, noise, reference
from helpers.support import sampled

from m2build.errors import M2BuildError, TransportError, UsageError
from m2build.oci.image import open_blob
from m2build.progress import Silent
from m2build.registry.pull import read_remote
from m2build.registry.push import push_image
from m2build.registry.transport import Transport

ONE = image(*SAMPLE)
LARGE = image(tar(noise(3 << 20)), how="plain")
HURRIED = {"HOME": "/nonexistent", "M2BUILD_REGISTRY_TIMEOUT": "0.4"}
"""Two tries of a stalled request, with some time for a loaded machine, are over in a second or so."""
SLOW = 8.0
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\n"


@pytest.fixture
def registry() -> Iterator[FieldRegistry]:
    with field_registry() as registry:
        for sample, tag in ((ONE, "one"), (LARGE, "large")):
            push_image(sample, reference(registry.host, f"app:{tag}"), access(), Silent())
        yield registry


@pytest.fixture
def proxy(registry: FieldRegistry) -> Iterator[Proxy]:
    with fault_proxy(registry.host) as proxy:
        yield proxy


def pull(host: str, rest: str = "app:large") -> None:
    found = read_remote(reference(host, rest), "linux/amd64", access(HURRIED)).image
    for layer in found.manifest.layers:
        with open_blob(found.blobs, layer) as reader:
            reader.drain()


@contextmanager
def soon() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < SLOW


DRIPS = {
    "status line": b"HTTP/1.1 200 OK",
    "headers": OK + b"X-Drip: " + b"x" * 10_000,
    "body": OK + b"Content-Length: 100000\r\n\r\n" + b" " * 10_000,
    "chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 10_000,
    "interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    "hints": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000,
}


@pytest.mark.parametrize("name", DRIPS)
@pytest.mark.parametrize("path", ["manifests", "blobs"])
def test_an_answer_that_drips_is_a_stall(name: str, path: str, proxy: Proxy) -> None:
    proxy.rules = [Rule("GET", path, raw=DRIPS[name], drip=0.05)]
    with soon(), pytest.raises(TransportError, match=r"stalled for 0\.4 s") as caught:
        pull(proxy.host)
    assert "M2BUILD_REGISTRY_TIMEOUT=SECONDS waits longer" in str(caught.value.hint)


def test_the_first_answer_to_drip_is_not_retried() -> None:
    """It shows whether the registry speaks TLS."""
    with fault_proxy("unused", Rule(raw=DRIPS["headers"], drip=0.05)) as proxy:
        with soon(), pytest.raises(TransportError, match=r"stalled for 0\.4 s"):
            pull(proxy.host)
        assert proxy.connections == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [("HEAD", "blobs"), ("POST", "uploads"), ("PUT", "uploads"), ("HEAD", "manifests"), ("PUT", "manifests")],
)
def test_a_registry_that_never_answers_ends_a_push(
    method: str, path: str, proxy: Proxy, registry: FieldRegistry
) -> None:
    proxy.rules = [Rule(method, path, raw=DRIPS["headers"], drip=0.05)]
    with soon(), pytest.raises(TransportError, match=r"stalled for 0\.4 s"):
        push_image(image(tar(file("new"))), reference(proxy.host, "new:v1"), access(HURRIED), Silent())
    assert "new/v1" not in registry.manifests


@pytest.mark.parametrize("at", ["manifests", "blobs"])
def test_one_stall_is_retried(at: str, proxy: Proxy) -> None:
    proxy.rules = [Rule("GET", at, times=1, delay=1.2)]
    with soon():
        pull(proxy.host)
    assert proxy.rules[0].times <= 0


def test_a_slow_reader_is_not_a_stall(registry: FieldRegistry) -> None:
    """Only the time spent waiting for the registry counts: a layer may go to a slow disk."""
    found = read_remote(reference(registry.host, "app:large"), "linux/amd64", access(HURRIED)).image
    with open_blob(found.blobs, found.manifest.layers[0]) as reader:
        reader.read(1000)
        time.sleep(0.6)
        reader.drain()


def test_a_registry_that_stops_accepting_bytes() -> None:
    with deaf() as host:
        large = image(tar(noise(9 << 20)), how="plain")
        with soon(), pytest.raises(TransportError, match=r"stalled for 0\.4 s"):
            push_image(large, reference(host, "app:v1"), access(HURRIED), Silent())


@contextmanager
def deaf() -> Iterator[str]:
    """Answers everything except PATCH, whose body it does not read."""

    def speak(client: socket.socket) -> None:
        held = b""
        with client:
            while data := client.recv(4096):
                held += data
                if b"PATCH" in held:
                    time.sleep(SLOW)
                    return
                while b"\r\n\r\n" in held:
                    head, _, held = held.partition(b"\r\n\r\n")
                    status = b"404" if head.startswith(b"HEAD") else b"202"
                    client.sendall(b"HTTP/1.1 %s x\r\nLocation: /up\r\nContent-Length: 0\r\n\r\n" % status)

    with serving_raw(speak) as host:
        yield host


@contextmanager
def serving_raw(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=quietly, args=(client,), daemon=True).start()

        def quietly(client: socket.socket) -> None:
            try:
                speak(client)
            except OSError:
                client.close()

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


LENGTHS = {
    "negative": (b"Content-Length: -1\r\n", "its Content-Length is not a single number"),
    "two that differ": (b"Content-Length: 2\r\nContent-Length: 3\r\n", "its Content-Length is not a single number"),
    "two in one": (b"Content-Length: 2, 3\r\n", "its Content-Length is not a single number"),
    "no number": (b"Content-Length: many\r\n", "its Content-Length is not a single number"),
    "absurd": (b"Content-Length: 99999999999999999999999\r\n", "its Content-Length is not a single number"),
    "too long": (b"Content-Length: 999999999999\r\n", "answers with more than 4194304 bytes"),
    "longer than it is": (b"Content-Length: 10\r\n", "its answer was cut off"),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_a_malformed_content_length(name: str, proxy: Proxy) -> None:
    header, words = LENGTHS[name]
    proxy.rules = [Rule("GET", "manifests", raw=OK + header + b"\r\n{}")]
    with soon(), pytest.raises(TransportError, match=words):
        pull(proxy.host)


@pytest.mark.parametrize("name", ["negative", "two that differ", "two in one", "absurd"])
def test_a_malformed_content_length_of_a_blob(name: str, proxy: Proxy) -> None:
    proxy.rules = [Rule("GET", "blobs", raw=b"HTTP/1.1 200 OK\r\n" + LENGTHS[name][0] + b"\r\n")]
    with soon(), pytest.raises(TransportError, match="its Content-Length is not a single number"):
        pull(proxy.host)


def test_an_answer_whose_end_is_a_guess_does_not_stay_open() -> None:
    """The server sees each connection end while the error, whose traceback could hold one, still exists."""
    asked, hung_up = [], threading.Semaphore(0)

    def speak(client: socket.socket) -> None:
        with client, suppress(ConnectionError):
            asked.append(client.recv(4096))
            client.sendall(OK + LENGTHS["two in one"][0] + b"\r\n")
            client.recv(1)
        hung_up.release()

    with serving_raw(speak) as host:
        with pytest.raises(TransportError, match="its Content-Length is not a single number") as held:
            read_remote(reference(host, "app:v1"), "linux/amd64", access())
        assert len(asked) > 1
        assert all(hung_up.acquire(timeout=2) for _ in asked), held


def test_a_repeated_content_length_is_accepted(proxy: Proxy) -> None:
    raw = ONE.manifest.raw
    twice = b"Content-Length: %d\r\n" % len(raw) * 2
    proxy.rules = [Rule("GET", "manifests", raw=OK + twice + b"\r\n" + raw)]
    pull(proxy.host, "app:one")


ENDLESS = {
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"x" * 8000 + b"\r\n", "it does not speak HTTP"),
    "one header": (b"HTTP/1.1 200 OK\r\nX-More: ", b"x" * 8000, "it does not speak HTTP"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 400, "it does not speak HTTP"),
    "hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 400, "it does not speak HTTP"),
    "body": (OK + b"\r\n", b" " * 65536, "answers with more than 4194304 bytes"),
    "no HTTP": (b"", b"SSH-2.0-OpenSSH_9.2\r\n" * 400, "it does not speak HTTP"),
}


@pytest.mark.parametrize("name", sampled(ENDLESS, every=2))
def test_endless_answers_are_cut_off(name: str) -> None:
    start, more, words = ENDLESS[name]

    def speak(client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(start)
        while True:
            client.sendall(more)

    with serving_raw(speak) as host, soon(), pytest.raises(TransportError, match=words):
        read_remote(reference(host, "app:v1"), "linux/amd64", access())


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf", "1e12"])
def test_an_invalid_timeout_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f"M2BUILD_REGISTRY_TIMEOUT is '{text}', not a valid number of seconds"):
        Transport({"M2BUILD_REGISTRY_TIMEOUT": text})


def test_the_default_timeout_is_a_minute() -> None:
    assert Transport({}).seconds == Transport({"M2BUILD_REGISTRY_TIMEOUT": ""}).seconds == 60


def test_a_restart_of_the_registry_during_a_push(registry: FieldRegistry) -> None:
    """For 0.3 s after the first blob, connections are refused."""
    pauses: list[float] = []
    with fault_proxy(registry.host, Rule(headers={"Connection": "close"})) as first:
        port = int(first.host.rpartition(":")[2])
        user = access()
        found = read_remote(reference(first.host, "app:one"), "linux/amd64", user).image
    gone = socket.socket()
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    gone.bind(("127.0.0.1", port))

    def back(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            gone.listen()
            threading.Thread(target=forward, args=(gone, registry.host), daemon=True).start()

    user.transport._sleep = back
    for layer in found.manifest.layers:
        with open_blob(found.blobs, layer) as reader:
            reader.drain()
    gone.close()
    assert len(pauses) == 2
    assert pauses[0] < pauses[1]


def forward(server: socket.socket, upstream: str) -> None:
    """A listener that forwards everything."""
    host, _, port = upstream.partition(":")
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        behind = socket.create_connection((host, int(port)))
        for source, target in ((client, behind), (behind, client)):
            threading.Thread(target=copy, args=(source, target), daemon=True).start()


def copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    target.close()


def test_an_unreachable_registry_fails_at_once() -> None:
    pauses: list[float] = []
    user = access()
    user.transport._sleep = pauses.append
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(M2BuildError, match="cannot be reached: Connection refused"):
            read_remote(reference(host, "app:v1"), "linux/amd64", user)
    assert pauses == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "9"}, 9),
        ({"Retry-After": "Fri, 27 Nov 2026 10:00:11 GMT", "Date": "Fri, 27 Nov 2026 10:00:00 GMT"}, 11),
        ({"Retry-After": "Fri, 27 Nov 2026 09:00:00 GMT", "Date": "Fri, 27 Nov 2026 10:00:00 GMT"}, None),
        ({"Retry-After": "Fri, 99 Nov 2026 09:00:00 GMT"}, None),
    ],
)
def test_retry_after_in_seconds_and_as_a_date(headers: dict[str, str], seconds: float | None, proxy: Proxy) -> None:
    pauses: list[float] = []
    user = access()
    user.transport._sleep = pauses.append
    proxy.rules = [Rule("GET", "manifests", times=1, status=503, headers=headers)]
    read_remote(reference(proxy.host, "app:one"), "linux/amd64", user)
    assert len(pauses) == 1
    assert pauses[0] == seconds if seconds else pauses[0] < 1
