"""cosign, which signs statements and checks signatures.

m2build reads no private key: it passes on the key's name, and cosign finds the password in its own environment. With
your own key neither the registry nor the network is asked: no transparency log, no time stamps, no TUF.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from m2build.errors import EngineError, UsageError
from m2build.local.temporary import temporary_folder
from m2build.oci.digest import Digest
from m2build.programs.program import Program
from m2build.programs.versions import Need, member, on_path

_NEED = Need(
    "cosign",
    (3, 0),
    "signing statements that others have made (`attest-blob --statement`)",
    "install cosign 3: https://docs.sigstore.dev/cosign/system_config/installation/",
)
_NO_SERVICES = (
    '{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}'
)
"""What `cosign signing-config create` writes: no log, no authority for time stamps."""
_NO_ROOT = '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}'
"""A trusted root without authorities, which your own key does not need; without it cosign asks TUF's servers."""
_SECONDS = 240
"""cosign's own limit is three minutes."""
_PREFIX = "error during command execution: "


@dataclass(frozen=True)
class Identity:
    """A signer who is known by an identity, as `cosign:keyless` signs.

    Attributes:
        subject: who it is, such as the URL of a workflow, or a mail address.
        issuer: the URL of the service that vouches for that.
        trusted_root: a file that names the certificate authority and the logs to trust, as `cosign trusted-root create`
            writes it; None for sigstore's public ones, which cosign then asks for.
    """

    subject: str
    issuer: str
    trusted_root: str | None = None

    def __post_init__(self) -> None:
        """Check that the issuer is a URL: certificates hold one, so a policy with anything else accepts no image.

        Raises:
            UsageError: it is none.
        """
        if not self.issuer.startswith(("https://", "http://")):
            raise UsageError(
                f"the issuer {self.issuer!r} is not a URL", hint="as in https://token.actions.githubusercontent.com"
            )

    def __str__(self) -> str:
        return f"{self.subject}, by {self.issuer},"


@dataclass(frozen=True)
class Cosign:
    """The command `cosign`.

    Attributes:
        environment: its environment variables, `COSIGN_PASSWORD` among them.
    """

    environment: Mapping[str, str]

    @property
    def _program(self) -> Program:
        return Program("cosign", self.environment)

    def check(self) -> None:
        """Check that it is installed, and new enough.

        Raises:
            EngineError: it is not.
        """
        on_path("cosign", _NEED, self.environment.get("PATH"))
        if "--statement" not in self._program.ask("attest-blob", "--help"):
            # Distributions build it without a version, so only what it can do counts.
            version = member(self._program.ask("version", "--json"), "gitVersion")
            raise _NEED.too_old(version)

    def bundle(self, statement: bytes, key: str | None) -> bytes:
        """Sign a statement; the result is a sigstore bundle, version 0.3.

        Args:
            statement: an in-toto statement.
            key: a private key, as cosign names it: a file, `env://NAME`, or a URI of a key service. None signs with an
                identity, by Fulcio and with an entry in Rekor.

        Raises:
            EngineError: cosign fails.
        """
        with temporary_folder() as folder:
            made = folder / "bundle.json"
            words = ["attest-blob", "--yes", "--statement", _written(folder / "statement.json", statement)]
            words += ["--bundle", str(made)]
            if key is not None:
                words += ["--key", key, "--signing-config", _written(folder / "config.json", _NO_SERVICES.encode())]
                words += ["--trusted-root", _written(folder / "root.json", _NO_ROOT.encode())]
            self._asked(words, key)
            return made.read_bytes()

    def public_key(self, key: str) -> str:
        """The public key that belongs to a private one, in PEM.

        Raises:
            EngineError: cosign fails.
        """
        return self._asked(["public-key", "--key", key], key)

    def _asked(self, words: list[str], key: str | None) -> str:
        try:
            return self._program.ask(*words, seconds=_SECONDS)
        except EngineError as error:
            raise EngineError(error.message.replace(_PREFIX, ""), hint=_hint(key)) from error

    def refusal(self, bundle: bytes, predicate_type: str, digest: Digest, signer: str | Identity) -> str | None:
        """Why a bundle is not a statement on an image by a signer; None if it is one.

        An identity's certificate holds for minutes: Rekor's log has to say that it signed in time.

        Args:
            bundle: a sigstore bundle.
            predicate_type: the kind of statement that it has to be.
            digest: the digest of the image's manifest.
            signer: a public key, as cosign names it; or an identity.
        """
        with temporary_folder() as folder:
            words = ["verify-blob-attestation", "--bundle", _written(folder / "bundle.json", bundle)]
            if isinstance(signer, Identity):
                words += ["--certificate-identity", signer.subject, "--certificate-oidc-issuer", signer.issuer]
                root = signer.trusted_root
            else:
                words += ["--key", signer, "--insecure-ignore-tlog=true"]
                root = _written(folder / "root.json", _NO_ROOT.encode())
            words += ["--trusted-root", root] if root else []
            words += ["--type", predicate_type, "--digest", digest.hex, "--digestAlg", digest.algorithm]
            try:
                self._program.ask(*words, seconds=_SECONDS)
            except EngineError as error:
                return error.message.rpartition(_PREFIX)[2]
        return None


def _written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def _hint(key: str | None) -> str:
    if key is None:
        return "signing without a key needs an identity, as CI systems give to their jobs; or name a key: cosign:FILE"
    return "check the key and COSIGN_PASSWORD"
