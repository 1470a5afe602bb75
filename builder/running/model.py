"""What a container of an image is run with, whatever runs it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from m2build.delivery.destination import default_reference
from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError
from m2build.oci.reference import parse_reference
from m2build.recipes.model import Selection
from m2build.running.security import RULES, Rules, Security

SHARED_MEMORY = 32
"""GiB of /dev/shm. Docker's 64 MiB are too few for RCCL, which shares some 10 MiB for each pair of ranks; AMD's own job
for eight GPUs has 16 (ROCm/gpu-operator, cluster-validation-job.yaml), other fleets 32 (InferenceX, mi325x)."""
GRACE = 120
"""Seconds between SIGTERM and SIGKILL: the server first completes the requests that it has."""
TOKEN = "HF_TOKEN"  # noqa: S105 - the variable's name
"""The variable with the token for Hugging Face. It is passed on by its name when a container starts, never written."""
_LONGEST_NAME = 50
"""Characters of a container's name; those of a pod are longer by 17 than its Deployment's, and have at most 63 to be
host names."""
_HOME = "/root/.cache/huggingface"
_SHARED_HOME = "/huggingface"
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - read, not bound


class Devices(StrEnum):
    """How a container gets the GPUs."""

    CDI = "cdi"
    """By AMD's container toolkit: `amd.com/gpu=all` (Container Device Interface)."""
    KFD = "kfd"
    """As /dev/kfd and /dev/dri. Numbers of render nodes have gaps on MI300X, so the folder goes in as a whole."""
    NONE = "none"
    """Not at all, for machines without GPUs."""


@dataclass(frozen=True)
class Container:
    """A container of an image, and what it may use.

    Attributes:
        selection: the recipe, with the profile and the model of the image.
        image: the image's name; None for the one that `m2build image` gives.
        security: what it may use of the machine: `strict`, `amd-docs` or `as-documented` (`running.security`).
        devices: how it gets the GPUs: `cdi`, `kfd` or `none` (`Devices`).
        cache: the machine's folder for models; None for `$HF_HOME`, or ~/.cache/huggingface without it.
        address: the machine's address at which the server can be reached, where the network is not the machine's own.
        arguments: more arguments for the server.

    Raises:
        UsageError: the image's name is not one, or there is no such security profile or way to the GPUs.
    """

    selection: Selection
    image: str | None = None
    security: str = Security.STRICT
    devices: str = Devices.KFD
    cache: str | None = None
    address: str = "127.0.0.1"
    arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        parse_reference(self.reference)
        for kind, values in ((self.security, Security), (self.devices, Devices)):
            known = [str(value) for value in values]
            if kind not in known:
                raise UsageError(f"there is no {did_you_mean(kind, known)}", hint=f"choose one of {', '.join(known)}")

    @property
    def rules(self) -> Rules:
        """What its security profile sets, and what that opens of the machine."""
        return RULES[Security(self.security)]

    @property
    def reference(self) -> str:
        """The image's name."""
        return self.image or default_reference(self.selection)

    @property
    def name(self) -> str:
        """What the container is called, as in `minimax-m2-1-tp8`: a label that a Service can have (RFC 1035).

        A long one ends in the digest of the whole, so that profiles of one model do not take each other's place.
        """
        given = f"{self.selection.model_id}-{self.selection.profile_id}"
        name = "".join(mark if mark.isalnum() else "-" for mark in given)
        if name[0].isdigit():
            name = f"model-{name}"
        if len(name) <= _LONGEST_NAME:
            return name
        digest = hashlib.sha256(given.encode()).hexdigest()[:8]
        return f"{name[: _LONGEST_NAME - 9].rstrip('-')}-{digest}"

    @property
    def models(self) -> str:
        """Where the container has the models: `HF_HOME` of the recipe; root's own cache; another folder for others.

        Raises:
            UsageError: nothing can be mounted at `HF_HOME`.
        """
        settings = self.selection.settings
        is_root = (settings.user or "0").partition(":")[0] in ("0", "root")
        given = settings.env.get("HF_HOME")
        if given and (not given.startswith("/") or ":" in given):
            raise UsageError(
                f"models cannot be mounted at HF_HOME={given}: expected an absolute path without ':'",
                hint="set another HF_HOME in the recipe, and derive the image again",
            )
        return given or (_HOME if is_root else _SHARED_HOME)

    @property
    def variables(self) -> dict[str, str]:
        """Variables that are set when it starts, beside the image's."""
        home = {"HF_HOME": self.models} if self.models == _SHARED_HOME else {}
        return {**home, **dict(self.rules.variables)}

    def check_reachable(self) -> None:
        """Check that the server listens at all of the container's addresses.

        Raises:
            UsageError: its profile has it listen at one alone, by default at 127.0.0.1.
        """
        host = self.selection.profile.flags.get("host")
        if host not in _EVERYWHERE:
            raise UsageError(
                f"the profile {self.selection.profile_id} has the server listen at {host or '127.0.0.1'}, where only "
                "its own container reaches it",
                hint=f"set profiles.{self.selection.profile_id}.flags.host=0.0.0.0 and derive the image again",
            )
