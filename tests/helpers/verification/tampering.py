"""What can be done to an honest image: each case with the finding that has to name it."""

from __future__ import annotations

import copy
import gzip
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass

from helpers.bases import MODELS, ROOT
from helpers.images import entry, file, folder, hardlink, symlink, tar
from helpers.verification.forgery import Document, Forgery, described, ending, sha256
from m2build.labels import OCI, OWN, PROFILE

PATCHED = f"{MODELS}/minimax_m2.py"
CACHE = f"{MODELS}/__pycache__"
ACCOUNT = "opt/m2build"
Edit = Callable[[Forgery], object]


@dataclass(frozen=True)
class Tampering:
    """One case.

    Attributes:
        id: the id of the finding that names it.
        path: what the finding is about.
        edit: what is done.
    """

    id: str
    path: str
    edit: Edit


def added(*entries: tuple[tarfile.TarInfo, bytes]) -> Edit:
    """More members at the overlay's end."""
    return lambda image: image.overlay.extend(entries)


def header(end: str, **attributes: object) -> Edit:
    """Other attributes of an overlay's member."""

    def edit(image: Forgery) -> None:
        info = image.info(end)
        for key, value in attributes.items():
            setattr(info, key, value)

    return edit


def runtime(**members: object) -> Edit:
    """Other members of the config's section `config`."""
    return lambda image: image.runtime.update(members)


def env(*variables: str) -> Edit:
    return lambda image: image.runtime["Env"].extend(variables)


def label(key: str, value: str) -> Edit:
    return lambda image: image.labels.update({key: value})


def annotation(key: str, value: str) -> Edit:
    return lambda image: image.annotations.update({key: value})


def member(**members: object) -> Edit:
    """Other members of the config."""
    return lambda image: image.config.update(members)


def instead(end: str, *entries: tuple[tarfile.TarInfo, bytes]) -> Edit:
    """Others in the place of an overlay's member."""

    def edit(image: Forgery) -> None:
        position = image.find(end)
        image.overlay[position : position + 1] = entries

    return edit


def attribute(end: str, key: str, value: str) -> Edit:
    """A PAX record more."""
    return lambda image: setattr(image.info(end), "pax_headers", {**image.info(end).pax_headers, key: value})


def bytes_of_overlay(change: Callable[[bytes], bytes]) -> Edit:
    """Other bytes of the overlay's tar."""

    def edit(image: Forgery) -> None:
        image.overlay_tar = change(ending(image.overlay))

    return edit


def on_disk(position: int, change: Callable[[bytes], bytes | None]) -> Edit:
    """Another blob on the disk than the manifest's digest says."""

    def edit(image: Forgery) -> None:
        layers = [*image.below, ending(image.overlay)]
        image.stored[position] = change(layers[position])

    return edit


def flipped(data: bytes) -> bytes:
    return data[:600] + bytes([data[600] ^ 1]) + data[601:]


def with_global_records(layer: bytes) -> bytes:
    return tarfile.TarInfo.create_pax_global_header({"mtime": "1"}) + layer


def diff_ids(change: Callable[[list[str]], list[str]]) -> Edit:
    """Other diff_ids than the layers have."""

    def edit(image: Forgery) -> None:
        image.diff_ids = change([sha256(layer) for layer in (*image.below, ending(image.overlay))])

    return edit


def twice_in_json(image: Forgery) -> None:
    document = json.dumps(image.config | {"rootfs": {"type": "layers", "diff_ids": []}})
    image.raw_config = f'{{"architecture":"arm64",{document[1:]}'.encode()


def swapped(image: Forgery) -> None:
    image.below[0], image.below[1] = image.below[1], image.below[0]


def below_the_base(image: Forgery) -> None:
    image.below.insert(2, ending(image.overlay))
    image.overlay = []
    image.overlay_tar = image.below.pop()


