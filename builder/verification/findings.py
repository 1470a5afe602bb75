"""What a verification finds: the kinds of findings, whose ids are stable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

KINDS: Mapping[str, str] = {
    "image-malformed": "The manifest or the config cannot be read, or is not what its digest says.",
    "image-platform": "The image is for another platform than the base.",
    "origin-unknown": "The labels name no recipe, profile or model that is known here.",
    "base-other": "The base that the image names is not the one that the recipe, or `--base`, means now.",
    "base-layers": "The base's layers are not the lowest layers of the image, in their order.",
    "base-history": "The base's history is not the beginning of the image's.",
    "history-length": "The history has more or fewer entries than the image has layers.",
    "layer-damaged": "A layer is missing, truncated or altered, or not a tar that all tools read alike.",
    "layer-trailing": "Bytes follow the end of a layer's tar, where no tool looks.",
    "layer-table": "A layer's table of contents, by which some engines unpack it, does not say what its tar says.",
    "layer-extra": "There are layers above the one that m2build itself writes.",
    "layer-opaque": "An opaque whiteout hides a whole folder of the base.",
    "member-name": "A member of a layer has a second spelling, as `./x` for `x`.",
    "member-duplicate": "A layer has two members of one path; tools differ in which of them counts.",
    "member-kind": "A member is a hard link, a device, a pipe or a sparse file.",
    "member-attributes": "A member has extended attributes, or other records, that the base's file does not have.",
    "path-extra": "Something is new or changed that no patch explains.",
    "path-startup": "The same, where it runs by itself: `sitecustomize.py`, a `.pth` file, `/etc/ld.so.preload`.",
    "path-bytecode": "The same for bytecode, which Python may run instead of the source.",
    "path-missing": "Something is missing, or as in the base, that a patch or the account of the changes has to bring.",
    "path-removed": "Something of the base is missing that no patch removes.",
    "path-restored": "Something of the base is there that a patch removes, such as stale bytecode.",
    "file-kind": "A patched path is of another kind, as a link instead of a file.",
    "file-content": "A patched file has other bytes than applying the patches again gives.",
    "file-mode": "A path has other permissions.",
    "file-setuid": "A path has another set-user-ID, set-group-ID or sticky bit.",
    "file-owner": "A path belongs to another user or group.",
    "file-capabilities": "A file has other capabilities.",
    "account-content": "A file below `/opt/m2build` has other bytes than applying the patches again gives.",
    "account-extra": "Something is below `/opt/m2build` that does not belong there.",
    "account-missing": "Something is missing below `/opt/m2build`.",
    "patch-unsettled": "A patch finds something to do in the patched sources.",
    "generator": "Another version of m2build made the image; verify it with that version.",
    "config-entrypoint": "The entrypoint is not the recipe's command line.",
    "config-cmd": "There is a command, which would become arguments of the entrypoint.",
    "config-env": "A variable is not the recipe's or the base's.",
    "config-user": "The user is not the recipe's or the base's.",
    "config-workdir": "The working directory is not the recipe's or the base's.",
    "config-ports": "The ports are not those of the recipe and the base.",
    "config-health": "The health check is not the recipe's.",
    "config-volumes": "The volumes are not the base's.",
    "config-stop-signal": "The signal to stop is not the base's.",
    "config-onbuild": "The image has instructions for builds on top of it.",
    "config-shell": "The shell is not the base's.",
    "config-label": "A label is not what recipe and base give.",
    "config-other": "Another member of the config differs.",
    "manifest-annotation": "An annotation of the manifest is not what recipe and base give.",
    "manifest-other": "Another member of the manifest, or of a descriptor in it, is not what recipe and base give.",
    "lock-base": "The lock given by `--lock` names another base, or another manifest, config or platform of it.",
    "lock-sources": "The lock has another patch, file, digest, owner or mode than applying the patches again gives.",
    "lock-image": "The lock lacks the image, or has another plan or overlay for it.",
    "lock-other": "The lock is of another recipe, version of m2build or time.",
    "signature-missing": "The image has no signature by the signer that `--key` or `--identity` names.",
    "attestation-other": "The signer has signed a statement that is not what recipe and base give.",
    "policy-patch": "The image lacks a patch that `--require` names.",
    "policy-base": "The base is none of those that `--require` allows.",
    "policy-env": "The image sets a variable that `--require` forbids.",
    "policy-attestation": "The signer has not signed a statement of a kind that `--require` names.",
}  # fmt: skip
"""Id -> what it means."""
SIGNATURES = ("signature-missing", "attestation-other")
"""The ids of findings that are about who has signed what."""
POLICY = "policy-"
"""How the ids begin of findings that are about a user's rules, and not about what the image is."""


@dataclass(frozen=True, order=True)
class Finding:
    """One difference between an image and what recipe and base give.

    Attributes:
        id: its kind, one of `KINDS`.
        path: what it is about: `/PATH` of a file, the name of a variable, a label or a patch; empty for the image.
        message: a sentence for people.
    """

    id: str
    path: str
    message: str


def without_repeats(findings: list[Finding]) -> tuple[Finding, ...]:
    """The findings in their order, each kind once a path: layers and the view of them can show the same."""
    return tuple({(finding.id, finding.path or finding.message): finding for finding in reversed(findings)}.values())[
        ::-1
    ]
