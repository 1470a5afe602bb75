"""The order in which layers are begun: what a history points at, how many are begun, and that the answer stays."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.images import WatchedBlobs, image
from helpers.layers.stack_model import apply, stacks, to_tar
from hypothesis import given, settings
from hypothesis import strategies as st

from m2build.layers.filesystem import read_filesystem
from m2build.layers.members import Wanted, wanted_for
from m2build.layers.order import Order, in_flight, pointed_at
from m2build.oci.image import Image
from m2build.progress import Silent

W_TREE = Wanted(frozenset({"w"}))
SGLANG = wanted_for(["/sgl-workspace/sglang/python"], ["sgl-workspace"])
MARKED = Wanted(frozenset(), markers=frozenset({"vllm/__init__.py"}))
ARGUMENTS = "|3 BUILD_TYPE=all SGL_REPO=https://github.com/sgl-project/sglang.git GPU=gfx942"
CLONE = (
    f'RUN {ARGUMENTS} /bin/sh -c git clone ${{SGL_REPO}} && cd sglang && pip install -e "python[all_hip]" # buildkit'
)


@pytest.mark.parametrize(
    ("steps", "wanted", "pointed"),
    [
        (["FROM rocm", CLONE, f"RUN {ARGUMENTS} /bin/sh -c pip cache purge # buildkit"], SGLANG, 1),
        ([CLONE, "RUN /bin/sh -c find /sgl-workspace/sglang/python -name '*MI300X*' # buildkit"], SGLANG, 1),
        ([CLONE, "RUN /bin/sh -c cd /sgl-workspace/sglang/gateway && pip install wheel # buildkit"], SGLANG, 1),
        (["/bin/sh -c #(nop) COPY dir:12ab in /sgl-workspace/sglang ", "/bin/sh -c pip install sglang"], SGLANG, 1),
        (["pip install sglang==0.5.7", "pip install sglang==0.5.8", "echo sglang > /etc/motd"], SGLANG, 1),
        (["RUN pip install sglang-router", "RUN pip install sgl-kernel"], SGLANG, None),
        (["RUN pip install vllm", "RUN echo 1"], MARKED, 1),
        (["RUN pip install vllm", "RUN echo 1"], wanted_for(["/usr/lib/python3/dist-packages"], []), None),
        (["RUN pip install vllm", "RUN echo 1"], wanted_for(["/opt/venv/lib/python3.12/site-packages/vllm"], []), 1),
        ([None, 7, CLONE], SGLANG, 0),
        ([], SGLANG, None),
    ],
)
def test_the_history_points_at_the_layer_that_brought_the_sources(
    steps: list[Any], wanted: Wanted, pointed: int | None
) -> None:
    history = [{"created_by": "ENV A=sglang", "empty_layer": True}, *({"created_by": step} for step in steps)]
    assert pointed_at(history, len(steps), wanted) == pointed
    assert pointed_at(history, len(steps) + 1, wanted) is None


@given(st.sets(st.integers(0, 30)), st.integers(0, 30), st.integers(1, 6), st.integers(0, 30), st.booleans())
def test_no_more_layers_are_begun_than_may_be_in_flight(
    worth: set[int],
    pointed: int,
    most: int,
    end: int,
    is_read: bool,  # noqa: FBT001
) -> None:
    order = Order(tuple(sorted(worth)), pointed if pointed in worth else None, most)
    begun: set[int] = set()
    for needed in range(end + 1):
        ahead = order.ahead(needed, is_pointed_read=is_read and pointed in begun)
        assert ahead[:1] != (pointed,) or pointed > needed
        assert len(ahead) == len(set(ahead))
        assert len(ahead) < most or (is_read and pointed in ahead and len(ahead) == most)
        begun |= {needed, *ahead}
    assert sum(position > end for position in begun) <= most


def test_layers_in_flight_follow_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for processors, expected in ((1, 3), (2, 4), (64, 4)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, count=processors: set(range(count)))
        assert in_flight() == expected


STEPS = st.sampled_from(["COPY x /w", "RUN pip install w", "RUN echo w", "RUN true"])


@settings(deadline=None, max_examples=60)
@given(stacks(), st.lists(STEPS, min_size=4, max_size=4), st.integers(1, 4))
def test_any_order_gives_what_unpacking_gives(
    layers: list[list[tuple[str, str, bytes]]], steps: list[str], most: int
) -> None:
    expected: dict[str, bytes | None] = {}
    for layer in layers:
        expected = apply(expected, layer)
    history = [{"created_by": step} for step in steps[: len(layers)]]
    sample = image(*(to_tar(layer) for layer in layers), how="plain", history=history)
    opened = []
    for number in (1, most):
        blobs = WatchedBlobs(sample.blobs)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("m2build.layers.reader._LARGE", 0)
            patch.setattr("m2build.layers.reader.in_flight", lambda number=number: number)
            found = read_filesystem(Image(sample.manifest, sample.config, blobs), W_TREE, Silent())
        assert {path: member.content if member.kind == "file" else None for path, member in found.items()} == expected
        opened.append(len({layer.digest for layer in blobs.opened}))
    assert opened[1] <= opened[0] + most
