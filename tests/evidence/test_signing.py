"""`--sign cosign:KEY`, judged by cosign itself, without a network; and `m2build verify --key`."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.cli.checkouts import quickly, store
from helpers.evidence.signing import PASSWORD, Keys, cosign, public_key_of_another
from helpers.registry.registries import call, crane_registry, docker_registry
from helpers.snippets import BLOCK, DOCS, run_snippets

import m2build
from m2build import evidence
from m2build.cli.root import cli
from m2build.errors import ContentError, EngineError, UsageError
from m2build.evidence.bundle import SIGNATURE
from m2build.evidence.signers import parse_signer
from m2build.evidence.statement import Statement
from m2build.oci.descriptor import Descriptor
from m2build.programs.cosign import Cosign

KINDS = (evidence.PROVENANCE, evidence.PATCHSET, evidence.SBOM)
RECIPE = m2build.load_recipe("minimax-m2")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.made(tmp_path_factory.mktemp("keys"))


@dataclass(frozen=True)
class Published:
    """A signed image in a registry.

    Attributes:
        host: the registry.
        delivery: the image.
        base: the place of its base.
        cache: the cache of the session that has signed.
    """

    host: str
    delivery: m2build.Delivery
    base: str
    cache: Path

    @property
    def name(self) -> str:
        return f"{self.host}/team/m2:tp8"

    def verified(self, keys: Keys, key: Path) -> m2build.Verification:
        with m2build.Session(environment=keys.environment) as session:
            return session.verify(self.name, base=self.base, signer=str(key))


@pytest.fixture(scope="module")
def published(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    folder = tmp_path_factory.mktemp("published")
    base = f"oci:{folder}/base:base"
    store(base)
    with docker_registry(folder) as host, _session(keys, folder / "cache") as session:
        plan = session.plan(RECIPE.select(tp=8), session.base(RECIPE, base))
        delivery = session.deliver(plan, f"{host}/team/m2:tp8")
        assert session.sign(delivery, f"cosign:{keys.private}").added == 4
        yield Published(host, delivery, base, folder / "cache")


def _session(keys: Keys, cache: Path | None = None) -> m2build.Session:
    return m2build.Session(environment=keys.environment, cache=cache)


def test_cosign_verifies_the_signature_and_only_by_the_right_key(
    published: Published, keys: Keys, tmp_path: Path
) -> None:
    reference = published.delivery.reference
    words = ("verify", "--insecure-ignore-tlog=true", "--key")
    run = cosign(*words, str(keys.public), reference, environment=keys.environment)
    assert run.returncode == 0, run.stderr
    kinds = {claim["critical"]["type"] for claim in json.loads(run.stdout)}
    assert SIGNATURE in kinds, "cosign verify accepts any bundle, but this is a signature"
    other = public_key_of_another(tmp_path / "other.pub")
    assert cosign(*words, str(other), reference, environment=keys.environment).returncode != 0


@pytest.mark.parametrize("kind", KINDS)
def test_cosign_verifies_each_attestation(kind: str, published: Published, keys: Keys) -> None:
    words = ("verify-attestation", "--insecure-ignore-tlog=true", "--key", str(keys.public), "--type", kind)
    run = cosign(*words, published.delivery.reference, environment=keys.environment)
    assert run.returncode == 0, run.stderr
    (signed,) = map(json.loads, run.stdout.splitlines())
    with _session(keys) as session:
        (said,) = (one for one in session.statements(published.delivery) if one.predicate_type == kind)
    assert base64.b64decode(signed["payload"]) == said.content


def test_it_leaves_bundles_as_referrers_and_no_legacy_tags(published: Published) -> None:
    _, _, answer = call("GET", f"http://{published.host}/v2/team/m2/tags/list")
    digest = published.delivery.digest or ""
    assert sorted(json.loads(answer)["tags"]) == [digest.replace(":", "-"), "tp8"]
    with m2build.Session() as session:
        found = session.referrers(published.name)
    assert {artifact.artifact_type for artifact in found} == {"application/vnd.dev.sigstore.bundle.v0.3+json"}
    types = [artifact.annotations["dev.sigstore.bundle.predicateType"] for artifact in found]
    assert sorted(types) == sorted([SIGNATURE, *KINDS])
    assert [artifact.predicate_type for artifact in found] == types


def test_signing_again_adds_nothing_and_the_page_prints_what_it_says(
    published: Published, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _session(keys) as session:
        before = [artifact.manifest.digest for artifact in session.referrers(published.name)]
    monkeypatch.chdir(keys.public.parent)
    monkeypatch.setenv("COSIGN_PASSWORD", PASSWORD)
    Path("base").symlink_to(published.base.removeprefix("oci:").removesuffix(":base"))
    ((expected, printed),) = run_snippets("signing.md", hosts={"localhost:5000": published.host})
    assert printed == expected
    with _session(keys) as session:
        assert [artifact.manifest.digest for artifact in session.referrers(published.name)] == before


def test_crane_serves_a_signature_that_cosign_verifies(
    keys: Keys, published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By command, of an image that exists: m2build does not know its plan, and signs the image alone."""
    monkeypatch.setenv("COSIGN_PASSWORD", PASSWORD)
    with crane_registry(tmp_path) as host:
        name = f"{host}/team/m2:tp8"
        printed = quickly("push", f"docker://{published.name}", name, "--sign", f"cosign:{keys.private}")
        assert printed == f"{host}/team/m2@{published.delivery.digest}\n"
        words = ("verify", "--insecure-ignore-tlog=true", "--key", str(keys.public), printed.strip())
        assert cosign(*words, environment=keys.environment).returncode == 0


