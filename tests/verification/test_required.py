"""`verify --require`: each rule holds, or is named."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.bases import base_image
from helpers.cli.checkouts import quickly, store
from helpers.evidence.attested import plan_of

from m2build import evidence
from m2build.cli.root import cli
from m2build.derivation.image import build
from m2build.errors import ContentError, PolicyError
from m2build.evidence.requirements import RequiredPatch, Requirements
from m2build.oci.image import Image
from m2build.patches.diff import git_diff
from m2build.verification.findings import POLICY, Finding
from m2build.verification.required import required_findings
from m2build.verification.result import Verification
from m2build.verification.signatures import Signed

BASE = base_image()
PLAN = plan_of(BASE)
DIFFS = {
    result.patch.id: hashlib.sha256(git_diff(result.changes)).hexdigest()
    for result in PLAN.changeset.results
}  # fmt: skip
RENAME, DISABLE = "rename-transformers-module", "disable-rmsnorm-compile"
SIGNED = Signed("cosign.pub", {evidence.SBOM: [{}]})


@pytest.fixture(scope="module")
def image() -> Image:
    return build(PLAN)


def broken(image: Image, signed: Signed | None = None, **rules: object) -> list[tuple[str, str, str]]:
    require = Requirements.model_validate({"version": 1, **rules})
    found = required_findings(require, image, PLAN, signed)
    return [(finding.id.removeprefix(POLICY), finding.path, finding.message) for finding in found]


@pytest.mark.parametrize(
    "patch",
    [
        RequiredPatch(id=RENAME),
        RequiredPatch(codemod="remove-decorator"),
        RequiredPatch(diff=DIFFS[DISABLE]),
        RequiredPatch(id=DISABLE, codemod="remove-decorator", diff=DIFFS[DISABLE]),
    ],
    ids=str,
)
def test_a_patch_that_is_there_satisfies(patch: RequiredPatch, image: Image) -> None:
    assert broken(image, patches=(patch,)) == []


@pytest.mark.parametrize(
    "patch",
    [
        RequiredPatch(id="no-such-patch"),
        RequiredPatch(codemod="add-file"),
        RequiredPatch(diff="0" * 64),
        RequiredPatch(id=RENAME, codemod="remove-decorator"),
        RequiredPatch(id=RENAME, diff=DIFFS[DISABLE]),
    ],
    ids=str,
)
def test_a_patch_that_is_not_there_is_named(patch: RequiredPatch, image: Image) -> None:
    found = broken(image, patches=(RequiredPatch(id=RENAME), patch))
    assert found == [("patch", "patches[1]", f"the image has no patch with {patch}")]


def test_the_base_is_allowed_by_digest_only(image: Image) -> None:
    digest, other = str(BASE.manifest.digest), f"sha256:{'0' * 64}"
    assert broken(image, bases=(other, digest)) == []
    assert broken(image, bases=(other,)) == [("base", "bases", f"the base {digest} is not among them")]


def test_variables_are_forbidden_by_their_names(image: Image) -> None:
    (name, *_) = (variable.partition("=")[0] for variable in image.config.variables)
    assert broken(image, forbidden_env=("NOT_THERE", name[:-1])) == []
    assert broken(image, forbidden_env=("NOT_THERE", name)) == [
        ("env", "forbidden_env[1]", f"the image sets the variable {name}")
    ]


def test_statements_count_only_if_they_are_signed(image: Image) -> None:
    kinds = (evidence.SBOM, evidence.PROVENANCE)
    missing = [("attestation", "attestations[1]", f"no statement {evidence.PROVENANCE} is signed")]
    assert broken(image, SIGNED, attestations=kinds) == missing
    assert len(broken(image, None, attestations=kinds)) == 2


def test_what_the_image_is_comes_before_what_a_rule_says() -> None:
    rule, signature = Finding("policy-env", "forbidden_env[0]", "it sets A"), Finding("signature-missing", "", "none")
    with pytest.raises(PolicyError, match=r"^a is what .* but breaks the rule forbidden_env\[0\]: it sets A"):
        Verification("a", findings=(rule,)).checked()
    with pytest.raises(ContentError, match="a is what recipe and base give, but none"):
        Verification("a", findings=(rule, signature)).checked()
    with pytest.raises(ContentError, match="a is not what recipe and base give: 2 findings"):
        Verification("a", findings=(rule, Finding("path-extra", "/x", "new"))).checked()


def test_by_command(tmp_path: Path) -> None:
    base = f"oci:{tmp_path}/base:base"
    store(base)
    quickly("image", "--tp", "8", "--base", base, "-o", f"oci:{tmp_path}/out:tp8")
    (tmp_path / "good.yaml").write_text(f"version: 1\npatches: [{{id: {RENAME}}}]\n")
    (tmp_path / "bad.yaml").write_text("version: 1\npatches: [{id: no-such}]\nforbidden_env: [PATH]\n")
    words = ("verify", f"oci:{tmp_path}/out:tp8", "--base", base, "--require")
    assert quickly(*words, tmp_path / "good.yaml").splitlines()[-2] == f"rules    {tmp_path}/good.yaml hold"
    run = CliRunner().invoke(cli, [*words, f"{tmp_path}/bad.yaml"])
    assert isinstance(run.exception, PolicyError)
    assert run.exception.exit_code == 7
    assert [line.split(": ")[0] for line in run.stdout.splitlines()[-2:]] == [
        "policy-patch  patches[0]", "policy-env  forbidden_env[0]",
    ]  # fmt: skip
    assert "but breaks the rule patches[0]: the image has no patch with id no-such" in run.exception.message