def replaced_layer(image: Forgery) -> None:
    image.below[0] = tar(folder("bin"), file("bin/sh", b"#!evil", mode=0o755))


def dropped_layer(image: Forgery) -> None:
    del image.below[2]
    image.config["history"].pop(2)


def hidden_again(image: Forgery) -> None:
    image.above += [tar(file("bin/secret", b"key")), tar(file("bin/.wh.secret"))]


def changed_and_restored(image: Forgery) -> None:
    honest = copy.deepcopy(image.overlay[image.find("/minimax_m2.py")])
    image.replace("/minimax_m2.py", b"evil")
    image.above.append(tar(honest))


def history(change: Callable[[list[object]], object]) -> Edit:
    return lambda image: change(image.config["history"])


def moved_up(entries: list[object]) -> None:
    entries[0], entries[1] = entries[1], entries[0]


FILES: dict[str, Tampering] = {
    "a changed byte": Tampering(
        "file-content", f"/{PATCHED}", lambda image: image.replace("/minimax_m2.py", b"import evil\n")
    ),
    "a file changed above": Tampering("file-content", f"/{PATCHED}", changed_and_restored),
    "a file changed in one more layer": Tampering(
        "file-content", f"/{PATCHED}", lambda image: image.above.append(tar(file(PATCHED, b"x", mode=0o640, uid=1000)))
    ),
    "a patched file left out": Tampering("path-missing", f"/{PATCHED}", lambda image: image.drop("/minimax_m2.py")),
    "a patched file removed above": Tampering(
        "path-missing", f"/{PATCHED}", lambda image: image.above.append(tar(file(f"{MODELS}/.wh.minimax_m2.py")))
    ),
    "an extra file": Tampering("path-extra", "/etc/x", added(file("etc/x", b"1"))),
    "an extra source": Tampering("path-extra", f"/{MODELS}/evil.py", added(file(f"{MODELS}/evil.py", b"1"))),
    "an extra folder": Tampering("path-extra", "/srv", added(folder("srv"))),
    "an extra link": Tampering("path-extra", "/bin/python", added(symlink("bin/python", "sh"))),
    "a program of the base replaced": Tampering("path-extra", "/bin/sh", added(file("bin/sh", b"evil", mode=0o755))),
    "a file hidden in a lower layer": Tampering("path-extra", "/bin/secret", hidden_again),
    "another mode of the root": Tampering("path-extra", "/", added(folder("./", mode=0o777))),
    "sitecustomize": Tampering("path-startup", f"/{ROOT}/sitecustomize.py", added(file(f"{ROOT}/sitecustomize.py"))),
    "usercustomize": Tampering("path-startup", "/usr/usercustomize.py", added(file("usr/usercustomize.py"))),
    "a .pth file": Tampering("path-startup", f"/{ROOT}/x.pth", added(file(f"{ROOT}/x.pth", b"import evil"))),
    "a preloaded library": Tampering("path-startup", "/etc/ld.so.preload", added(file("etc/ld.so.preload", b"/x.so"))),
    "malicious bytecode": Tampering(
        "path-bytecode", f"/{CACHE}/minimax_m2.cpython-312.pyc", added(file(f"{CACHE}/minimax_m2.cpython-312.pyc"))
    ),
    "a lost whiteout of a source": Tampering(
        "path-restored", f"/{MODELS}/transformers.py", lambda image: image.drop(".wh.transformers.py")
    ),
    "a lost whiteout of bytecode": Tampering(
        "path-restored",
        f"/{CACHE}/transformers.cpython-310.pyc",
        lambda image: image.drop(".wh.transformers.cpython-310.pyc"),
    ),
    "stale bytecode instead of its whiteout": Tampering(
        "path-restored",
        f"/{CACHE}/minimax_m2.cpython-310.opt-1.pyc",
        instead(".wh.minimax_m2.cpython-310.opt-1.pyc", file(f"{CACHE}/minimax_m2.cpython-310.opt-1.pyc", b"x")),
    ),
    "a whiteout more": Tampering("path-removed", "/bin/sh", added(file("bin/.wh.sh"))),
    "a whiteout of what is not there": Tampering("path-removed", "/bin/x", added(file("bin/.wh.x"))),
    "a folder removed": Tampering("path-removed", "/etc", added(file(".wh.etc"))),
    "a link instead of a file": Tampering(
        "file-kind", f"/{PATCHED}", instead("/minimax_m2.py", symlink(PATCHED, "/x"))
    ),
    "a folder instead of a file": Tampering("file-kind", f"/{PATCHED}", instead("/minimax_m2.py", folder(PATCHED))),
    "mode bits": Tampering("file-mode", f"/{PATCHED}", header("/minimax_m2.py", mode=0o666)),
    "a folder that all can write to": Tampering("file-mode", f"/{ACCOUNT}", header("opt/m2build", mode=0o777)),
    "a folder of the base that all can write to": Tampering("path-extra", f"/{MODELS}", header("/models", mode=0o777)),
    "setuid": Tampering("file-setuid", f"/{PATCHED}", header("/minimax_m2.py", mode=0o4640)),
    "setgid": Tampering("file-setuid", f"/{PATCHED}", header("/minimax_m2.py", mode=0o2640)),
    "an owner": Tampering("file-owner", f"/{PATCHED}", header("/minimax_m2.py", uid=0)),
    "a group": Tampering("file-owner", f"/{PATCHED}", header("/minimax_m2.py", gid=0)),
    "capabilities": Tampering(
        "file-capabilities", f"/{PATCHED}", attribute("/minimax_m2.py", "SCHILY.xattr.security.capability", "x")
    ),
    "a forged changeset": Tampering(
        "account-content", f"/{ACCOUNT}/changeset.json", lambda image: image.replace("changeset.json", b"{}")
    ),
    "forged checksums": Tampering(
        "account-content", f"/{ACCOUNT}/after.sha256", lambda image: image.replace("after.sha256", b"")
    ),
    "a forged patch": Tampering(
        "account-content",
        f"/{ACCOUNT}/patches/0002-disable-rmsnorm-compile.patch",
        lambda image: image.replace("disable-rmsnorm-compile.patch", b"--- a\n+++ b\n"),
    ),
    "a file more in the account": Tampering("account-extra", f"/{ACCOUNT}/x", added(file(f"{ACCOUNT}/x"))),
    "a file less in the account": Tampering(
        "account-missing", f"/{ACCOUNT}/README", lambda image: image.drop("opt/m2build/README")
    ),
}
"""What is done to files."""

