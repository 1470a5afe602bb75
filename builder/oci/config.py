"""Image configs (OCI image specification, config.md): the raw bytes, and the members that m2build uses."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

from m2build.errors import ContentError
from m2build.oci.descriptor import JsonObject, object_in
from m2build.oci.digest import Digest
from m2build.oci.paths import LIMITS, cleaned, is_possible
from m2build.oci.platforms import platform_text
from m2build.oci.shapes import CONFIG
from m2build.oci.strict_json import parse_object

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH that every engine's build sets where the base has none (moby, oci/defaults.go)."""


@dataclass(frozen=True)
class ImageConfig:
    """A config.

    Attributes:
        raw: its bytes as received, with members that m2build does not know.
    """

    raw: bytes

    @cached_property
    def _document(self) -> JsonObject:
        return parse_object(self.raw, "config", CONFIG)

    def document(self) -> JsonObject:
        """A copy of the whole document, which the caller may change."""
        return deepcopy(self._document)

    @cached_property
    def diff_ids(self) -> tuple[Digest, ...]:
        """The digests of the uncompressed layers, lowest first.

        Raises:
            ContentError: the config has no list of them.
        """
        rootfs = object_in(self._document, "rootfs")
        if "diff_ids" not in rootfs:
            raise ContentError(f"the config {Digest.of(self.raw)} has no rootfs.diff_ids")
        found = rootfs["diff_ids"]
        return tuple(map(Digest.parse, found)) if isinstance(found, list) else ()

    @cached_property
    def chain_ids(self) -> tuple[Digest, ...]:
        """The identifier of each layer together with all below it (config.md, Layer ChainID), lowest first.

        Two images with the same chain id at some height have the same layers up to it.
        """
        chain = list(self.diff_ids[:1])
        for diff_id in self.diff_ids[1:]:
            chain.append(Digest.of(f"{chain[-1]} {diff_id}".encode()))
        return tuple(chain)

    def check(self, *, layers: int) -> None:
        """Check that the config has as many layers as its manifest; its history is not checked.

        Raises:
            ContentError: it has more, or fewer.
        """
        if len(self.diff_ids) != layers:
            raise ContentError(f"the config names {len(self.diff_ids)} layers, the manifest {layers}")

    @property
    def platform(self) -> str:
        """`os/architecture[/variant]`."""
        return platform_text(self._document)

    def platform_for(self, machine: str) -> str:
        """The platform; what the config does not name is that of a machine, as for Docker and podman."""
        system, _, rest = machine.partition("/")
        architecture = rest.partition("/")[0]
        said = {key: self._document[key] for key in ("os", "architecture", "variant") if self._document.get(key)}
        return platform_text({"os": system, "architecture": architecture, **said})

    @property
    def created(self) -> str | None:
        """When the image was built, as RFC 3339; None if the config does not say."""
        found = self._document.get("created")
        return found if isinstance(found, str) else None

    @property
    def history(self) -> list[JsonObject]:
        """The history; an entry that is null is read as an empty one, as in Go."""
        found = self._document.get("history")
        return [deepcopy(entry) or {} for entry in found] if isinstance(found, list) else []

    @property
    def runtime(self) -> JsonObject:
        """A copy of the section `config`: how containers of the image start. Empty where there is none."""
        return deepcopy(object_in(self._document, "config"))

    @property
    def working_dir(self) -> str:
        """Where containers start, relative to the root; the root is `""`.

        Raises:
            ContentError: Linux has no such path; no engine starts a container there.
        """
        found = object_in(self._document, "config").get("WorkingDir")
        path = cleaned(found) or "" if isinstance(found, str) else ""
        if not is_possible(path):
            raise ContentError(f"the config's WorkingDir {path[:100]!r}… has {LIMITS}")
        return path

    @property
    def user(self) -> str | None:
        """Whom containers run as, where that is given."""
        found = object_in(self._document, "config").get("User")
        return found if isinstance(found, str) and found else None

    @property
    def variables(self) -> list[str]:
        """The environment of containers, `NAME=VALUE` each."""
        found = object_in(self._document, "config").get("Env")
        return [str(variable) for variable in found] if isinstance(found, list) else []

    @property
    def environment(self) -> dict[str, str]:
        """The environment of containers, by name; of one name the last counts, as runc sets them in order."""
        split = (variable.partition("=") for variable in self.variables)
        return {name: value for name, _, value in split}

    @property
    def labels(self) -> dict[str, str]:
        """The labels."""
        found = object_in(object_in(self._document, "config"), "Labels")
        return {key: str(value) for key, value in found.items()}
