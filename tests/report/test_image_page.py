"""The page of an image: what it says is true, and stays text."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.cli.checkouts import checkout, derived, quickly
from helpers.registry.registries import run
from helpers.report.parsed import parsed, rows, steps, strangers, text
from helpers.support import need_tool

import m2build
from m2build import report
from m2build.errors import UsageError
from m2build.evidence.attaching import artifacts_of
from m2build.evidence.statement import PATCHSET, PROVENANCE, SBOM, Statement
from m2build.places.layout_referrers import attach_local
from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent
from m2build.report.checks import checks
from m2build.report.facts import ImageFacts
from m2build.verification.findings import Finding


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base in `base`, and in `out` what was derived from it, with evidence attached."""
    folder = derived(tmp_path_factory.mktemp("workshop"))
    quickly("image", "--tp", "8", "--base", f"oci:{folder}/base:base", "-o", f"oci:{folder}/out:tp8", "--attest")
    return folder


@pytest.fixture(scope="module")
def facts(workshop: Path) -> ImageFacts:
    with m2build.Session() as session:
        return report.image_facts(session, f"oci:{workshop}/out:tp8", base=f"oci:{workshop}/base:base")


@pytest.fixture(scope="module")
def page(facts: ImageFacts) -> str:
    return report.render_page([facts])


@pytest.fixture(scope="module")
def document(page: str) -> ET.Element:
    """As html5lib reads it: strictly."""
    return parsed(page)


def test_every_byte_of_the_layer_is_accounted_for(facts: ImageFacts, page: str, document: ET.Element) -> None:
    """tarfile and the layer's own blob are the judges."""
    (layer,) = facts.layers
    descriptor = facts.inspection.manifest.layers[-1]
    with facts.inspection.found.image.blobs.open(descriptor) as blob:
        stored = blob.read()
    tar = gzip.decompress(stored)
    assert layer.headers + layer.content + layer.padding + layer.end == layer.size == len(tar)
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for info, member in zip(archive, layer.members, strict=True):
            file = archive.extractfile(info)
            assert (info.name, info.size) == (member.path, member.content)
            if member.kind == "file" and file:
                assert hashlib.sha256(file.read()).hexdigest() == member.sha256
    table = rows(document, "Layer sha256:")
    figures = [[int(cell.replace(",", "") or 0) for cell in row[1:4] if cell.isascii()] for row in table[1:-1]]
    assert sum(map(sum, figures[: len(layer.members)])) + layer.end == len(tar)
    assert table[-1] == ["The whole tar", "", f"{len(tar):,}", "", hashlib.sha256(tar).hexdigest()]
    assert f"= {len(tar):,} bytes" in page
    assert f"{len(stored):,} bytes with the digest that the manifest names" in page


def test_every_member_has_its_reason(facts: ImageFacts) -> None:
    (layer,) = facts.layers
    reasons = {member.path.rpartition("/")[2]: member.reason for member in layer.members}
    assert None not in reasons.values()
    assert reasons["kimi_linear.py"] == "the patch rename-transformers-module"
    assert reasons["minimax_m2.py"] == "the patch disable-rmsnorm-compile"
    assert reasons[".wh.transformers.py"] == "removes /sgl-workspace/sglang/python/sglang/srt/models/transformers.py"
    assert reasons["README"] == "the account of the changes"
    assert reasons["init"] == "m2build's init, process 1 of containers"


def test_what_no_patch_explains_stands_out(facts: ImageFacts) -> None:
    (layer,) = facts.layers
    strange = replace(layer.members[-1], path="usr/bin/miner", reason=None)
    forged = replace(facts, layers=(replace(layer, members=(*layer.members, strange)),))
    table = rows(parsed(report.render_page([forged])), "Layer sha256:")
    assert [row[0] for row in table if "miner" in row[0]] == ["/usr/bin/minernot explained by recipe and base"]


