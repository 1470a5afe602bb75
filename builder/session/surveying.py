"""What a session finds out of bases before it reads them: which tags there are, and how much is to be fetched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.session.connections import Connections

if TYPE_CHECKING:
    from m2build.base.model import Base
    from m2build.recipes.model import Recipe


class Surveying(Connections):
    """Bases, seen from afar."""

    @typed_arguments
    def tags(self, repository: str) -> tuple[str, ...]:
        """All tags of images in a repository, each once, in the registry's order; none of what is attached to images.

        Args:
            repository: `[REGISTRY/]NAME`, without a tag.

        Raises:
            UsageError: it is not the name of a repository.
            TransportError: there is no such repository, or the registry does not deliver.
            ContentError: the registry's answer is not a list of tags.
        """
        from m2build.oci.reference import parse_reference
        from m2build.registry.listing import list_tags

        reference = parse_reference(repository)
        if reference.tag or reference.digest:
            raise UsageError(f"{repository} is an image, not a repository", hint=f"write {reference.name}")
        return list_tags(self._access.pull(reference))

    @typed_arguments
    def unread_bytes(self, recipe: Recipe, bases: Iterable[Base]) -> int:
        """The most bytes of layers that are fetched from registries if the sources of bases are read.

        Layers that several bases have count once, and those that were read before not at all.

        Args:
            recipe: says which folders are read.
            bases: what `base` returned.
        """
        from m2build.derivation.unread import unread_bytes

        with self._caching():
            return unread_bytes(bases, recipe.roots)