def test_m2build_verifies_what_was_signed_and_prints_what_the_page_says(published: Published, keys: Keys) -> None:
    shown = quickly("verify", published.name, "--base", published.base, "--key", keys.public)
    (says, *_) = (
        text for language, text in BLOCK.findall((DOCS / "signing.md").read_text("utf-8")) if language == "text"
    )
    assert shown.splitlines()[-5:] == says.splitlines()


def test_another_key_is_a_finding(published: Published, keys: Keys, tmp_path: Path) -> None:
    found = published.verified(keys, public_key_of_another(tmp_path / "other.pub"))
    assert ([finding.id for finding in found.findings], found.signed) == (["signature-missing"], ())
    with pytest.raises(ContentError, match=r"but it has no signature that .*other\.pub confirms"):
        found.checked()


def test_a_signed_lie_is_a_finding(published: Published, keys: Keys, tmp_path: Path) -> None:
    """In a layout, where signatures are as well; the key is the right one."""
    place = f"oci:{tmp_path}/out:tp8"
    with _session(keys) as session:
        assert published.delivery.plan is not None
        delivery = session.deliver(published.delivery.plan, place)
        digest = delivery.built.digest
        assert digest is not None
        lie = Statement.of(evidence.PATCHSET, {"plan": "another", "sources": []}, {"m2": digest})
        session.sign(delivery, f"cosign:{keys.private}", [lie])
        found = session.verify(place, base=published.base, signer=str(keys.public))
    assert [(finding.id, finding.path) for finding in found.findings] == [("attestation-other", evidence.PATCHSET)]


@pytest.mark.sweep
def test_what_was_signed_is_true_whenever_the_build_ran(published: Published, keys: Keys, tmp_path: Path) -> None:
    """A time that was given for the build is in the image, and in the statements as that of the run."""
    place = f"oci:{tmp_path}/out:tp8"
    with m2build.Session(environment={**keys.environment, "SOURCE_DATE_EPOCH": "1700000000"}) as session:
        plan = session.plan(RECIPE.select(tp=8), session.base(RECIPE, published.base))
        session.sign(session.deliver(plan, place), f"cosign:{keys.private}")
    with _session(keys) as session:
        found = session.verify(place, base=published.base, signer=str(keys.public))
    assert (found.findings, len(found.signed)) == ((), 4)


