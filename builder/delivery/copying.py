"""How much of a base has to be copied into registries, and whether that is allowed: checked before a layer is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from m2build.delivery.publishing import Publishing
from m2build.errors import TransferBudgetError
from m2build.oci.descriptor import Descriptor
from m2build.oci.reference import parse_reference
from m2build.progress import WORTH_SAYING, Progress, amount


@dataclass(frozen=True)
class Copying:
    """What has to be copied into one registry.

    Attributes:
        registry: the registry.
        names: the repositories there, `REGISTRY/NAME`.
        blobs: what they lack; a blob that several of them lack is copied once, and mounted into the others.
        source: the base's repository, if the base is in this registry.
    """

    registry: str
    names: Sequence[str]
    blobs: Sequence[Descriptor]
    source: str | None = None

    @property
    def bytes(self) -> int:
        """The size of all blobs."""
        return sum(blob.size for blob in self.blobs)

    @property
    def sentence(self) -> str:
        """What would be copied, and why."""
        what = f"{amount(self.bytes)} in {len(self.blobs)} blobs"
        if self.source is None:
            return f"{what} would be copied to {self.registry}"
        return f"{what} would be copied within {self.registry}, which mounts none of them from {self.source}"


@dataclass
class Lacking:
    """Collects what repositories lack, registry by registry."""

    _found: dict[str, Copying] = field(default_factory=dict)

    def add(self, reference: str, blobs: Iterable[Descriptor], source: str | None) -> None:
        """Add the blobs that a repository lacks.

        Args:
            reference: a name in the repository.
            blobs: what it lacks.
            source: the base's repository, if the base is in the same registry.
        """
        name = parse_reference(reference)
        known = self._found.get(name.registry, Copying(name.registry, (), (), source))
        names = dict.fromkeys((*known.names, name.name))
        once: Mapping[object, Descriptor] = {blob.digest: blob for blob in (*known.blobs, *blobs)}
        self._found[name.registry] = Copying(name.registry, tuple(names), tuple(once.values()), source)

    def check(self, publishing: Publishing, progress: Progress) -> None:
        """Check that all of it may be copied, and say how much it is.

        Raises:
            TransferBudgetError: it is more than the user allows.
        """
        for copying in self._found.values():
            _check(copying, publishing)
            if copying.source is None and copying.bytes >= WORTH_SAYING:
                progress.step(copying.sentence.replace("would be", "will be"))


def _check(copying: Copying, publishing: Publishing) -> None:
    if copying.bytes <= publishing.limit:
        return
    said = f"{copying.sentence}; the limit is {amount(int(publishing.limit))}"
    allow = f"--max-transfer {-(-copying.bytes // 10**6)}MB, or unlimited"
    if copying.source is not None:
        raise TransferBudgetError(
            said,
            hint=f"push into the base's own repository, {copying.registry}/{copying.source}:TAG; or have mounts "
            f"between repositories enabled; or allow the copy: {allow}",
        )
    if publishing.max_transfer is None and publishing.confirm is not None and publishing.confirm(copying.sentence):
        return
    ways = "--yes, or " if publishing.max_transfer is None else ""
    raise TransferBudgetError(said, hint=f"derive in the base's own registry; or allow the copy: {ways}{allow}")
