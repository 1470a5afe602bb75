"""The config and the annotations: what recipe and base give beside what an image has."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

from m2build.derivation.plan import Preimage
from m2build.inspection.runtime import runtime_of
from m2build.labels import OWN, PREIMAGE
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import object_in
from m2build.oci.manifest import Manifest
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
_COMPARED = frozenset({*_IDS, "Env", "Labels"})
_PLATFORM = ("os", "architecture", "variant", "os.version", "os.features")
_VERSION = f"{OWN}version"


def config_findings(expected: ImageConfig, found: ImageConfig) -> Iterator[Finding]:
    """Every difference in how containers start, in labels and in the platform.

    Engines write the rest of a config, such as the time of the build, as they like. Where the layers are the very ones
    that m2build writes, the rest has to be m2build's, too.
    """
    if expected.platform != found.platform:
        yield Finding("image-platform", "", f"expected {expected.platform}, got {found.platform}")
    wanted, given = _runtime(expected), _runtime(found)
    for member, kind in _IDS.items():
        if wanted.get(member) != given.get(member):
            yield Finding(kind, member, _expected(wanted.get(member), given.get(member)))
    yield from _variables(expected.variables, found.variables)
    yield from _labels(expected.labels, found.labels)
    if expected.diff_ids == found.diff_ids:
        yield from _others(expected, found)


def _runtime(config: ImageConfig) -> Mapping[str, object]:
    more = {key: value for key in ("OnBuild", "Shell") if (value := config.runtime.get(key))}
    return runtime_of(config) | more


def _variables(wanted: Collection[str], given: Collection[str]) -> Iterator[Finding]:
    """Each variable that differs. Of two of one name, tools take the first or the last: they count as one list."""
    before, after = _by_name(wanted), _by_name(given)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield Finding("config-env", name, _expected(before.get(name), after.get(name)))


def _by_name(variables: Collection[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for variable in variables:
        found.setdefault(variable.partition("=")[0], []).append(variable)
    return found


def _labels(wanted: Mapping[str, str], given: Mapping[str, str]) -> Iterator[Finding]:
    """Each label that differs. An empty one counts as absent: a Dockerfile cannot remove those of its base.

    How the build knew the base may be any way that there is: a proof reads the base itself.
    """
    for key in sorted(wanted.keys() | given.keys()):
        if key == PREIMAGE and given.get(key) in set(Preimage):
            continue
        if wanted.get(key, "") != given.get(key, ""):
            kind = "generator" if key == _VERSION else "config-label"
            yield Finding(kind, key, _expected(wanted.get(key), given.get(key)))


def _others(expected: ImageConfig, found: ImageConfig) -> Iterator[Finding]:
    wanted, given = expected.document(), found.document()
    for key in sorted((wanted.keys() | given.keys()) - {"config", *_PLATFORM[:3]}):
        if wanted.get(key) != given.get(key):
            yield Finding("config-other", key, _expected(wanted.get(key), given.get(key)))
    wanted, given = object_in(wanted, "config"), object_in(given, "config")
    for key in sorted((wanted.keys() | given.keys()) - _COMPARED):
        if wanted.get(key) != given.get(key):
            yield Finding("config-other", f"config.{key}", _expected(wanted.get(key), given.get(key)))


def annotation_findings(wanted: Mapping[str, str], manifest: Manifest, *, must_have_all: bool) -> Iterator[Finding]:
    """Every annotation of a manifest that differs.

    Docker's manifests have none. Container engines leave them out, unless they are given as options, as by bake.

    Args:
        wanted: what recipe and base give.
        manifest: the image's manifest.
        must_have_all: whether m2build itself has written the image.
    """
    given = manifest.annotations
    must = wanted.keys() if must_have_all and manifest.types.has_annotations else frozenset[str]()
    for key in sorted(must | given.keys()):
        if wanted.get(key) != given.get(key):
            yield Finding("manifest-annotation", key, _expected(wanted.get(key), given.get(key)))


def _expected(wanted: object, given: object) -> str:
    return f"expected {_shown(wanted)}, got {_shown(given)}"


def _shown(value: object) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False)
