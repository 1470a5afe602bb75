"""The config: what recipe and base give beside what an image has."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

from m2build.derivation.plan import Preimage
from m2build.inspection.runtime import runtime_of
from m2build.labels import OWN, PREIMAGE, without_preimage
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import JsonObject, object_in
from m2build.verification.findings import Finding

_IDS: Mapping[str, str] = {
    "Entrypoint": "config-entrypoint",
    "Cmd": "config-cmd",
    "User": "config-user",
    "WorkingDir": "config-workdir",
    "ExposedPorts": "config-ports",
    "Healthcheck": "config-health",
    "Volumes": "config-volumes",
    "StopSignal": "config-stop-signal",
    "OnBuild": "config-onbuild",
    "Shell": "config-shell",
}
"""Members of a config's section `config`, and the findings of them; variables and labels are compared one by one."""
_COMPARED: Mapping[str, str] = {**_IDS, "Env": "config-env", "Labels": "config-label"}
"""All members of that section that are compared in a normal form, as engines write each in its own way."""
_PLATFORM = frozenset({"os", "architecture", "variant"})
_FEATURES = frozenset({"os.version", "os.features"})
_VERSION = f"{OWN}version"
_OF_BUILDS = frozenset(
    {"created", "author", "history", "container", "container_config", "docker_version", "id", "parent"}
)
_OF_BUILDERS = "moby.buildkit."
_OF_BUILDS_RUNTIME = frozenset({"Hostname", "Image", "ArgsEscaped"})
"""What container engines write about a build into a config and its section `config` (moby, image/spec/spec.md, and
api/types/container/config.go): nothing of it decides what runs, or as whom."""


def config_findings(expected: ImageConfig, found: ImageConfig, base: ImageConfig, *, is_own: bool) -> Iterator[Finding]:
    """Every difference of a config from what recipe and base give.

    Engines write what is about the build as they like, leave out what they do not know, and sort variables anew. If
    m2build itself has written the image, the config has to be m2build's, too, member by member.

    Args:
        expected: as m2build writes it.
        found: the image's.
        base: the base's.
        is_own: whether m2build itself has written the image.
    """
    if expected.platform != found.platform:
        yield Finding("image-platform", "", f"expected {expected.platform}, got {found.platform}")
    told = [*_runtime_findings(expected, found), *_labels(expected.labels, found.labels, base.labels)]
    yield from told
    wanted, given = expected.document(), found.document()
    yield from _others(wanted, given, is_own=is_own)
    known = {finding.id for finding in told}
    yield from _runtime_others(_without_preimage(wanted), _without_preimage(given), known, is_own=is_own)


def _others(wanted: JsonObject, given: JsonObject, *, is_own: bool) -> Iterator[Finding]:
    """The members of a config beside its section `config`."""
    for key in _differing(wanted, given, _OF_BUILDS, is_own=is_own):
        if key == "rootfs":
            yield from _root_findings(object_in(wanted, key), object_in(given, key))
        elif key not in {"config", *_PLATFORM} and (is_own or not key.startswith(_OF_BUILDERS)):
            kind = "image-platform" if key in _FEATURES else "config-other"
            yield Finding(kind, key, differing(wanted.get(key), given.get(key)))


def _runtime_others(
    wanted: JsonObject, given: JsonObject, known: Collection[str], *, is_own: bool
) -> Iterator[Finding]:
    """The members of the section `config` that have no finding yet; their normal forms may be equal."""
    for key in _differing(wanted, given, _OF_BUILDS_RUNTIME, is_own=is_own):
        kind = _COMPARED.get(key)
        if kind is None:
            yield Finding("config-other", f"config.{key}", differing(wanted.get(key), given.get(key)))
        elif is_own and kind not in known:
            yield Finding(kind, key, differing(wanted.get(key), given.get(key)))


def _differing(wanted: JsonObject, given: JsonObject, of_builds: Collection[str], *, is_own: bool) -> Iterator[str]:
    """The keys in which two objects differ, in m2build's own image; in an engine's those that say more or else."""
    for key in sorted(wanted.keys() | given.keys()):
        if wanted.get(key) != given.get(key) and (is_own or (given.get(key) and key not in of_builds)):
            yield key


def _root_findings(wanted: JsonObject, given: JsonObject) -> Iterator[Finding]:
    """Every member of `rootfs` that differs, except the layers: these are compared one by one."""
    for key in sorted((wanted.keys() | given.keys()) - {"diff_ids"}):
        if wanted.get(key) != given.get(key):
            yield Finding("config-other", f"rootfs.{key}", differing(wanted.get(key), given.get(key)))


def _without_preimage(document: JsonObject) -> JsonObject:
    """A config's section `config`, without the label that says how the build knew the base."""
    runtime = object_in(document, "config")
    return {**runtime, "Labels": without_preimage(object_in(runtime, "Labels"))}


def _runtime_findings(expected: ImageConfig, found: ImageConfig) -> Iterator[Finding]:
    wanted, given = _runtime(expected), _runtime(found)
    for member, kind in _IDS.items():
        if wanted.get(member) != given.get(member):
            yield Finding(kind, member, differing(wanted.get(member), given.get(member)))
    yield from _variables(expected.variables, found.variables)


def _runtime(config: ImageConfig) -> Mapping[str, object]:
    more = {key: value for key in ("OnBuild", "Shell") if (value := config.runtime.get(key))}
    return runtime_of(config) | more


def _variables(wanted: Collection[str], given: Collection[str]) -> Iterator[Finding]:
    """Each variable that differs. Of two of one name, tools take the first or the last: they count as one list."""
    before, after = _by_name(wanted), _by_name(given)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield Finding("config-env", name, differing(before.get(name), after.get(name)))


def _by_name(variables: Collection[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for variable in variables:
        found.setdefault(variable.partition("=")[0], []).append(variable)
    return found


def _labels(wanted: Mapping[str, str], given: Mapping[str, str], base: Mapping[str, str]) -> Iterator[Finding]:
    """Each label that differs. Of the base's, an empty one counts as absent: a Dockerfile cannot remove it.

    How the build knew the base may be any way that there is: a proof reads the base itself.
    """
    for key in sorted(wanted.keys() | given.keys()):
        if key == PREIMAGE and given.get(key) in set(Preimage):
            continue
        absent = "" if key in base else None
        if wanted.get(key, absent) != given.get(key, absent):
            kind = "generator" if key == _VERSION else "config-label"
            yield Finding(kind, key, differing(wanted.get(key), given.get(key)))


def differing(wanted: object, given: object) -> str:
    """What is expected and what is there, in words."""
    return f"expected {_shown(wanted)}, got {_shown(given)}"


def _shown(value: object) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False)
