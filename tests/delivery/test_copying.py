"""How much of a base may be copied into registries: within one, to another, with a limit, with a question."""

from __future__ import annotations

import pytest
from helpers.images import image, tar
from helpers.kept_progress import Kept
from helpers.registry.registries import noise

from m2build.delivery.copying import Lacking
from m2build.delivery.publishing import BUDGET, UNLIMITED, Publishing
from m2build.errors import TransferBudgetError
from m2build.oci.descriptor import Descriptor
from m2build.oci.digest import Digest


def blob(number: int, size: int) -> Descriptor:
    return Descriptor("x", Digest.of(bytes([number])), size)


HUGE = [blob(1, 20_000_000_000), blob(2, 314_000_000)]
SMALL = [blob(3, BUDGET)]


def check(publishing: Publishing, *lacking: tuple[str, list[Descriptor], str | None]) -> list[str]:
    told, all_of_it = Kept(), Lacking()
    for one in lacking:
        all_of_it.add(*one)
    all_of_it.check(publishing, told)
    return told.steps


@pytest.mark.parametrize("source", ["base", None])
def test_the_budget_itself_is_copied_and_a_byte_more_is_not(source: str | None) -> None:
    check(Publishing(), ("h:1/a", SMALL, source))
    with pytest.raises(TransferBudgetError) as caught:
        check(Publishing(), ("h:1/a", [*SMALL, blob(4, 1)], source))
    assert caught.value.exit_code == 15


def test_within_one_registry_the_ways_out_are_named() -> None:
    with pytest.raises(TransferBudgetError) as caught:
        check(Publishing(confirm=lambda _: True), ("h:1/a:b", HUGE, "team/base"))
    assert caught.value.message == (
        "20.31 GB in 2 blobs would be copied within h:1, which mounts none of them from team/base; "
        "the limit is 268.4 MB"
    )
    hint = str(caught.value.hint)
    assert "push into the base's own repository, h:1/team/base:TAG" in hint
    assert "mounts between repositories enabled" in hint
    assert "--max-transfer 20314MB, or unlimited" in hint
    assert "--yes" not in hint, "a mistake, more likely than not: no question is asked"


def test_to_another_registry_it_takes_a_yes() -> None:
    asked: list[str] = []
    with pytest.raises(TransferBudgetError, match=r"^20.31 GB in 2 blobs would be copied to h:1; the limit") as caught:
        check(Publishing(), ("h:1/a", HUGE, None))
    assert "--yes, or --max-transfer 20314MB, or unlimited" in str(caught.value.hint)

    def no(sentence: str) -> bool:
        asked.append(sentence)
        return False

    with pytest.raises(TransferBudgetError):
        check(Publishing(confirm=no), ("h:1/a", HUGE, None))
    assert asked == ["20.31 GB in 2 blobs would be copied to h:1"]
    said = check(Publishing(confirm=lambda _: True), ("h:1/a", HUGE, None))
    assert said == ["20.31 GB in 2 blobs will be copied to h:1"]


@pytest.mark.parametrize("source", ["base", None])
def test_a_limit_is_a_limit_and_no_question_is_asked(source: str | None) -> None:
    check(Publishing(max_transfer=20_314_000_000), ("h:1/a", HUGE, source))
    check(Publishing(max_transfer=UNLIMITED), ("h:1/a", HUGE, source))
    with pytest.raises(TransferBudgetError, match=r"the limit is 20.31 GB"):
        check(Publishing(max_transfer=20_313_999_999, confirm=lambda _: True), ("h:1/a", HUGE, source))
    with pytest.raises(TransferBudgetError, match=r"the limit is 0.0 MB"):
        check(Publishing(max_transfer=0), ("h:1/a", SMALL, source))
    check(Publishing(max_transfer=0), ("h:1/a", [], source))


def test_each_registry_counts_for_itself_and_each_blob_once() -> None:
    half = [blob(5, BUDGET // 2 + 1)]
    check(Publishing(), ("h:1/a", half, None), ("h:1/b", half, None), ("h:2/a", half, None))
    with pytest.raises(TransferBudgetError):
        check(Publishing(), ("h:1/a", half, None), ("h:1/b", [blob(6, BUDGET // 2)], None))


def test_what_is_not_worth_saying_is_not_said() -> None:
    sample = image(tar(noise(100)))
    assert check(Publishing(), ("h:1/a", list(sample.manifest.layers), None)) == []