TARS: dict[str, Tampering] = {
    "an opaque whiteout": Tampering("layer-opaque", f"/{MODELS}/.wh..wh..opq", added(file(f"{MODELS}/.wh..wh..opq"))),
    "a duplicate": Tampering(
        "member-duplicate",
        f"/{PATCHED}",
        lambda image: image.overlay.append(image.overlay[image.find("minimax_m2.py")]),
    ),
    "a duplicate before": Tampering(
        "member-duplicate", f"/{PATCHED}", lambda image: image.overlay.insert(0, file(PATCHED, b"evil"))
    ),
    "a second view": Tampering(
        "member-name", f"/{PATCHED}", lambda image: image.overlay.insert(0, file(f"./{PATCHED}", b"evil"))
    ),
    "a name with a slash": Tampering("member-name", f"/{PATCHED}", header("/minimax_m2.py", name=f"/{PATCHED}")),
    "a name with dots": Tampering("member-name", f"/{PATCHED}", header("/minimax_m2.py", name=f"opt/../{PATCHED}")),
    "a hard link": Tampering(
        "member-kind",
        f"/{MODELS}/kimi_linear.py",
        instead("/kimi_linear.py", hardlink(f"{MODELS}/kimi_linear.py", PATCHED)),
    ),
    "a device": Tampering("member-kind", "/dev/x", added(entry("dev/x", tarfile.CHRTYPE, devmajor=1, devminor=1))),
    "a pipe": Tampering("member-kind", "/bin/x", added(entry("bin/x", tarfile.FIFOTYPE))),
    "a whiteout with content": Tampering(
        "member-kind", f"/{MODELS}/.wh.transformers.py", lambda image: image.replace(".wh.transformers.py", b"evil")
    ),
    "AUFS's own file": Tampering("path-removed", "/.wh.aufs", added(file(".wh..wh.aufs", b""))),
    "an attribute": Tampering(
        "member-attributes", f"/{PATCHED}", attribute("/minimax_m2.py", "SCHILY.xattr.user.evil", "1")
    ),
    "a comment": Tampering("member-attributes", f"/{PATCHED}", attribute("/minimax_m2.py", "comment", "1")),
    "bytes behind the end": Tampering("layer-trailing", "", bytes_of_overlay(lambda data: data + bytes(512) + b"evil")),
    "bytes at the end": Tampering("layer-damaged", "", bytes_of_overlay(lambda data: data[:-512] + b"evil" * 128)),
    "global records": Tampering("layer-damaged", "", bytes_of_overlay(with_global_records)),
    "no tar": Tampering("layer-damaged", "", bytes_of_overlay(lambda _: b"evil" * 256)),
    "a name outside": Tampering("layer-damaged", "", added(file("../x", b"evil"))),
    "a file below a link": Tampering("path-extra", "/bin/sh", added(symlink("l", "/bin"), file("l/sh", b"evil"))),
    "an altered overlay": Tampering("layer-damaged", "", on_disk(3, flipped)),
    "a cut overlay": Tampering("layer-damaged", "", on_disk(3, lambda data: data[:-1000])),
    "a missing overlay": Tampering("layer-damaged", "", on_disk(3, lambda _: None)),
    "an altered layer of the base": Tampering("layer-damaged", "", on_disk(1, flipped)),
    "another layer behind a diff_id of the base": Tampering(
        "layer-damaged", "", lambda image: image.kept_as.update({1: gzip.compress(flipped(image.below[1]))})
    ),
    "another layer behind the diff_id of the overlay": Tampering(
        "layer-damaged", "", lambda image: image.kept_as.update({3: gzip.compress(tar(file("x")))})
    ),
}
"""What is done to layers."""

