"""What a workflow is to build, and where: values that are safe in YAML, in a shell and in a platform's expressions."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from m2build import __version__
from m2build.delivery.naming import check_name
from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.evidence.signers import parse_signer
from m2build.local.sizes import parse_size
from m2build.locking.model import Lock
from m2build.oci.reference import parse_reference
from m2build.patches.published import parse_requirement
from m2build.places.place import Place, PlaceKind
from m2build.registry.tags import TagPolicy

IMAGE = "docker.io/library/python:3.12"
"""Where jobs run whose platform has no machine with Python: bash, curl and git are in it, cosign is not."""
KEYLESS = "cosign:keyless"
"""Signing with the identity of the job, which GitHub and GitLab vouch for."""
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?")
_EXPRESSIONS = ("${{", "$(", "$[[")
"""How values are put into the workflow by GitHub, Tekton and GitLab."""


@dataclass(frozen=True)
class Pipeline:
    """What a workflow builds.

    Attributes:
        names: what the images are called, `REGISTRY/NAME[:TAG]`, with fields as `m2build image -t` takes them.
        profiles: the profiles to build; none for those of the lock, see `pipeline_of`.
        models: the models to build each profile of; the same.
        releases: the releases that are watched for drift, as in `sglang>0.5.7`; the same.
        recipe: a shipped recipe's name, or the path of a file in the repository.
        overrides: values of the recipe to override, `KEY=VALUE`.
        lock: the path of the lock in the repository.
        base: where the base is, if not where the recipe says.
        signer: who signs, as for `m2build image --sign`; None if nothing is signed.
        key: the public key for `m2build verify --key`, as a path in the repository; None for none.
        max_transfer: the most to copy of a base into another registry, as in `20GB`; None for m2build's own bound.
        tag_policy: `move`, `refuse` or `same`.
        requirement: what pip installs to have m2build.
        image: the container image for jobs, on GitLab and Tekton.
    """

    names: tuple[str, ...]
    profiles: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    recipe: str = "minimax-m2"
    overrides: tuple[str, ...] = ()
    lock: str = "m2build.lock"
    base: str | None = None
    signer: str | None = None
    key: str | None = None
    max_transfer: str | None = None
    tag_policy: str = "move"
    requirement: str = f"m2build=={__version__}"
    image: str = IMAGE

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            UsageError: a value is not a name in a registry, a signer or a size, a path leaves the repository, or a
                platform would evaluate a part of a value.
        """
        for value in self._texts():
            _check(value)
        for name in self.names:
            check_name(name)
        if not self.names:
            raise UsageError("a workflow publishes images under a name", hint="give -t REGISTRY/NAME")
        if self.signer is not None:
            parse_signer(self.signer, {})
        if self.max_transfer not in (None, "unlimited") and parse_size(self.max_transfer) is None:
            raise UsageError(f"{self.max_transfer!r} is not a size", hint="write 256MiB, 20GB or unlimited")
        if self.tag_policy not in list(TagPolicy):
            raise UsageError(f"there is no tag policy {self.tag_policy!r}", hint=f"one of {', '.join(TagPolicy)}")
        parse_reference(self.image)
        for release in self.releases:
            parse_requirement(release)
        for path in (self.lock, self.key or ""):
            if posixpath.normpath(path).startswith(("/", "../")):
                raise UsageError(f"{path} is not in the repository", hint="write its path from the repository's root")
        self._check_secrets()

    def _check_secrets(self) -> None:
        """Check that no registry would get another one's credentials."""
        known: dict[str, str] = {}
        for host in self.hosts:
            other = known.setdefault(secret_of(host), host)
            if other != host:
                raise UsageError(
                    f"{other} and {host} would both have the secrets {secret_of(host)}_USERNAME and _PASSWORD",
                    hint="publish to one of them in a workflow of its own",
                )

    def _texts(self) -> Iterator[str]:
        for field in fields(self):
            value = getattr(self, field.name)
            yield from [value] if isinstance(value, str) else value or ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The registries to log in to: those of the names, and that of the base if it is named."""
        found = [host_of(name) for name in self.names]
        if self.base is not None and (place := Place.parse(self.base)).kind is PlaceKind.REGISTRY:
            found.append(host_of(place.location))
        return tuple(dict.fromkeys(found))


def host_of(name: str) -> str:
    """The registry of a name; Docker Hub's has a name of its own.

    >>> host_of("localhost:5000/m2:{profile}"), host_of("team/m2")
    ('localhost:5000', 'docker.io')

    Raises:
        UsageError: it is not a host.
    """
    first, slash, _ = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        return "docker.io"
    if not _HOST.fullmatch(first):
        raise UsageError(f"{first!r} is not one registry", hint="write its host, with a port if it has one")
    return first


def secret_of(host: str) -> str:
    """What a platform's secrets of a registry begin with.

    GitHub takes neither names that begin with a digit nor its own prefix, and shells take no digit.

    >>> secret_of("registry.example:5000"), secret_of("10.0.0.1"), secret_of("github.example")
    ('REGISTRY_EXAMPLE_5000', 'HOST_10_0_0_1', 'HOST_GITHUB_EXAMPLE')
    """
    name = re.sub(r"[^A-Z0-9]+", "_", host.upper())
    return f"HOST_{name}" if name[0].isdecimal() or name.startswith("GITHUB_") else name


@typed_arguments
def pipeline_of(lock: Lock, pipeline: Pipeline) -> Pipeline:
    """A pipeline with what a lock knows in the place of what is left empty: profiles, models and releases to watch.

    Args:
        lock: the lock that the pipeline's builds are held to.
        pipeline: what to build; its profiles, models and releases may be empty.

    Raises:
        UsageError: an image that is asked for is not in the lock, or the lock has no release to watch from.
    """
    known = [tuple(name.split(":", 1)) for name in lock.images]
    models = pipeline.models or tuple(dict.fromkeys(model for model, _ in known))
    profiles = pipeline.profiles or tuple(dict.fromkeys(profile for _, profile in known))
    for image in ((model, profile) for model in models for profile in profiles):
        if image not in known:
            raise UsageError(
                f"the lock has no image of {image[0]} with profile {image[1]}",
                hint="`m2build lock --update` with these profiles and models writes it",
            )
    releases = pipeline.releases or tuple(_newer(lock))
    return replace(pipeline, models=models, profiles=profiles, releases=releases)


def _newer(lock: Lock) -> Iterator[str]:
    """The releases after those in the lock, for each distribution that is patched."""
    for name, source in lock.sources.items():
        if source.patches and source.release is None:
            raise UsageError(f"the lock has no release of {name}", hint="say which releases to watch, with --release")
        if source.patches:
            yield f"{source.distribution}>{source.release}"


def _check(value: str) -> None:
    if not value.isprintable():
        raise UsageError(f"{value!r} is not on one line of printable characters", hint="write it without them")
    for start in _EXPRESSIONS:
        if start in value:
            raise UsageError(f"{value!r} has {start!r}, which the platform would evaluate", hint="write plain text")
