"""Who signs images and the statements on them: `--sign`, read and checked before anything is made."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from m2build.errors import ContentError, UsageError
from m2build.evidence.bundle import SIGNATURE, Bundle, bundles_in
from m2build.evidence.foreign_signer import signed_by
from m2build.evidence.statement import Statement
from m2build.local.temporary import temporary_folder
from m2build.oci.artifact import Artifact
from m2build.oci.descriptor import Descriptor
from m2build.programs.cosign import Cosign
from m2build.programs.program import Program
from m2build.programs.versions import Need, on_path
from m2build.registry.parallel import PARALLEL, in_parallel

_KEYLESS = "keyless"
_HINT = "write cosign:KEY, cosign:keyless or command:PROGRAM"


class Signer(Protocol):
    """Signs an image, and statements on it."""

    def check(self) -> None:
        """Check, before anything is made, that it can sign, as far as that can be known.

        Raises:
            EngineError: its program is missing or too old, or cannot use the key.
            UsageError: there is no such key.
        """

    def sign(
        self, name: str, image: Descriptor, statements: Sequence[Statement], there: Iterable[Artifact] = ()
    ) -> tuple[Artifact, ...]:
        """What has to be beside the image: its signature, and each statement, signed.

        Args:
            name: what the image is called where it is.
            image: its manifest's descriptor.
            statements: what is said of it.
            there: what is beside it already; what this signer has made of it may be given back.

        Raises:
            EngineError: its program fails.
            ContentError: its program gives something else.
        """


@dataclass(frozen=True)
class CosignSigner:
    """Signs through cosign.

    Attributes:
        cosign: the program.
        key: the private key as cosign names it; None to sign with an identity.
    """

    cosign: Cosign
    key: str | None

    def check(self) -> None:
        """Check that cosign is there, and can use the key: a wrong password shows before an image is published."""
        self.cosign.check()
        if self.key is None:
            return
        if "://" not in self.key and not Path(self.key).is_file():
            raise UsageError(f"there is no key {self.key}", hint="`cosign generate-key-pair` makes one: cosign.key")
        self.cosign.public_key(self.key)

    def sign(
        self, name: str, image: Descriptor, statements: Sequence[Statement], there: Iterable[Artifact] = ()
    ) -> tuple[Artifact, ...]:
        """Bundles with the signature and the statements; what the key has signed already is not signed again.

        cosign's signature of an image is a statement that says nothing else.
        """
        wanted = [Statement.of(SIGNATURE, {}, {name: image.digest}), *statements]
        held = self._held(wanted, image, there)
        missing = [statement for statement in wanted if statement.content not in held]

        def signed(statement: Statement) -> Artifact:
            bundle = Bundle.parse(self.cosign.bundle(statement.content, self.key))
            if bundle.payload != statement.content:
                raise ContentError(f"cosign signed something else than the statement {statement.predicate_type}")
            return bundle.beside(image)

        return (*held.values(), *in_parallel(signed, missing, threads=PARALLEL, stop=threading.Event()))

    def _held(self, wanted: Sequence[Statement], image: Descriptor, there: Iterable[Artifact]) -> dict[bytes, Artifact]:
        """The artifacts with what is wanted, signed by this very key; an identity signs anew each time."""
        contents = {statement.content for statement in wanted}
        alike = [(bundle, artifact) for bundle, artifact in bundles_in(there) if bundle.payload in contents]
        if self.key is None or not alike:
            return {}
        with temporary_folder() as folder:
            public = folder / "cosign.pub"
            public.write_text(self.cosign.public_key(self.key))
            return {
                bundle.payload: artifact
                for bundle, artifact in alike
                if self.cosign.refusal(bundle.raw, bundle.kind, image.digest, str(public)) is None
            }


@dataclass(frozen=True)
class CommandSigner:
    """Signs through any program, by the protocol that docs/signing.md describes.

    Attributes:
        words: the program and its arguments.
        environment: its environment variables.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]

    def check(self) -> None:
        """Check that the program is there."""
        need = Need(self.words[0], (0, 0), "signing", "name a program on PATH, or the path of one")
        on_path(self.words[0], need, self.environment.get("PATH"))

    def sign(
        self,
        name: str,
        image: Descriptor,
        statements: Sequence[Statement],
        there: Iterable[Artifact] = (),  # noqa: ARG002 - what it has made, only the program knows
    ) -> tuple[Artifact, ...]:
        """What the program gives, checked."""
        return signed_by(Program(self.words[0], self.environment), self.words[1:], name, image, statements)


def parse_signer(text: str, environment: Mapping[str, str]) -> Signer:
    """Read `cosign:KEY`, `cosign:keyless` or `command:PROGRAM [ARGUMENT...]`.

    Args:
        text: what `--sign` was given.
        environment: the environment variables of the program, with the key's password among them.

    Raises:
        UsageError: it is none of these.
    """
    kind, _, rest = text.partition(":")
    if kind == "cosign" and rest:
        return CosignSigner(Cosign(environment), None if rest == _KEYLESS else rest)
    if kind == "command":
        try:
            words = tuple(shlex.split(rest))
        except ValueError as error:
            raise UsageError(f"the signer {text!r} cannot be read: {error}", hint=_HINT) from error
        if words:
            return CommandSigner(words, environment)
    raise UsageError(f"{text!r} is not a signer", hint=_HINT)