CONFIGS: dict[str, Tampering] = {
    "swapped layers": Tampering("base-layers", "", swapped),
    "the overlay below a layer of the base": Tampering("base-layers", "", below_the_base),
    "a replaced layer": Tampering("base-layers", "", replaced_layer),
    "a dropped layer": Tampering("base-layers", "", dropped_layer),
    "other diff_ids of the base": Tampering("base-layers", "", diff_ids(lambda ids: [ids[1], *ids[1:]])),
    "another diff_id of the overlay": Tampering("layer-damaged", "", diff_ids(lambda ids: [*ids[:3], sha256(b"")])),
    "too few diff_ids": Tampering("image-malformed", "", diff_ids(lambda ids: ids[:3])),
    "a member twice in the config": Tampering("image-malformed", "", twice_in_json),
    "another platform": Tampering("image-platform", "", member(architecture="arm64")),
    "another base digest": Tampering("base-other", f"{OCI}base.digest", label(f"{OCI}base.digest", sha256(b""))),
    "a re-ordered history": Tampering("base-history", "", history(moved_up)),
    "a shortened history": Tampering("base-history", "", history(lambda entries: entries.pop(0))),
    "a longer history": Tampering("history-length", "", history(lambda entries: entries.append({"created_by": "x"}))),
    "no history": Tampering("base-history", "", member(history=[])),
    "another account of the overlay": Tampering(
        "config-other", "history", lambda image: image.config["history"][3].update(comment="nothing")
    ),
    "another time": Tampering("config-other", "created", member(created="2020-01-01T00:00:00Z")),
    "an author": Tampering("config-other", "author", member(author="evil")),
    "a hostname": Tampering("config-other", "config.Hostname", runtime(Hostname="evil")),
    "an altered entrypoint": Tampering(
        "config-entrypoint", "Entrypoint", lambda image: image.runtime["Entrypoint"].append("--evil")
    ),
    "an entrypoint in front": Tampering(
        "config-entrypoint", "Entrypoint", lambda image: image.runtime["Entrypoint"].insert(0, "/bin/sh")
    ),
    "a command": Tampering("config-cmd", "Cmd", runtime(Cmd=["--evil"])),
    "LD_PRELOAD": Tampering("config-env", "LD_PRELOAD", env("LD_PRELOAD=/x.so")),
    "PYTHONPATH": Tampering("config-env", "PYTHONPATH", env("PYTHONPATH=/x")),
    "PATH": Tampering("config-env", "PATH", runtime(Env=["PATH=/evil"])),
    "a variable twice": Tampering("config-env", "PATH", env("PATH=/evil")),
    "a variable twice, and the first counts": Tampering("config-env", "PATH", runtime(Env=["PATH=/evil", "PATH=/bin"])),
    "no variables": Tampering("config-env", "PATH", runtime(Env=[])),
    "a user": Tampering("config-user", "User", runtime(User="1000")),
    "a working directory": Tampering("config-workdir", "WorkingDir", runtime(WorkingDir="/tmp")),
    "a port": Tampering("config-ports", "ExposedPorts", runtime(ExposedPorts={"8000/tcp": {}, "22/tcp": {}})),
    "no ports": Tampering("config-ports", "ExposedPorts", runtime(ExposedPorts=None)),
    "a health check": Tampering("config-health", "Healthcheck", runtime(Healthcheck={"Test": ["CMD", "/bin/sh"]})),
    "no health check": Tampering("config-health", "Healthcheck", runtime(Healthcheck={"Test": ["NONE"]})),
    "a volume": Tampering("config-volumes", "Volumes", runtime(Volumes={"/opt": {}})),
    "a signal": Tampering("config-stop-signal", "StopSignal", runtime(StopSignal="SIGUSR1")),
    "an instruction for builds": Tampering("config-onbuild", "OnBuild", runtime(OnBuild=["RUN evil"])),
    "a shell": Tampering("config-shell", "Shell", runtime(Shell=["/evil"])),
    "an edited label": Tampering("config-label", f"{OWN}plan.digest", label(f"{OWN}plan.digest", sha256(b""))),
    "an edited label of the base": Tampering("config-label", "a", label("a", "c")),
    "a label more": Tampering("config-label", "evil", label("evil", "1")),
    "a label less": Tampering("config-label", f"{OCI}title", lambda image: image.labels.pop(f"{OCI}title")),
    "another time in the labels": Tampering(
        "config-label", f"{OWN}plan.digest", label(f"{OCI}created", "2020-01-01T00:00:00Z")
    ),
    "another version of m2build": Tampering("generator", f"{OWN}version", label(f"{OWN}version", "0.0.1")),
    "another profile": Tampering("config-entrypoint", "Entrypoint", label(PROFILE, "tp4")),
    "an unknown profile": Tampering("origin-unknown", PROFILE, label(PROFILE, "tp3")),
    "no profile": Tampering("origin-unknown", PROFILE, lambda image: image.labels.pop(PROFILE)),
    "an unknown model": Tampering("origin-unknown", f"{OWN}model", label(f"{OWN}model", "evil/model")),
    "an unknown recipe": Tampering("origin-unknown", f"{OWN}recipe", label(f"{OWN}recipe", "evil")),
    "no labels": Tampering("origin-unknown", f"{OWN}recipe", runtime(Labels={})),
    "an edited annotation": Tampering("manifest-annotation", f"{OCI}title", annotation(f"{OCI}title", "evil")),
    "an annotation more": Tampering("manifest-annotation", "evil", annotation("evil", "1")),
    "an annotation less": Tampering(
        "manifest-annotation", f"{OCI}title", lambda image: image.annotations.pop(f"{OCI}title")
    ),
}
"""What is done to the config, the manifest and the base's layers."""


