"""When podman may use plain HTTP: for registries on this machine, as Docker does, and where the user allows it."""

from __future__ import annotations

import re

from m2build.oci.reference import parse_reference


def trusting_options(reference: str, *, insecure: bool) -> list[str]:
    """Podman's options for a command that uses the registry of a reference."""
    from m2build.registry.connections import is_loopback  # an HTTP library takes its time to be imported

    host = re.sub(r":[0-9]+$", "", parse_reference(reference).registry)
    return ["--tls-verify=false"] if insecure or is_loopback(host) else []
