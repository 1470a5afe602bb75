"""What a fleet pulls: the model behind the figures of docs/rollout.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from m2build.oci.manifest import Manifest


@dataclass(frozen=True)
class Sizes:
    """Bytes of a derived image.

    Attributes:
        base: the base's layers, as they are stored.
        overlay: the layer that m2build adds.
        account: the manifest and the config.
    """

    base: int
    overlay: int
    account: int

    @classmethod
    def of(cls, manifest: Manifest) -> Sizes:
        *base, overlay = manifest.layers
        return cls(sum(layer.size for layer in base), overlay.size, len(manifest.raw) + manifest.config.size)

    def node(self, *, holds_base: bool) -> int:
        """What one node pulls."""
        return self.account + self.overlay + (0 if holds_base else self.base)

    def fleet(self, nodes: int, *, holding_base: int) -> int:
        """What nodes pull of a registry, of which so many hold the base."""
        return holding_base * self.node(holds_base=True) + (nodes - holding_base) * self.node(holds_base=False)

    def shared(self, *, holds_base: bool) -> int:
        """What leaves the registry if nodes pass blobs on to each other, or a mirror keeps them: each blob once."""
        return self.node(holds_base=holds_base)


PAGE = (Path(__file__).parents[2] / "docs" / "rollout.md").read_text(encoding="utf-8")
REAL = Sizes(base=20_000_000_000, overlay=154_657, account=60_000)
"""The sizes that the page computes with: the overlay is that of the shipped series on SGLang 0.5.7."""