def by_an_engine(edit: Edit) -> Edit:
    """The same in an image whose layer has other times, as one that a container engine built."""

    def edited(image: Forgery) -> None:
        for info, _ in image.overlay:
            info.mtime = 1_700_000_001
        edit(image)

    return edited


def root(**members: object) -> Edit:
    """Other members of the config's section `rootfs`."""
    return lambda image: image.config["rootfs"].update(members)


def manifest(**members: object) -> Edit:
    """Other members of the manifest."""
    return lambda image: setattr(image, "more_manifest", lambda document: document.update(members))


def descriptor(number: int | None, **members: object) -> Edit:
    """Other members of a layer's descriptor in the manifest, or of the config's."""

    def edit(document: Document) -> None:
        (document["config"] if number is None else document["layers"][number]).update(members)

    return lambda image: setattr(image, "more_manifest", edit)


def above(*layers: bytes) -> Edit:
    return lambda image: image.above.extend(layers)


def patched_once(**attributes: object) -> Edit:
    """A layer that gives the patched file other attributes, and one that takes them back."""

    def edit(image: Forgery) -> None:
        info, content = image.overlay[image.find("/minimax_m2.py")]
        other = copy.deepcopy(info)
        for key, value in attributes.items():
            setattr(other, key, value)
        image.above += [tar((other, content if other.isreg() else b"")), tar((info, content))]

    return edit