def test_patches_stand_side_by_side_with_marks_on_words(page: str, document: ET.Element) -> None:
    marked = [
        (text(cell), [text(mark) for mark in cell.iter("ins")])
        for cell in document.iter("td")
        if cell.get("class") == "code ins"
    ]
    assert ("from sglang.srt.models.hf_transformers_model import maybe_prefix", ["hf_transformers_model"]) in marked
    assert ("    # @torch.compile(dynamic=True, backend=get_compiler_backend())", ["# "]) in marked
    assert "not known to be applied there; forwarded to https://github.com/sgl-project/sglang/issues/16102" in page
    assert "Hugging Face package and fails with a circular import" in page


def test_the_entrypoint_is_explained_by_the_servers_own_flags(facts: ImageFacts, document: ET.Element) -> None:
    table = rows(document, "The entrypoint, flag by flag")
    words = [row[0] for row in table[1:]]
    assert " ".join(words) == " ".join(facts.inspection.entrypoint)
    assert ["--host 0.0.0.0", "The server gives no help for it.", "127.0.0.1"] in table
    reason = next(row[1] for row in table if row[0] == "--ep-size 8").partition("The recipe: ")[2]
    assert reason == (
        "Without it each rank gets 1536 / 8 = 192 columns of an expert, which FP8's blocks of 128 do not divide."
    )
    without = rows(parsed(report.render_page([replace(facts, flags=None)])), "The entrypoint, flag by flag")
    assert without[-1][1:] == ["The base's sources do not say.", ""]


def test_it_says_what_verify_found(facts: ImageFacts, page: str) -> None:
    assert "<strong>Proven.</strong>" in page
    assert facts.verification is not None
    findings = (Finding("path-extra", "/usr/bin/miner", "it is new"), Finding("config-user", "", "the user is 0"))
    forged = report.render_page([replace(facts, verification=replace(facts.verification, findings=findings))])
    assert "<strong>Not proven: 2 findings.</strong>" in forged
    assert rows(parsed(forged), "What verify found")[1][:2] == ["path-extra", "/usr/bin/miner"]
    assert "<strong>Not verified.</strong>" in report.render_page([replace(facts, verification=None)])


def test_it_lists_what_is_attached(workshop: Path, document: ET.Element) -> None:
    """oras is the judge."""
    answer = json.loads(run("oras", "discover", "--format", "json", "--oci-layout", "out:tp8", folder=workshop))
    expected = [
        [
            entry.get("annotations", {}).get("in-toto.io/predicate-type", "\N{EN DASH}"),
            entry["artifactType"],
            entry["digest"],
        ]
        for entry in answer["referrers"]
    ]
    assert len(expected) == 4
    assert sorted(rows(document, "What is attached")[1:]) == sorted(expected)


def test_it_says_what_statements_say_and_which_are_true(facts: ImageFacts, workshop: Path, tmp_path: Path) -> None:
    """Each as it is in the layout; one that somebody else attached, of m2build's kind, is held against the plan."""
    layout = tmp_path / "out"
    shutil.copytree(workshop / "out", layout)
    image = facts.inspection.manifest.descriptor
    (forged,) = artifacts_of([Statement.of(PATCHSET, {"patches": ["<b>none</b>"]}, {"m2": image.digest})], image)
    attach_local(layout, [forged], Silent())
    with m2build.Session() as session:
        found = report.image_facts(session, f"oci:{layout}:tp8", base=f"oci:{workshop}/base:base", verify=False)
    assert found.attachments is not None
    said = {one.digest: one for one in found.attachments if one.says}
    assert len(said) == 4
    for digest, one in said.items():
        manifest = json.loads((layout / "blobs/sha256" / digest[7:]).read_bytes())
        statement = json.loads((layout / "blobs/sha256" / manifest["layers"][0]["digest"][7:]).read_bytes())
        assert json.loads(one.says) == statement["predicate"]
        assert one.agrees is (digest != str(forged.manifest.digest))
    page = report.render_page([found])
    assert page.count(": what recipe and base give") == 3
    assert page.count("not what recipe and base give") == 1
    assert "&lt;b&gt;none&lt;/b&gt;" in page


