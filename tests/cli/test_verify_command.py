"""`m2build verify` by command: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.cli.checkouts import quickly, store
from helpers.commands import m2build, refused
from helpers.verification.forgery import Forgery
from helpers.verification.tampering import TAMPERINGS

from m2build.places.place import Place
from m2build.places.transports import read_image

BASE = ("--base", "oci:base:base")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base in `base`, what was derived from it in `out`, and that with an extra file in `forged`."""
    folder = tmp_path_factory.mktemp("verify")
    store(f"oci:{folder}/base:base")
    quickly("image", "--tp", "8", "--base", f"oci:{folder}/base:base", "-o", f"oci:{folder}/out:tp8")
    forged = Forgery.of(read_image(Place.parse(f"oci:{folder}/out:tp8"), "linux/amd64").image, 3)
    TAMPERINGS["an extra file"].edit(forged)
    TAMPERINGS["LD_PRELOAD"].edit(forged)
    forged.write(folder / "forged")
    return folder


def test_a_proven_image_in_a_few_lines(workshop: Path) -> None:
    run = m2build("verify", "oci:out:tp8", *BASE, cwd=workshop)
    assert (run.returncode, run.stderr) == (0, "")
    words = [line.split()[0] for line in run.stdout.splitlines()]
    assert words == ["image", "recipe", "base", "content", "proven"]


def test_findings_are_printed_and_the_exit_code_is_5(workshop: Path) -> None:
    run = m2build("verify", "oci:forged", *BASE, cwd=workshop)
    assert run.returncode == 5
    assert run.stderr.splitlines() == [
        "m2build: oci:forged is not what recipe and base give: 2 findings",
        "  do not run it; docs/verify.md explains each finding",
    ]
    found = run.stdout.splitlines()[-2:]
    assert found[0] == "path-extra  /etc/x: it is new, or not as in the base, and no patch explains it"
    assert found[1] == 'config-env  LD_PRELOAD: expected none, got ["LD_PRELOAD=/x.so"]'


@pytest.mark.parametrize(
    ("place", "code", "ids"), [("oci:out:tp8", 0, []), ("oci:forged", 5, ["path-extra", "config-env"])]
)
def test_json_and_sarif_say_the_same(place: str, code: int, ids: list[str], workshop: Path) -> None:
    run = m2build("verify", place, *BASE, "--json", cwd=workshop)
    document = json.loads(run.stdout)
    assert (run.returncode, document["passes"]) == (code, not ids)
    assert [finding["id"] for finding in document["findings"]] == ids
    assert document["base"]["layers"] == 3
    run = m2build("verify", place, *BASE, "--sarif", cwd=workshop)
    assert run.returncode == code
    assert [result["ruleId"] for result in json.loads(run.stdout)["runs"][0]["results"]] == ids


def test_the_recipe_can_be_said(workshop: Path) -> None:
    here = (f"oci:{workshop}/out:tp8", "--base", f"oci:{workshop}/base:base")
    assert "proven" in quickly("verify", *here, "--tp", "8")
    assert "proven" in quickly("verify", *here, "--recipe", "minimax-m2")
    other = m2build("verify", "oci:out:tp8", *BASE, "--tp", "4", cwd=workshop)
    assert other.returncode == 5
    assert "config-entrypoint" in other.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("oci:out:tp8", "--json", "--sarif"), "--json and --sarif exclude each other"),
        (("oci:out:tp8", "--env", "A=1"), "say which profile to use"),
        (("oci:absent",), "the directory absent does not exist"),
        (("oci:out:tp8", "--base", "oci:absent"), "the directory absent does not exist"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: tuple[str, ...], message: str, workshop: Path) -> None:
    assert message in refused(2, "verify", *arguments, cwd=workshop)
