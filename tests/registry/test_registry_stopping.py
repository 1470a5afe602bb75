"""Ctrl-C, a failure among several uploads, memory, and parallel jobs."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.images import file, image, tar
from helpers.registry.faultproxy import Proxy, Rule, fault_proxy
from helpers.registry.registries import access, docker_registry, noise, reference, tag_digest, upload

from m2build.errors import TransportError
from m2build.progress import Silent
from m2build.registry.parallel import in_parallel
from m2build.registry.push import push_image

SEVERAL = image(*(tar(file(f"f{number}", bytes([number]) * 5000)) for number in range(6)))


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    with docker_registry(tmp_path) as host, fault_proxy(host) as proxy:
        yield proxy


PUSH = """
import json, os, sys
sys.path[:0] = json.loads(sys.argv[3])
from helpers.images import file, image, tar
from helpers.registry.registries import access, reference
from m2build.progress import Silent
from m2build.registry.pull import read_remote
from m2build.registry.push import push_image
source, target = sys.argv[1:3]
user = access()
found = read_remote(reference(*source.split("/", 1)), "linux/amd64", user).image
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak is counted from here
push_image(found, reference(*target.split("/", 1)), user, Silent())
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak.split()[1])
"""


def pushing(source: str, target: str) -> subprocess.Popen[str]:
    tests = [str(Path(__file__).parent.parent)]
    command = [sys.executable, "-c", PUSH, source, target, json.dumps(tests)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})


@pytest.mark.parametrize(
    "held", [Rule("PUT", "blobs/uploads", delay=30), Rule("GET", "blobs/sha256:", skip=1, delay=30)]
)
def test_ctrl_c_ends_a_push_at_once(held: Rule, proxy: Proxy) -> None:
    """While uploads wait for the registry, or for the one with the layers."""
    upload(proxy.upstream, "source", SEVERAL, "v1")
    proxy.rules = [held]
    with pushing(f"{proxy.host}/source:v1", f"{proxy.host}/target:v1") as process:
        for _ in range(1000):
            if len(proxy.seen(held.method, held.path)) >= 4 or process.poll() is not None:
                break
            time.sleep(0.01)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert time.monotonic() - started < 5
    assert process.returncode != 0
    assert errors.strip().endswith("KeyboardInterrupt")
    assert tag_digest(proxy.upstream, "target", "v1") is None


@pytest.mark.sweep
def test_memory_stays_flat_from_one_registry_to_another(proxy: Proxy, tmp_path: Path) -> None:
    peaks = []
    (tmp_path / "other").mkdir()
    with docker_registry(tmp_path / "other") as other:
        for size in (1 << 20, 96 << 20):
            upload(proxy.upstream, f"of-{size}", image(tar(noise(size)), how="plain"), "v1")
            with pushing(f"{proxy.upstream}/of-{size}:v1", f"{other}/of-{size}:v1") as process:
                out, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
            peaks.append(int(out))
    assert peaks[1] - peaks[0] < 12 << 10, f"KiB: {peaks}"


def test_the_first_refusal_ends_the_push_during_other_uploads(proxy: Proxy) -> None:
    hanging, refused = (Rule("PUT", "blobs/uploads", times=3, delay=20), Rule("PUT", "blobs/uploads", status=403))
    proxy.rules = [hanging, refused]
    started = time.monotonic()
    with pytest.raises(TransportError, match="cannot be written without credentials"):
        push_image(SEVERAL, reference(proxy.host, "app:v1"), access(), Silent())
    assert time.monotonic() - started < 5
    assert len(proxy.seen("PUT")) == 4
    assert proxy.seen("PUT", "manifests") == []


def test_progress_counts_every_byte(proxy: Proxy) -> None:
    class Recorder(Silent):
        def __init__(self) -> None:
            self.steps: list[str] = []
            self.last: dict[str, tuple[int, int]] = {}

        def step(self, message: str) -> None:
            self.steps.append(message)

        def transfer(self, label: str, done: int, total: int) -> None:
            assert done >= self.last.get(label, (0, 0))[0]
            self.last[label] = (done, total)

    recorder, large = Recorder(), image(tar(noise(65 << 20)), how="plain")
    push_image(large, reference(proxy.upstream, "large:v1"), access(), recorder)
    sizes = {blob.digest.hex[:12]: blob.size for blob in (*large.manifest.layers, large.manifest.config)}
    assert recorder.last == {label: (size, size) for label, size in sizes.items()}
    total = sum(sizes.values())
    assert recorder.steps == [f"uploading {total / 1e6:.1f} MB in 2 blobs to {proxy.upstream}/large"]


def test_jobs_give_their_results_in_order_and_run_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=10)

    def job(number: int) -> int:
        together.wait()
        time.sleep(0.01 * (3 - number % 3))
        return number * number

    assert in_parallel(job, range(9), threads=3, stop=threading.Event()) == [number * number for number in range(9)]
    assert in_parallel(job, [], threads=3, stop=threading.Event()) == []


def test_no_job_starts_after_a_failure() -> None:
    begun, stop = itertools.count(), threading.Event()

    def job(number: int) -> None:
        next(begun)
        if number == 0:
            raise TransportError("no")
        stop.wait(10)

    with pytest.raises(TransportError, match="no"):
        in_parallel(job, range(50), threads=4, stop=stop)
    assert stop.is_set()
    time.sleep(0.1)
    assert next(begun) <= 5
