"""The members of an image's documents: OCI's manifest.md, image-index.md, descriptor.md, config.md and image-layout.md,
and Docker's additions (moby, image/spec/spec.md and api/types/container/config.go).
"""

from __future__ import annotations

from m2build.oci.strict_json import FLAG, NUMBER, TEXT, known, list_of, map_of

_TEXTS, _TEXT_MAP, _SET = list_of(TEXT), map_of(TEXT), map_of(known())

_PLATFORM = known(
    architecture=TEXT, os=TEXT, variant=TEXT, features=_TEXTS, **{"os.version": TEXT, "os.features": _TEXTS}
)
_DESCRIPTOR = known(
    mediaType=TEXT, digest=TEXT, size=NUMBER, urls=_TEXTS, annotations=_TEXT_MAP, data=TEXT, artifactType=TEXT,
    platform=_PLATFORM,
)  # fmt: skip
MANIFEST = known(
    schemaVersion=NUMBER, mediaType=TEXT, artifactType=TEXT, config=_DESCRIPTOR, layers=list_of(_DESCRIPTOR),
    manifests=list_of(_DESCRIPTOR), subject=_DESCRIPTOR, annotations=_TEXT_MAP,
)  # fmt: skip
"""A manifest or an index."""

LAYOUT = known(imageLayoutVersion=TEXT)
"""The file `oci-layout`."""

_HEALTH = known(
    Test=_TEXTS, Interval=NUMBER, Timeout=NUMBER, StartPeriod=NUMBER, StartInterval=NUMBER, Retries=NUMBER
)  # fmt: skip
_RUNTIME = known(
    User=TEXT, ExposedPorts=_SET, Env=_TEXTS, Entrypoint=_TEXTS, Cmd=_TEXTS, Volumes=_SET, WorkingDir=TEXT,
    Labels=_TEXT_MAP, StopSignal=TEXT, ArgsEscaped=FLAG, Healthcheck=_HEALTH, Shell=_TEXTS, OnBuild=_TEXTS,
    StopTimeout=NUMBER, Memory=NUMBER, MemorySwap=NUMBER, CpuShares=NUMBER, Hostname=TEXT, Domainname=TEXT, Image=TEXT,
    AttachStdin=FLAG, AttachStdout=FLAG, AttachStderr=FLAG, Tty=FLAG, OpenStdin=FLAG, StdinOnce=FLAG,
    NetworkDisabled=FLAG, MacAddress=TEXT,
)  # fmt: skip
_HISTORY = known(created=TEXT, created_by=TEXT, author=TEXT, comment=TEXT, empty_layer=FLAG)
CONFIG = known(
    created=TEXT, author=TEXT, architecture=TEXT, os=TEXT, variant=TEXT, config=_RUNTIME,
    rootfs=known(type=TEXT, diff_ids=_TEXTS), history=list_of(_HISTORY),
    **{"os.version": TEXT, "os.features": _TEXTS},
)  # fmt: skip
"""An image's config."""

SAVED = list_of(known(Config=TEXT, RepoTags=_TEXTS, Layers=_TEXTS, Parent=TEXT, LayerSources=map_of(_DESCRIPTOR)))
"""The file `manifest.json` of a Docker archive."""
