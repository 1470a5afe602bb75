"""`m2build policy`: rules for clusters and for `m2build verify`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import click

from m2build import evidence
from m2build.cli.groups import Command, Group
from m2build.cli.output import result
from m2build.cli.paths import PATH_TEXT
from m2build.errors import UsageError

_OPTIONS = (
    click.option(
        "--key", metavar="FILE", type=PATH_TEXT, help="The signer's public key, if images are signed with a key."
    ),
    click.option("--identity", metavar="SUBJECT", help="The signer's identity, if cosign:keyless signs."),
    click.option("--issuer", metavar="URL", help="The service that vouches for --identity."),
    click.option(
        "--attestation",
        "attestations",
        metavar="TYPE",
        multiple=True,
        help="Ask for a statement of this predicate type, too, signed by the same signer. Repeatable.",
    ),
)


def _signed(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets the signer as one argument."""

    @wraps(command)
    def with_signer(key: str | None, identity: str | None, issuer: str | None, **others: object) -> None:
        command(signer=_signer(key, identity, issuer), **others)

    for option in reversed(_OPTIONS):
        with_signer = option(with_signer)
    return with_signer


def _signer(key: str | None, identity: str | None, issuer: str | None) -> evidence.PublicKey | evidence.Identity:
    if key is not None and identity is None and issuer is None:
        return evidence.load_public_key(key)
    if key is None and identity is not None and issuer is not None:
        return evidence.Identity(identity, issuer)
    raise UsageError("a policy is about one signer", hint="give --key, or --identity and --issuer")


@click.group(
    cls=Group,
    epilog="""\b
Examples:
  m2build policy kyverno registry.example/minimax-m2 --key cosign.pub
  m2build policy schema > requirements.schema.json
""",
)
def policy() -> None:
    """Write policies with which clusters run signed images only."""


@policy.command(
    cls=Command,
    epilog="""\b
Examples:
  m2build policy kyverno registry.example/minimax-m2 --key cosign.pub | kubectl apply -f -
""",
)
@click.argument("image", metavar="NAME")
@_signed
def kyverno(image: str, signer: evidence.PublicKey | evidence.Identity, attestations: tuple[str, ...]) -> None:
    """Print an ImageValidatingPolicy for Kyverno.

    Pods then run images of a repository only if they are signed. NAME is any image of the repository; it is not read.
    --key needs Kyverno 1.19, and excludes --attestation.
    """
    result(*evidence.kyverno_policy(image, signer, attestations).splitlines())


@policy.command(
    cls=Command,
    epilog="""\b
Examples:
  m2build policy sigstore registry.example/minimax-m2 --identity me@example.com --issuer https://accounts.example.com
""",
)
@click.argument("image", metavar="NAME")
@_signed
def sigstore(image: str, signer: evidence.PublicKey | evidence.Identity, attestations: tuple[str, ...]) -> None:
    """Print a ClusterImagePolicy for sigstore's policy-controller.

    Pods then run images of a repository only if they are signed. NAME is any image of the repository; it is not read.
    policy-controller accepts what `--sign cosign:keyless` makes, so the signer is an identity.
    """
    result(*evidence.sigstore_policy(image, signer, attestations).splitlines())


@policy.command(epilog="\b\nExample:\n  m2build policy schema > requirements.schema.json")
def schema() -> None:
    """Print the JSON Schema of rules for `m2build verify --require`."""
    result(*evidence.Requirements.schema_text().splitlines())