DOCKERS = "application/vnd.docker"
PODMANS = "io.github.containers.zstd-chunked.manifest"
HIDDEN: dict[str, Tampering] = {
    "setuid for a while": Tampering("file-setuid", f"/{PATCHED}", patched_once(mode=0o4640)),
    "a mode for a while": Tampering("file-mode", f"/{PATCHED}", patched_once(mode=0o666)),
    "an owner for a while": Tampering("file-owner", f"/{PATCHED}", patched_once(uid=0)),
    "a link for a while": Tampering(
        "file-kind", f"/{PATCHED}", patched_once(type=tarfile.SYMTYPE, size=0, linkname="/etc/shadow")
    ),
    "a folder for a while": Tampering(
        "file-owner",
        f"/{MODELS}",
        above(tar(folder(MODELS, mode=0o750, uid=0)), tar(folder(MODELS, mode=0o750, uid=1000, gid=1001))),
    ),
    "an owner by name": Tampering("member-attributes", f"/{PATCHED}", header("/minimax_m2.py", uname="evil")),
    "one more layer, which is empty": Tampering("layer-extra", "", above(tar())),
    "one more layer, the same once more": Tampering(
        "layer-extra", "", lambda image: image.above.append(ending(image.overlay))
    ),
    "a package sitecustomize": Tampering(
        "path-startup", "/usr/sitecustomize/__init__.py", added(file("usr/sitecustomize/__init__.py"))
    ),
    "a library usercustomize": Tampering(
        "path-startup", "/usr/usercustomize.abi3.so", added(file("usr/usercustomize.abi3.so"))
    ),
    "an environment of Python's": Tampering(
        "path-startup", "/bin/pyvenv.cfg", added(file("bin/pyvenv.cfg", b"home=/x"))
    ),
    "folders for the linker": Tampering(
        "path-startup", "/etc/ld.so.conf.d/x", added(file("etc/ld.so.conf.d/x", b"/x"))
    ),
}
"""What a view of the files does not show, or shows as something harmless."""