def test_a_wrong_password_fails_and_nothing_shows_the_key(
    keys: Keys, published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It shows before anything is made."""
    place = f"oci:{tmp_path}/out:tp8"
    words = ("image", "--tp", "8", "--base", published.base, "-o", place, "--sign", f"cosign:{keys.private}")
    monkeypatch.setenv("COSIGN_PASSWORD", "wrong-0815-wrong")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    caplog.set_level(logging.DEBUG)
    run = CliRunner().invoke(cli, words)
    error = run.exception
    assert isinstance(error, EngineError)
    assert ("decryption failed" in error.message, error.hint) == (True, "check the key and COSIGN_PASSWORD")
    assert (run.stdout, (tmp_path / "out").exists()) == ("", False)
    body = keys.private.read_text().splitlines()[1]
    written = [path.read_bytes() for path in (*tmp_path.rglob("*"), *published.cache.rglob("*")) if path.is_file()]
    said = "".join([run.output, caplog.text, *traceback.format_exception(error)])
    everything = b"\n".join([said.encode(), *written])
    assert [secret for secret in (body, PASSWORD, "wrong-0815-wrong") if secret.encode() in everything] == []


def test_a_key_that_is_not_there_or_the_private_one_is_refused(keys: Keys, published: Published) -> None:
    with _session(keys) as session, pytest.raises(UsageError, match=r"there is no key /none\.key"):
        session.signer("cosign:/none.key")
    with pytest.raises(UsageError, match="the key is a private one") as caught:
        published.verified(keys, keys.private)
    assert keys.private.read_text().splitlines()[1] not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(UsageError, match=r"^there is no key file 'none\.pub'$"):
        published.verified(keys, Path("none.pub"))


def test_a_missing_or_old_cosign_is_named_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="cosign is not installed") as caught:
        quickly("image", "--tp", "8", "--base", "oci:none", "-o", f"oci:{tmp_path}/out", "--sign", "cosign:none")
    assert (caught.value.exit_code, (tmp_path / "out").exists()) == (9, False)
    assert "install cosign 3" in str(caught.value.hint)
    old = tmp_path / "cosign"
    old.write_text("""#!/bin/sh\n[ "$1" = version ] && echo '{"gitVersion": "v2.5.0"}'\nexit 0\n""")
    old.chmod(0o755)
    with pytest.raises(EngineError, match=r"cosign v2.5.0 is too old: 3.0 or newer is needed"):
        Cosign({"PATH": f"{tmp_path}:{path}"}).check()


def test_statements_in_a_layout_are_signed_when_it_is_pushed(published: Published, keys: Keys, tmp_path: Path) -> None:
    place = f"oci:{tmp_path}/out:tp8"
    quickly("image", "--tp", "8", "--base", published.base, "-o", place, "--attest")
    with _session(keys) as session:
        stated = session.attached_statements(place)
        assert [statement.predicate_type for statement in stated] == [*KINDS]
        assert stated[1:] == session.statements(published.delivery)[1:], "provenance may name another engine"
        with pytest.raises(UsageError, match="are not signed: others may have attached them"):
            session.attached_statements(published.name)


STAND_IN = """#!/bin/sh
echo "$@" >> "$SAID"
case "$1 $2" in "attest-blob --help") echo "--statement";; "attest-blob --yes")
    payload=$(base64 -w 0 "$4")
    printf '{"mediaType":"%s","dsseEnvelope":{"payload":"%s","payloadType":"%s"}}' \\
        application/vnd.dev.sigstore.bundle.v0.3+json "$payload" application/vnd.in-toto+json > "$6";;
esac
"""


def test_an_identity_signs_by_what_cosign_does_by_itself(tmp_path: Path) -> None:
    """There is no identity here, so a program stands in for cosign, and shows how it is called."""
    (tmp_path / "cosign").write_text(STAND_IN)
    (tmp_path / "cosign").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SAID": str(tmp_path / "said")}
    image = Descriptor.of("application/vnd.oci.image.manifest.v1+json", b"an image")
    signer = parse_signer("cosign:keyless", environment)
    signer.check()
    (signature,) = signer.sign("registry.example/m2", image, ())
    assert signature.annotations["dev.sigstore.bundle.predicateType"] == SIGNATURE
    _, called = (tmp_path / "said").read_text().splitlines()
    assert re.sub(r"/\S+/", "", called) == "attest-blob --yes --statement statement.json --bundle bundle.json"
