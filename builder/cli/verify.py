"""`m2build verify`: an image proven from recipe and base alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

import m2build
from m2build import evidence
from m2build.cli import candidates
from m2build.cli.choosing import base_version_option, choosing_claimed, claimed, platform_option
from m2build.cli.groups import Command
from m2build.cli.locks import read_lock
from m2build.cli.output import json_option, print_json, result, schema_option
from m2build.cli.paths import PATH, PATH_TEXT
from m2build.cli.progress import progress_option
from m2build.cli.sessions import insecure_option, session
from m2build.cli.settings import Given, setting
from m2build.errors import UsageError


def _schema() -> str:
    return m2build.Verification.schema_text()


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # Against the recipe that the image names, and that recipe's base in its registry.
  m2build verify localhost:5000/minimax-m2:tp8
  # Against your own recipe, and a copy of the base.
  m2build verify oci:./out:tp8 --recipe ./mine.yaml --tp 8 --base localhost:5000/sglang:v0.5.7
  # The lock has to agree, and says which base the tag meant.
  m2build verify localhost:5000/minimax-m2:tp8 --lock m2build.lock
  # Check who has signed it, and rules of your own.
  m2build verify localhost:5000/minimax-m2:tp8 --key cosign.pub --require rules.yaml
  # Signed with an identity, without a key.
  m2build verify localhost:5000/minimax-m2:tp8 --identity me@example.com --issuer https://accounts.example.com
  # A trial image.
  m2build verify oci:./minimax-m2-tp8 --base pypi:sglang==0.5.7
  # For a code scanning service.
  m2build verify localhost:5000/minimax-m2:tp8 --sarif > findings.sarif
""",
)
@click.argument("image", metavar="IMAGE", shell_complete=candidates.places(*candidates.IMAGES))
@choosing_claimed
@base_version_option
@setting
@click.option(
    "--base",
    metavar="PLACE",
    help="The base that the image was derived from, as for `m2build image`; default: the recipe's base image.",
    shell_complete=candidates.places(*candidates.IMAGES, *candidates.SOURCES),
)
@click.option(
    "--lock",
    "path",
    metavar="FILE",
    type=PATH,
    help="A lock that has to agree; default: none.",
)
@click.option(
    "--key",
    metavar="FILE",
    type=PATH_TEXT,
    help="The signer's public key: cosign checks that the image is signed with it.",
)
@click.option("--identity", metavar="SUBJECT", help="The signer's identity instead, if cosign:keyless has signed.")
@click.option("--issuer", metavar="URL", help="The service that vouches for --identity.")
@click.option(
    "--trusted-root",
    metavar="FILE",
    type=PATH_TEXT,
    help="The authority and the logs behind --identity, if they are not sigstore's public ones.",
)
@click.option(
    "--require",
    "rules",
    metavar="FILE",
    type=PATH,
    help="Rules that have to hold: patches, bases, variables, statements. If one is broken, the exit code is 7.",
)
@platform_option
@insecure_option
@json_option
@schema_option(_schema, "--json")
@click.option("--sarif", "as_sarif", is_flag=True, help="Print the findings as a SARIF 2.1.0 log.")
@progress_option
def verify(
    image: str,
    recipe_name: str | None,
    tp: int | None,
    profile: str | None,
    model: str | None,
    overrides: tuple[str, ...],
    base_version: str | None,
    given: Given,
    base: str | None,
    path: Path | None,
    key: str | None,
    identity: str | None,
    issuer: str | None,
    trusted_root: str | None,
    rules: Path | None,
    platform: str | None,
    insecure: bool,
    as_json: bool,
    as_sarif: bool,
    progress_mode: str,
) -> None:
    """Prove that an image is what recipe and base give, and nothing else.

    The patches are applied again to the base's own bytes, and everything in which the image differs from the base has
    to come from them or from the recipe, whichever engine built it. Nothing of the build is trusted: neither the
    image's labels and its account, nor the cache; the base is read anew. If anything differs, the exit code is 5, and
    each finding has an id that docs/verify.md explains.
    """
    if as_json and as_sarif:
        raise UsageError("--json and --sarif exclude each other", hint="give one of them")
    wanted = claimed(
        recipe_name, overrides, tp=tp, profile=profile, model=model, given=given, base_version=base_version
    )
    lock = read_lock(path) if path else None
    require = evidence.load_requirements(rules) if rules else None
    signer = _signer(key, identity, issuer, trusted_root)
    with session(progress_mode, insecure=insecure, platform=platform) as opened:
        found = opened.verify(image, wanted, base=base, lock=lock, signer=signer, require=require)
    if as_json or as_sarif:
        print_json(found.sarif() if as_sarif else found.document())
    else:
        result(*_lines(found, path, rules))
    found.checked()


def _signer(
    key: str | None, subject: str | None, issuer: str | None, trusted_root: str | None
) -> str | evidence.Identity | None:
    if subject is None and issuer is None and trusted_root is None:
        return key
    if key is not None:
        raise UsageError("a key and an identity exclude each other", hint="leave one of them out")
    if subject is not None and issuer is not None:
        return evidence.Identity(subject, issuer, trusted_root)
    raise UsageError("an identity is known by its issuer", hint="give both --identity and --issuer")


def _lines(found: m2build.Verification, lock: Path | None, rules: Path | None) -> Iterator[str]:
    yield f"image    {found.place}" + f"@{found.digest}" * bool(found.digest and found.digest not in found.place)
    if found.recipe:
        yield f"recipe   {found.recipe}, profile {found.profile}, model {found.model}"
    if found.base_layers:
        pinned = f"@{found.base_digest}" if found.base_digest else ""
        yield f"base     {found.base or ''}{pinned}; layers: {found.base_layers}"
    if found.content:
        yield f"content  {found.content}"
    for kind in found.signed:
        yield f"signed   {kind}"
    for finding in found.findings:
        yield f"{finding.id}  {finding.path}: {finding.message}" if finding.path else f"{finding.id}  {finding.message}"
    if found.passes and lock:
        yield f"lock     {lock} agrees"
    if found.passes and rules:
        yield f"rules    {rules} hold"
    for sentence in found.unproven if found.passes else ():
        yield f"unproven {sentence}"
    if found.passes:
        yield "proven   every difference from the base comes from the recipe and its patches"
