"""The plan: everything that decides the image, as one frozen value with a digest of its own.

Left of it nothing is written; right of it nothing is decided.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, cast

from m2build import __version__
from m2build.errors import UsageError
from m2build.labels import BASE_CHAIN_ID, BASE_CONFIG, NO_INIT, OCI, OWN, PREIMAGE, PROFILE, SOURCE_ROOT, STAND_IN
from m2build.layers.members import AUDIT_FOLDER
from m2build.oci.digest import Digest
from m2build.oci.tar import Member
from m2build.oci.times import rfc3339
from m2build.patches.audit import account

if TYPE_CHECKING:
    from m2build import printed
    from m2build.base.model import Base
    from m2build.patches.change import FileChange
    from m2build.patches.changeset import Changeset
    from m2build.recipes.model import Selection
    from m2build.recipes.settings import Settings


class Preimage(StrEnum):
    """How it is known what the base has where files change.

    Example:
        >>> [str(preimage) for preimage in Preimage]
        ['verified-in-layers', 'by-table', 'locked', 'release']
    """

    LAYERS = "verified-in-layers"
    """The files were read in the base's own layers, or in an engine's store of it."""
    TABLE = "by-table"
    """Some were read by the tables of contents of the base's layers: each chunk has the digest that the table says."""
    LOCKED = "locked"
    """A lock says it, from an earlier reading."""
    RELEASE = "release"
    """They were taken from a release, a wheel or a folder that the user named; the build compares each with the base's
    own file before it changes it."""


@dataclass(frozen=True)
class Sourced:
    """A folder of sources in the base, and what its series does to it.

    Attributes:
        name: what the recipe calls it; empty for the only one, which needs no name in labels and in the account.
        root: its real path, relative to the image's root; the recipe may name a link to it, or a marker.
        changeset: what happens to it; its paths are relative to `root`.
    """

    name: str
    root: str
    changeset: Changeset

    @property
    def account(self) -> str:
        """Where the account of its changeset is, relative to the image's root."""
        return f"{AUDIT_FOLDER}/{self.name}".rstrip("/")

    @property
    def changes(self) -> tuple[FileChange, ...]:
        """Its changes, with paths that are relative to the image's root."""
        return tuple(
            replace(change, old_path=f"{self.root}/{change.old_path}", path=f"{self.root}/{change.path}")
            for change in self.changeset.changes
        )

    def named(self, key: str) -> str:
        """A label's key for what is this one's alone."""
        return f"{key}.{self.name}" if self.name else key