MEMBERS: dict[str, Tampering] = {
    "a label more, without a value": Tampering("config-label", "evil", label("evil", "")),
    "another order of variables": Tampering("config-env", "Env", lambda image: image.runtime["Env"].reverse()),
    "more of a port": Tampering("config-ports", "ExposedPorts", runtime(ExposedPorts={"8000/tcp": {"evil": 1}})),
    "more of the health check": Tampering(
        "config-health", "Healthcheck", lambda image: image.runtime["Healthcheck"].update({"dev.m2build.preimage": "x"})
    ),
    "a network off": Tampering("config-other", "config.NetworkDisabled", by_an_engine(runtime(NetworkDisabled=True))),
    "a member that no tool knows": Tampering("config-other", "config.Evil", by_an_engine(runtime(Evil=1))),
    "another such member": Tampering("config-other", "evil", by_an_engine(member(evil=1))),
    "another kind of layers": Tampering("config-other", "rootfs.type", by_an_engine(root(type="layers+base"))),
    "a layer below the first": Tampering(
        "config-other", "rootfs.base_layer", by_an_engine(root(base_layer=sha256(b"")))
    ),
    "another version of the system": Tampering(
        "image-platform", "os.version", by_an_engine(member(**{"os.version": "10"}))
    ),
    "a feature of the system": Tampering("image-platform", "os.features", member(**{"os.features": ["win32k"]})),
    "the last time that there is": Tampering(
        "config-label", f"{OWN}plan.digest", label(f"{OCI}created", "9999-12-31T23:59:59Z")
    ),
    "a time before all": Tampering("config-label", f"{OCI}created", label(f"{OCI}created", "1969-12-31T23:59:59Z")),
    "a subject": Tampering("manifest-other", "subject", manifest(subject=described("x/y", b"{}"))),
    "a type of artifact": Tampering("manifest-other", "artifactType", manifest(artifactType="x/y")),
    "an unknown member": Tampering("manifest-other", "evil", manifest(evil=1)),
    "another place of a layer": Tampering(
        "manifest-other", "layers[0].urls", descriptor(0, urls=["http://evil.example/"])
    ),
    "content of a layer": Tampering("manifest-other", "layers[3].data", descriptor(3, data="e30=")),
    "content of the config": Tampering("manifest-other", "config.data", descriptor(None, data="e30=")),
    "an annotation of a layer": Tampering(
        "manifest-other", "layers[3].annotations.evil", descriptor(3, annotations={"evil": "1"})
    ),
    "a type of the config": Tampering(
        "manifest-other", "config.mediaType", descriptor(None, mediaType=f"{DOCKERS}.container.image.v1+json")
    ),
    "a layer that is fetched elsewhere": Tampering(
        "manifest-other",
        "layers[0].mediaType",
        descriptor(0, mediaType=f"{DOCKERS}.image.rootfs.foreign.diff.tar.gzip"),
    ),
    "an encrypted layer": Tampering(
        "manifest-other",
        "layers[3].mediaType",
        descriptor(3, mediaType="application/vnd.oci.image.layer.v1.tar+encrypted"),
    ),
    "a compression": Tampering(
        "manifest-other", "layers[1].mediaType", descriptor(1, mediaType="application/vnd.oci.image.layer.v1.tar+zstd")
    ),
    "a table of contents": Tampering(
        "layer-table",
        "",
        descriptor(3, annotations={f"{PODMANS}-checksum": sha256(b""), f"{PODMANS}-position": "0:10:20:1"}),
    ),
    "a table of contents of the base": Tampering(
        "layer-table", "", descriptor(0, annotations={"containerd.io/snapshot/stargz/toc.digest": sha256(b"")})
    ),
    "no table of contents": Tampering(
        "manifest-other",
        f"layers[3].annotations.{PODMANS}-checksum",
        descriptor(3, annotations={f"{PODMANS}-checksum": "x"}),
    ),
}
"""What is done to members of config and manifest that few tools look at."""

TAMPERINGS = FILES | TARS | CONFIGS | HIDDEN | MEMBERS
