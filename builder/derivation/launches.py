"""What is known of the launch configurations of selections, and how it is remembered with a derivation.

A derivation is remembered for a base and a series, and serves every selection; a proof is one selection's. So the
server's flags are kept as well, and another selection is checked by them without reading the base again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from m2build.launch.proof import LaunchProof
from m2build.local.cache import SealedFiles
from m2build.oci.digest import Digest

if TYPE_CHECKING:
    from m2build.launch.flags.server import ServerFlags
    from m2build.recipes.model import Selection


@dataclass(frozen=True)
class Launches:
    """The proofs of selections, by a server's flags.

    Attributes:
        server: the flags, or the reason why they cannot be read.
        proofs: one for each selection.
    """

    server: ServerFlags | str
    proofs: tuple[LaunchProof, ...]

    @classmethod
    def of(cls, selections: Sequence[Selection], server: ServerFlags | str, variables: Mapping[str, str]) -> Launches:
        """Check selections by a server's flags and its base's environment.

        Raises:
            LaunchError: the server does not accept the flags of one.
        """
        from m2build.launch.check import prove  # a remembered proof needs no argparse

        return cls(server, tuple(prove(selection, server, variables) for selection in selections))


class RememberedLaunches:
    """The proofs that a cache holds for one base and one series."""

    def __init__(self, files: SealedFiles, question: str) -> None:
        """Look in a cache.

        Args:
            files: the cache.
            question: the key of the derivation.
        """
        self._files = files
        self._question = question

    def put(self, selections: Sequence[Selection], launches: Launches) -> None:
        """Remember proofs, and the flags that they come from."""
        server = launches.server
        self._files.put(self._key("flags"), server.encode() if isinstance(server, str) else server.encoded())
        for selection, proof in zip(selections, launches.proofs, strict=True):
            self._files.put(self._key(_launched(selection)), proof.encoded())

    def get(self, selections: Sequence[Selection], variables: Mapping[str, str]) -> tuple[LaunchProof, ...] | None:
        """The proofs of selections on the base with these variables; None if there are neither proofs nor the flags.

        Raises:
            LaunchError: the server does not accept the flags of one.
        """
        found = [self._files.get(self._key(_launched(selection))) for selection in selections]
        if all(data is not None for data in found):
            return tuple(LaunchProof.decoded(data) for data in found if data is not None)
        data = self._files.get(self._key("flags"))
        if data is None:
            return None
        launches = Launches.of(selections, _server(data), variables)
        self.put(selections, launches)
        return launches.proofs

    def _key(self, what: str) -> str:
        return f"{self._question} launch {what}"


def _server(data: bytes) -> ServerFlags | str:
    from m2build.launch.flags.server import ServerFlags

    return ServerFlags.decoded(data) if data.startswith(b"{") else data.decode()


def _launched(selection: Selection) -> str:
    """What identifies all of a selection that its proof may depend on."""
    parts = (selection.model, selection.profile, selection.settings)
    document = [list(selection.command), *(part.model_dump(mode="json") for part in parts)]
    return str(Digest.of(json.dumps(document).encode()))
