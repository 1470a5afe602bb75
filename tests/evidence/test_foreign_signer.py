"""`--sign command:PROGRAM`: what a signer of somebody else's gives is checked before it is published."""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
from pathlib import Path

import pytest
from helpers.foreign.their_signer import KEY
from helpers.support import sampled

from m2build.errors import ContentError, EngineError, M2BuildError, UsageError
from m2build.evidence.signers import parse_signer
from m2build.evidence.statement import Statement
from m2build.oci.artifact import Artifact
from m2build.oci.descriptor import Descriptor
from m2build.oci.image import read_blob

IMAGE = Descriptor.of("application/vnd.oci.image.manifest.v1+json", b"an image")
SAID = Statement.of("https://example.com/said/v1", {"a": "ü"}, {"one": IMAGE.digest})
PROGRAM = Path(__file__).parents[1] / "helpers/foreign/their_signer.py"


def signed(fault: str) -> tuple[Artifact, ...]:
    signer = parse_signer(shlex.join([f"command:{sys.executable}", str(PROGRAM), fault]), os.environ)
    signer.check()
    return signer.sign("registry.example/m2", IMAGE, [SAID])


def test_the_signer_gets_image_and_statements_and_its_artifact_is_taken_byte_for_byte() -> None:
    (artifact,) = signed("")
    said = f'["registry.example/m2", "{IMAGE.digest}", '.encode() + _json(SAID.content.decode()) + b"]"
    (layer,) = artifact.manifest.layers
    assert read_blob(artifact.blobs, layer) == hashlib.sha256(KEY + said).hexdigest().encode()
    assert (artifact.artifact_type, artifact.subject) == ("application/vnd.example.signature", IMAGE)


def _json(text: str) -> bytes:
    import json

    return json.dumps(text).encode()


FAULTS = {
    "another image": "refers to sha256:000",
    "another size": ", 9 bytes of",
    "no subject": "refers to nothing",
    "an altered blob": "is altered",
    "a missing blob": "has no file blobs/sha256/",
    "no artifact": "holds 0 artifacts",
    "many artifacts": "holds 17 artifacts",
    "no tar": "is not a plain tar",
    "cut off": "damaged",
    "endless": "larger than 64 MiB",
}


@pytest.mark.parametrize("fault", sampled(FAULTS, every=2))
def test_a_wrong_answer_is_refused_and_named(fault: str) -> None:
    with pytest.raises(ContentError) as caught:
        signed(fault)
    assert FAULTS[fault] in str(caught.value)
    assert "their_signer" not in str(caught.value), "the program's name, without its arguments"


def test_a_signer_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2build.evidence.foreign_signer._SECONDS", 0.3)
    signer = parse_signer("command:sleep 60", os.environ)
    with pytest.raises(EngineError, match=r"the signer sleep did not answer within 0\.3 s"):
        signer.sign("registry.example/m2", IMAGE, [SAID])


def test_a_signer_that_never_stops_to_complain_is_quoted_in_part() -> None:
    signer = parse_signer("command:sh -c 'head -c 3000000 /dev/zero | tr \\\\0 x >&2; exit 3'", os.environ)
    with pytest.raises(EngineError) as caught:
        signer.sign("registry.example/m2", IMAGE, [SAID])
    assert 1000 < len(str(caught.value)) < 1200


def test_a_failing_signer_is_quoted_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARDWARE_TOKEN", "s3cr3t-token")
    with pytest.raises(EngineError, match=r"the hardware token \*\*\* is not there") as caught:
        signed("a failure")
    assert caught.value.hint == "docs/signing.md says what a signer gets and has to give"


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("command:/no/such/signer", EngineError, "no command /no/such/signer"),
        ("command:", UsageError, "is not a signer"),
        ("command:'x", UsageError, "No closing quotation"),
        ("cosign:", UsageError, "is not a signer"),
        ("gpg:key", UsageError, "is not a signer"),
    ],
)
def test_a_signer_that_cannot_be_is_refused_before_anything_is_made(
    text: str, kind: type[M2BuildError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        parse_signer(text, os.environ).check()
