"""Pod Security's level `baseline`, control by control.

After https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline, which names the fields and the
values that they may have; what is not named there is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CAPABILITIES = frozenset({
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
})  # fmt: skip
SELINUX = frozenset({None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
SYSCTLS = frozenset({
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
})  # fmt: skip


def violations(pod: dict[str, Any]) -> list[str]:
    """The fields of a pod's specification that the level forbids."""
    return [*_of_pod(pod), *(found for one in _containers(pod) for found in _of_container(one))]


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for key in ("containers", "initContainers", "ephemeralContainers") for one in pod.get(key, [])]


def _of_pod(pod: dict[str, Any]) -> Iterator[str]:
    yield from (key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key))
    yield from ("hostPath" for volume in pod.get("volumes", []) if "hostPath" in volume)
    context = pod.get("securityContext", {})
    yield from _of_context(context)
    yield from ("sysctls" for one in context.get("sysctls", []) if one["name"] not in SYSCTLS)


def _of_container(container: dict[str, Any]) -> Iterator[str]:
    context = container.get("securityContext", {})
    if context.get("privileged"):
        yield "privileged"
    if not set(context.get("capabilities", {}).get("add", [])) <= CAPABILITIES:
        yield "capabilities"
    if context.get("procMount") not in (None, "Default"):
        yield "procMount"
    yield from _of_context(context)
    yield from ("hostPort" for port in container.get("ports", []) if port.get("hostPort"))
    for name, action in [*container.get("lifecycle", {}).items(), *container.items()]:
        if (name.endswith("Probe") or name in ("postStart", "preStop")) and "host" in action.get("httpGet", {}):
            yield "probes' host"


def _of_context(context: dict[str, Any]) -> Iterator[str]:
    """What a pod and a container may both set."""
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "hostProcess"
    for key in ("seccompProfile", "appArmorProfile"):
        if context.get(key, {}).get("type") not in (None, "RuntimeDefault", "Localhost"):
            yield key
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type") not in SELINUX or selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions"
