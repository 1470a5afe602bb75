"""How containers of an image start, from its config: one normal form of what each engine writes in its own way."""

from __future__ import annotations

from m2build.labels import without_preimage
from m2build.oci.config import ImageConfig
from m2build.oci.descriptor import JsonObject

_MEMBERS = (
    *("Cmd", "Entrypoint", "Env", "ExposedPorts", "Healthcheck"),
    *("Labels", "StopSignal", "User", "Volumes", "WorkingDir"),
)
"""What a config says of containers (OCI image specification, config.md, and moby, image/spec/spec.md, for the health
check); its other members describe the build, or serve the next one."""
_SETS = ("ExposedPorts", "Volumes")
"""Those that are objects whose values are empty: only their keys count."""


def runtime_of(config: ImageConfig) -> JsonObject:
    """How containers of an image start.

    Members that are null, empty or zero count as absent; the default working directory is `/`. Labels with an empty
    value count as absent, too: a Dockerfile cannot remove a label of its base, only empty it, while the embedded
    engine drops it. Variables, labels and ports are sorted: where a Dockerfile sets a variable that its base has,
    BuildKit leaves it in its place and buildah moves it to the end. Of two variables of one name the order stays.
    The label that tells how the base was known is left out: it is about the build.
    """
    given = config.runtime
    normal = {key: _normal(key, given.get(key)) for key in _MEMBERS}
    return {"WorkingDir": "/", **{key: value for key, value in normal.items() if value}}


def _normal(key: str, value: object) -> object:
    if key == "Env" and isinstance(value, list):
        return sorted(map(str, value), key=lambda variable: variable.partition("=")[0])
    if not isinstance(value, dict):
        return value
    if key in _SETS:
        return sorted(value)
    said = without_preimage(value) if key == "Labels" else value
    return {name: item for name, item in sorted(said.items()) if item}