def test_statements_with_a_time_of_their_own_are_true(
    workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = f"oci:{workshop}/base:base"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    quickly("image", "--tp", "8", "--base", base, "-o", f"oci:{tmp_path}/out:tp8", "--attest")
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    with m2build.Session() as session:
        found = report.image_facts(session, f"oci:{tmp_path}/out:tp8", base=base, verify=False)
    agreeing = {one.predicate: one.agrees for one in found.attachments or () if one.says}
    assert agreeing == {PROVENANCE: True, PATCHSET: True, SBOM: True}


@pytest.mark.parametrize(
    ("kind", "words"), [("oci-archive", "Nothing is attached."), ("docker-archive", "Not kept there:")]
)
def test_it_says_if_nothing_is_attached(
    kind: str, words: str, facts: ImageFacts, workshop: Path, tmp_path: Path
) -> None:
    place = Place.parse(f"{kind}:{tmp_path}/image.tar")
    image = facts.inspection.found.image
    write_image(image, place, tag="tp8", reference="m2:tp8", replace=False, progress=Silent())
    with m2build.Session() as session:
        alone = report.image_facts(session, place, base=f"oci:{workshop}/base:base", verify=False)
    assert words in report.render_page([alone])


def run_steps(document: ET.Element, folder: Path) -> Iterator[tuple[str, str]]:
    """What the steps print in one bash session, and what the page says."""
    for tool in ("bash", "git", "jq", "sha256sum", "tar"):
        need_tool(tool)
    found = steps(document)
    script = "".join(f"{commands}\necho @@\n" for commands, _ in found)
    done = subprocess.run(["bash", "-eu", "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return zip(done.stdout.split("@@\n")[:-1], (expected for _, expected in found), strict=True)


def test_the_commands_print_what_the_page_says(document: ET.Element, tmp_path: Path) -> None:
    printed = list(run_steps(document, tmp_path))
    assert len(printed) == 8
    assert [got for got, _ in printed] == [expected for _, expected in printed]


def test_the_commands_for_a_registry_reach_the_base_too(stocked: str, tmp_path: Path) -> None:
    need_tool("crane")
    base, name = f"{stocked}/team/sglang:rocm", f"{stocked}/team/minimax-m2:tp8"
    quickly("image", "--tp", "8", "--base", base, "-o", name)
    with m2build.Session() as session:
        facts = report.image_facts(session, name, base=base, verify=False)
    assert facts.attachments == ()
    printed = list(run_steps(parsed(report.render_page([facts])), tmp_path))
    assert len(printed) == 12
    assert [got for got, _ in printed] == [expected for _, expected in printed]
    assert any(expected.startswith("> sha256:") for _, expected in printed)


def test_an_image_that_m2build_did_not_derive_has_a_page(workshop: Path) -> None:
    with m2build.Session() as session:
        facts = report.image_facts(session, f"oci:{workshop}/base:base")
    document = parsed(report.render_page([facts]))
    assert "Not derived by m2build." in text(document)
    assert len(checks(facts)) == 4


def test_a_stand_in_has_to_be_named(tmp_path: Path) -> None:
    base = f"dir:{checkout(tmp_path / 'tree')}"
    quickly("image", "--tp", "8", "--base", base, "-o", f"oci:{tmp_path}/out")
    with m2build.Session() as session, pytest.raises(UsageError, match="derived from the stand-in dir") as error:
        report.image_facts(session, f"oci:{tmp_path}/out")
    assert error.value.hint == "name it, as in --base dir:PATH"


def test_the_page_is_well_built(page: str, document: ET.Element) -> None:
    """For screen readers: landmarks, headings in order, captions and scopes, targets of links."""
    assert list(strangers(document)) == []
    levels = [int(str(element.tag)[1]) for element in document.iter() if re.fullmatch("h[1-6]", str(element.tag))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for landmark in ("header", "nav", "main", "footer"):
        assert len(list(document.iter(landmark))) == 1
    ids = [element.get("id") for element in document.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    targets = [link.get("href", "")[1:] for link in document.iter("a") if link.get("href", "").startswith("#")]
    assert targets
    assert set(targets) <= set(ids)
    for table in document.iter("table"):
        assert table[0].tag == "caption"
        assert all(head.get("scope") in ("col", "row") for head in table.iter("th"))
    assert next(iter(document.iter("html"))).get("lang") == "en"
    assert 'href="http' in page, "references are links"
