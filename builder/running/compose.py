"""A Compose file that runs a container."""

from __future__ import annotations

from m2build.documents.arguments import typed_arguments
from m2build.documents.yaml_text import ascii_yaml
from m2build.running.command import CACHE, CDI_DEVICE, RENDER_GROUP
from m2build.running.model import GRACE, SHARED_MEMORY, TOKEN, Container, Devices

SERVICE = "server"
_GROUP = f"${{RENDER_GROUP:?set it first: export RENDER_GROUP={RENDER_GROUP.replace('$', '$$')}}}"
"""Compose runs no commands: the number comes from the environment, and without it Compose says how to set it."""


@typed_arguments
def render_compose(container: Container) -> str:
    """The Compose file: one service, with an init, started again after a crash.

    The token and the folder for models come from the environment in which Compose runs.

    Raises:
        UsageError: the server would not be reachable.
    """
    rules = container.rules
    service: dict[str, object] = {
        "image": _literal(container.reference),
        "command": [_literal(word) for word in container.arguments],
        "init": True,
        "restart": "on-failure",
        "stop_grace_period": f"{GRACE}s",
        **_devices(container),
        **_network(container),
        "privileged": rules.privileged,
        "cap_add": list(rules.capabilities),
        "security_opt": [option.replace("=", ":", 1) for option in rules.options],
        **({"ipc": "host"} if rules.host_ipc else {"shm_size": f"{SHARED_MEMORY}g"}),
        "environment": {TOKEN: None, **{name: _literal(value) for name, value in container.variables.items()}},
        "volumes": _volumes(container),
    }
    given = {key: value for key, value in service.items() if value}
    return ascii_yaml({"services": {SERVICE: given}})


def _devices(container: Container) -> dict[str, object]:
    rules = container.rules
    if container.devices == Devices.NONE:
        return {}
    gpus = [CDI_DEVICE] if container.devices == Devices.CDI else ["/dev/kfd", "/dev/dri"]
    return {"devices": [*gpus, *rules.devices], "group_add": [*rules.groups, _GROUP]}


def _network(container: Container) -> dict[str, object]:
    if container.rules.host_network:
        return {"network_mode": "host"}
    container.check_reachable()
    port = container.selection.port
    return {"ports": [{"target": port, "published": str(port), "host_ip": container.address}]}


def _volumes(container: Container) -> list[dict[str, str]]:
    source = CACHE.replace("$HOME", "${HOME}") if container.cache is None else _literal(container.cache)
    models = {"type": "bind", "source": source, "target": _literal(container.models)}
    others = container.rules.volumes
    return [models, *({"type": "bind", "source": outside, "target": inside} for outside, inside in others)]


def _literal(text: str) -> str:
    """A value in which Compose interpolates nothing (Compose specification, "Interpolation")."""
    return text.replace("$", "$$")