@dataclass(frozen=True)
class Plan:
    """Everything that decides the image.

    Attributes:
        selection: the recipe, its profile and its model.
        base: the image to derive from, by digest.
        sources: what happens to its sources: for each folder of them, in the recipe's order; none is in another.
        footing: the base's own entries that the overlay builds on, by path: the folders above what it adds, and the
            files that it replaces.
        hidden: the base's paths that the overlay removes: old names, folders that they leave empty, and bytecode that
            was compiled from sources which change.
        created: seconds since the epoch; the only time in the image.
        unmade: the folders of the base's `WorkingDir`, and of the recipe's, that the base lacks. Engines make them, so
            all images have them. They follow from what is above, so the digest leaves them out.
        origins: the layer of the base that each file is from which changes, by the file's path; empty if layers were
            not read. It decides nothing, so the digest leaves it out.
        preimage: how it is known what is above of the base; only a label says it, so the digest leaves it out.
    """

    selection: Selection
    base: Base
    sources: tuple[Sourced, ...]
    footing: Mapping[str, Member] = field(repr=False)
    hidden: tuple[str, ...]
    created: int
    unmade: tuple[str, ...] = ()
    origins: Mapping[str, Digest] = field(default_factory=dict)
    preimage: Preimage = Preimage.LAYERS

    @property
    def changeset(self) -> Changeset:
        """What happens to the sources, if they are in one folder; `sources` has the changesets of several.

        Raises:
            UsageError: they are in several.
        """
        if len(self.sources) > 1:
            names = ", ".join(source.name for source in self.sources)
            raise UsageError(f"the plan has a changeset for each of {names}", hint="as in plan.sources[0].changeset")
        return self.sources[0].changeset

    @cached_property
    def changes(self) -> tuple[FileChange, ...]:
        """The net change of each file in all folders of sources, with paths that are relative to the image's root."""
        return tuple(change for source in self.sources for change in source.changes)

    @cached_property
    def digest(self) -> Digest:
        """The digest of everything above, as canonical JSON."""
        return Digest.of(json.dumps(self.document(), sort_keys=True, separators=(",", ":")).encode())

    def document(self) -> printed.Plan:
        """The plan as JSON."""
        selection = self.selection
        footing: dict[str, list[str | int]] = {
            path: [str(entry.kind), f"{entry.mode:04o}", entry.uid, entry.gid] for path, entry in self.footing.items()
        }
        return {
            "m2build": __version__,
            "recipe": selection.recipe.name,
            "profile": selection.profile_id,
            "model": selection.model_id,
            "base": {
                "name": self.base.name,
                "digest": _text(self.base.digest),
                "manifest": _text(self.base.manifest_digest),
                "chainId": _text(self.base.chain_id),
                "platform": self.base.config.platform,
                "standIn": self.base.stand_in,
            },
            **_sources_document(self.sources),
            "footing": footing,
            "hidden": list(self.hidden),
            "entrypoint": list(selection.entrypoint),
            "port": selection.port,
            "health": selection.recipe.health.model_dump(mode="json"),
            "created": self.created_text,
            **_settings_document(selection.settings),
        }

    @property
    def created_text(self) -> str:
        """The creation time after RFC 3339."""
        return rfc3339(self.created)

    @property
    def annotations(self) -> dict[str, str]:
        """The manifest's annotations, if its format has any: m2build's own, and the recipe's."""
        return self._own_annotations | self.selection.settings.annotations

    @property
    def _own_annotations(self) -> dict[str, str]:
        values = {
            f"{OCI}created": self.created_text,
            f"{OCI}title": self.selection.title,
            f"{OCI}description": self.selection.recipe.summary,
            f"{OCI}version": self.sources[0].changeset.release,
            f"{OCI}base.name": self.base.name,
            f"{OCI}base.digest": _text(self.base.digest),
            f"{OWN}plan.digest": str(self.digest),
        }
        return {key: value for key, value in values.items() if value is not None}

    @property
    def labels(self) -> dict[str, str]:
        """The config's labels: m2build's annotations, as many tools show labels only, what it derived, the recipe's."""
        values = {
            f"{OWN}version": __version__,
            f"{OWN}recipe": self.selection.recipe.name,
            PROFILE: self.selection.profile_id,
            f"{OWN}model": self.selection.model.repo,
            **{source.named(f"{OWN}series"): source.changeset.series.id for source in self.sources},
            **{source.named(SOURCE_ROOT): f"/{source.root}" for source in self.sources},
            f"{OWN}base.manifest": _text(self.base.manifest_digest),
            BASE_CONFIG: _text(self.base.config_digest),
            BASE_CHAIN_ID: _text(self.base.chain_id),
            STAND_IN: self.base.stand_in,
            f"{OWN}base.unpinned": None if self.base.digest else "true",
            f"{OWN}init": next(reversed(self.selection.recipe.launch.init_words), NO_INIT),
            PREIMAGE: str(self.preimage),
        }
        own = self._own_annotations | {key: value for key, value in values.items() if value is not None}
        return own | self.selection.settings.labels


def _sources_document(sources: tuple[Sourced, ...]) -> printed.PlanSources:
    documents: dict[str, printed.Source] = {
        source.name: {"sourceRoot": f"/{source.root}", "changeset": account(source.changeset)} for source in sources
    }
    alone = documents.get("")
    return {"sourceRoot": alone["sourceRoot"], "changeset": alone["changeset"]} if alone else {"sources": documents}


def _settings_document(settings: Settings) -> printed.PlanSettings:
    """The settings that are given. The order of variables counts: it is that of the image's."""
    document = settings.model_dump(mode="json")
    if settings.env:
        document["env"] = [f"{name}={value}" for name, value in settings.env.items()]
    return cast("printed.PlanSettings", document)


def _text(digest: Digest | None) -> str | None:
    return str(digest) if digest else None
