"""Seeded hostile and ordinary images: layouts and archives on disk."""

from __future__ import annotations

import gzip
import json
import os
import random
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.bases import MODELS, ROOT
from helpers.images import Entry, compressed, entry, file, folder, hardlink, symlink, tar
from m2build.oci.digest import Digest
from m2build.oci.media_types import DOCKER, OCI, MediaTypes

LAYER_TYPES: list[str] = [
    OCI.layer, OCI.layer_gzip, str(OCI.layer_zstd), DOCKER.layer, DOCKER.layer_gzip, "application/octet-stream", "",
]  # fmt: skip


_HOLES = {"GNU.sparse.map": "0,10,15,10", "GNU.sparse.numblocks": "2", "GNU.sparse.size": "25"}
"""Records of a sparse file of 25 bytes, of which 20 are stored."""


@dataclass
class Sample:
    """An image in pieces, so that a test can spoil each of them.

    Attributes:
        rng: the source of random choices.
        layers: tars.
        blobs: the tars as stored.
        types: OCI's or Docker's media types.
        config: the config's document.
        raw: changes to the bytes of the config, the manifest, the index or the file `oci-layout`.
        blobs: the layers as they are stored; otherwise in any compression.
        said: the layers' media types; otherwise any.
    """

    rng: random.Random
    layers: list[bytes]
    types: MediaTypes = OCI
    config: dict[str, Any] | None = None
    raw: dict[str, Callable[[bytes], bytes]] | None = None
    blobs: list[bytes] | None = None
    said: list[str] | None = None

    def files(self) -> dict[str, bytes]:
        """The files of a layout, by name."""
        blobs = self.blobs or [compressed(layer, self.rng.choice(["gzip", "plain", "zstd"])) for layer in self.layers]
        diff_ids = [str(Digest.of(layer)) for layer in self.layers]
        document = {
            "architecture": "amd64", "os": "linux", "config": {"Env": ["A=1"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids}, **(self.config or {}),
        }  # fmt: skip
        config = self._changed("config", json.dumps(document).encode())
        said = self.said or [
            self.rng.choice(LAYER_TYPES[:3]) if self.types is OCI else DOCKER.layer_gzip for _ in blobs
        ]
        manifest = self._changed(
            "manifest",
            json.dumps(
                {
                    "schemaVersion": 2, "mediaType": self.types.manifest, "config": entry_of(self.types.config, config),
                    "layers": [entry_of(kind, blob) for kind, blob in zip(said, blobs, strict=True)],
                }
            ).encode(),
        )  # fmt: skip
        tag = {"annotations": {"org.opencontainers.image.ref.name": "v1"}}
        index = {"schemaVersion": 2, "manifests": [entry_of(self.types.manifest, manifest) | tag]}
        found = {f"blobs/sha256/{Digest.of(data).hex}": data for data in (*blobs, config, manifest)}
        found["index.json"] = self._changed("index", json.dumps(index).encode())
        found["oci-layout"] = self._changed("layout", b'{"imageLayoutVersion":"1.0.0"}')
        return found

    def _changed(self, what: str, data: bytes) -> bytes:
        change = (self.raw or {}).get(what)
        return change(data) if change else data


def entry_of(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(Digest.of(data)), "size": len(data)}


def write_layout(files: dict[str, bytes], place: Path) -> Path:
    for name, data in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return place


def upper(rng: random.Random) -> bytes:
    """A layer of strange but readable members, in the sources and elsewhere."""
    spell = rng.choice(["{}", "/{}", "./{}", "//{}", "q/../{}", "{}/", ".//./{}"])
    where = rng.choice([f"{ROOT}/", f"{ROOT}/sglang/", "x/", "", f"{MODELS}/"])
    choices: list[list[Entry]] = [
        [file(spell.format(f"{where}new"), b"n" * rng.randrange(2000))],
        [file(spell.format(f"{where}.wh.gone"))],
        [symlink(f"{where}l", "new"), hardlink(spell.format(f"{where}h"), spell.format(f"{where}l"))],
        [file(f"{where}f", b"1"), hardlink(f"{where}g", f"/{where}f"), hardlink(f"{where}i", f"{where}g")],
        [entry(f"{where}p", tarfile.FIFOTYPE), hardlink(f"{where}q", f"{where}p")],
        [hardlink(f"{where}of-below", f"{ROOT}/sglang/_version.py")],
        [folder(f"{where}d", rng.choice([0, 0o700, 0o1777])), file(f"{where}d/.wh..wh..opq"), file(f"{where}d/x")],
        [folder(f"{where}d"), file(f"{where}d/y"), file(f"{where}d/.wh..")],
        [file(f"{where}{chr(rng.randrange(0x20, 0x3000))}n\n", b"odd name")],
        [file(f"{where}big-owner", uid=rng.choice([0, 65534, 2**21, 2**31]), gid=2**22, mtime=rng.choice([0, 2**34]))],
        [file(f"{where}.wh..wh.plnk/{rng.randrange(9)}"), file(f"{where}.wh..wh.aufs")],
        [file(".wh..wh.plnk/7", b"7"), hardlink(f"{where}linked", ".wh..wh.plnk/7")],
        [file(f"{where}s", b"1" * 20, pax_headers=dict(_HOLES))],
        [file(f"{where}e", b"1", pax_headers={rng.choice(["path", "size", "mtime", "uid", "linkpath"]): ""})],
    ]
    picked = rng.sample(choices, rng.randrange(4))
    return tar(*(item for entries in picked for item in entries)) if picked else rng.choice([b"", bytes(10240)])


def broken_tar(rng: random.Random) -> bytes:
    """A layer with one false header, in the sources or elsewhere."""
    where = rng.choice([f"{ROOT}/", "x/"])
    info, content = file(f"{where}bad", b"1" * rng.randrange(3000))
    way = rng.randrange(12)
    if way < 4:
        records: dict[str, str] = rng.choice(
            [{"size": "-512"}, {"mtime": "1e400"}, {"mtime": "nan"}, {"uid": "-1"}, {"gid": str(2**70)},
             {"path": "../up"}, {"path": f"{where}a\0b"}, {"path": "d/" * 3000},
             {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
             {"GNU.sparse.map": "0,x"}, {"size": "9" * 30}, {"linkpath": "x" * 5000}, {"path": ""}]
        )  # fmt: skip
        info.pax_headers = records
        return tar((info, content))
    data = bytearray(tar(folder("x"), (info, content), file(f"{where}after")))
    if way < 8:
        position = rng.randrange(0, len(data))
        data[position] ^= 1 << rng.randrange(8)
    elif way == 8:
        info.size = rng.choice([-1, -512, -(2**40), 2**50, 2**62])
        data[512:1024] = info.tobuf(tarfile.GNU_FORMAT)[-512:]
    elif way == 9:
        del data[rng.randrange(len(data)) :]
    elif way == 10:
        at = 512 * rng.randrange(4)
        data[at:at] = bytes(512 * rng.randrange(1, 3))
    else:
        kind = rng.choice([tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_SPARSE, b"\xff", tarfile.XGLTYPE])
        info.type, info.size = kind, rng.choice([0, 512, 2**20 + 1, 2**33])
        data[512:512] = info.tobuf(tarfile.GNU_FORMAT)[-512:] * rng.choice([1, 2000])
    return bytes(data)


def bomb(rng: random.Random) -> bytes:
    """A gzip bomb as a layer."""
    where = rng.choice([f"{ROOT}/", "x/"])
    info, _ = file(f"{where}a")
    way = rng.randrange(6)
    if way == 0:
        info.size = 300 << 20
        inner = info.tobuf(tarfile.GNU_FORMAT) + bytes(info.size)
    elif way == 1:
        info.type, info.size = rng.choice([tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE]), 200 << 20
        inner = info.tobuf(tarfile.GNU_FORMAT)[-512:] + b"n" * info.size
    elif way == 2:
        header = info.tobuf(tarfile.GNU_FORMAT)
        inner = header * 150_000
    elif way == 3:
        inner = b"".join(hardlink(f"{where}{n + 1}", f"{where}{n}")[0].tobuf() for n in range(60_000))
    elif way == 4:
        inner = tar(*(file(f"{where}{n}", bytes(8 << 20)) for n in range(6)))
    else:
        inner = tar(file(where + "d/" * 100_000 + "a"))
    return gzip.compress(inner, 1)


def document(rng: random.Random) -> bytes:
    """Malformed JSON, or too much of it."""
    return rng.choice(
        [b"", b"[]", b"null", b"7", b'{"a":', b"[" * 100_000, b'{"a":' * 50_000, b'{"schemaVersion":2,"x":1e400}',
         b'{"schemaVersion":2,"x":NaN}', b'{"schemaVersion":2,"x":"\\ud800"}', b"\xff\xfe{}",
         b'{"x":' + b"9" * 5000 + b"}", b'{"x":[' + b"[]," * 1_500_000 + b"[]]}", b" " * (5 << 20),
         b'{"a":1,"a":2}',
         b'{"x":"' + b"y" * (5 << 20) + b'"}']
    )  # fmt: skip


def odd_config(rng: random.Random) -> dict[str, Any]:
    """Members of a config, as found in the field or malformed."""
    return rng.choice(
        [{"history": []}, {"history": None}, {"history": [None]}, {"history": [{}] * 7},
         {"history": [{"empty_layer": True}]},
         {"history": "x"}, {"history": [{"empty_layer": "x"}]}, {"config": None}, {"config": []}, {"created": 7},
         {"created": "never"}, {"created": "9999-12-31T23:59:59-12:00"}, {"architecture": None}, {"os": None},
         {"config": {"WorkingDir": "/" + "d/" * 300}}, {"x": json.loads("[" * 300 + "]" * 300)},
         {"config": {"Labels": {"a": "\u202e"}}}, {"config": {"Labels": ["a"]}},
         {"config": {"WorkingDir": "/absent/x"}}, {"config": {"Env": [1]}}, {"config": {"entrypoint": ["evil"]}},
         {"Config": {"Entrypoint": ["evil"]}}, {"config": {"Volumes": {f"/{ROOT}": {}}}}, {"config": {"User": "1000"}},
         {"rootfs": None}, {"rootfs": {"type": "layers", "diff_ids": []}}, {"os": ""}, {"architecture": "sparc"},
         {"variant": "v3"}, {"x": 1.5, "y": [None]}, {"config": {"ExposedPorts": {"22/tcp": {}}, "OnBuild": ["RUN x"]}}]
    )  # fmt: skip


def special(place: Path, rng: random.Random) -> None:
    """Replace a regular file by something else."""
    path = rng.choice(sorted(path for path in place.rglob("*") if path.is_file()))
    path.unlink()
    way = rng.randrange(5)
    if way == 0:
        os.mkfifo(path)
    elif way == 1:
        path.symlink_to("/dev/zero")
    elif way == 2:
        path.mkdir()
    elif way == 3:
        path.symlink_to(path.name)
    else:
        path.symlink_to("/proc/self/mem")


def saved(sample: Sample) -> list[Entry]:
    """The members of a Docker archive."""
    document = {
        "architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(layer)) for layer in sample.layers]},
        **(sample.config or {}),
    }  # fmt: skip
    config = json.dumps(document).encode()
    names = [f"{number}/layer.tar" for number, _ in enumerate(sample.layers)]
    blobs = sample.blobs or [compressed(layer, sample.rng.choice(["gzip", "plain", "zstd"])) for layer in sample.layers]
    entry = {"Config": "config.json", "RepoTags": ["a/b:v1"], "Layers": names}
    return [
        file("manifest.json", json.dumps([entry]).encode()), file("config.json", config),
        *(file(name, blob) for name, blob in zip(names, blobs, strict=True)),
    ]  # fmt: skip


def damaged_archive(members: list[Entry], rng: random.Random) -> bytes:
    """An archive with one fault or oddity."""
    way = rng.randrange(9)
    if way == 0:
        members.append(members[rng.randrange(len(members))])
    elif way == 1:
        members[rng.randrange(len(members))] = symlink(
            members[0][0].name, rng.choice(["b", "../../etc/passwd", "/dev/zero"])
        )
    elif way == 2:
        del members[rng.randrange(len(members))]
    elif way == 3:
        members[-1] = hardlink(members[-1][0].name, members[-1][0].name)
    data = bytearray(tar(*members))
    if way == 4:
        del data[rng.randrange(len(data)) :]
    elif way == 5:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif way == 6:
        info, _ = file("negative")
        info.size = -rng.choice([1, 512, 1024, 2**40])
        data[0:0] = info.tobuf(tarfile.GNU_FORMAT)[-512:]
    elif way == 7:
        data[0:0] = b"".join(file(f"m{n}")[0].tobuf() for n in range(60_000))
    elif way == 8:
        info, _ = file("long")
        info.type, info.size = tarfile.XHDTYPE, 64 << 20
        data[0:0] = info.tobuf(tarfile.GNU_FORMAT)[-512:] + b"n" * info.size
    return bytes(data)
