"""What the sweeps of pushes and pulls share: the registries, and the checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from helpers.registry.faultproxy import Proxy, fault_proxy
from helpers.registry.registries import PASSWORD, access, docker_registry, htpasswd, logged_in
from helpers.registry.registry_checks import user_header, visible
from helpers.registry.seeded_faults import Faults
from m2build.errors import M2BuildError
from m2build.registry.access import Access

MOST_SECONDS = 25
"""Seconds for one case; M2BUILD_REGISTRY_TIMEOUT cuts stalls short."""
CODES = {2, 5, 8}
"""A usage error is allowed because a registry may offer another image than requested."""


@dataclass
class Bench:
    """A registry with a password, a proxy in front of it, and a host that must not learn the password."""

    proxy: Proxy
    elsewhere: Proxy
    environment: dict[str, str]
    basic: str

    def user(self) -> Access:
        return access(self.environment)


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    (folder / "open").mkdir()
    with (
        docker_registry(folder, auth=htpasswd(folder)) as host,
        docker_registry(folder / "open") as open_host,
        fault_proxy(host) as proxy,
        fault_proxy(open_host) as elsewhere,
    ):
        environment = logged_in(folder / "docker", proxy.host) | {"M2BUILD_REGISTRY_TIMEOUT": "0.4"}
        yield Bench(proxy, elsewhere, environment, user_header(access(environment)))


def tried(
    seed: int, bench: Bench, requests: Sequence[tuple[str, str]], action: Callable[[Access], None]
) -> M2BuildError | None:
    """Do something through faults; return the error, after a check that it is clear."""
    faults = Faults(seed, bench.proxy.host, bench.elsewhere.host)
    bench.proxy.rules = faults.rules(requests)
    case = f"seed {seed}: {bench.proxy.rules}"
    bench.proxy.records.clear()
    bench.elsewhere.records.clear()
    started, error = time.monotonic(), None
    try:
        action(bench.user())
    except M2BuildError as refusal:
        error = refusal
    except Exception as accident:
        raise AssertionError(case) from accident
    finally:
        bench.proxy.rules = []
    assert time.monotonic() - started < MOST_SECONDS, case
    assert [record for record in bench.elsewhere.records if "Authorization" in record.headers] == [], case
    if error is not None:
        assert error.exit_code in CODES, f"{case}: {error}"
        assert "\n" not in str(error), case
        assert 10 < len(str(error)) < 700, f"{case}: {error}"
        for secret in (PASSWORD, bench.basic):
            assert secret not in visible(error), case
    return error


def header(bench: Bench) -> dict[str, str]:
    return {"Authorization": f"Basic {bench.basic}"}
