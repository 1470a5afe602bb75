"""SGLang 0.5.7's real client against a stand-in for the server: what is measured, stored, and refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from helpers.serving.sglang_client import client_python, conversations, tokenizer
from helpers.serving.token_stream import API_KEY, StandIn, serving

from m2build import bench
from m2build.bench.table import read_tables
from m2build.bench.workload import SCENARIOS, Scenario
from m2build.errors import ContentError, TransportError

pytestmark = pytest.mark.sweep  # the client has an environment of its own, which takes long to install


class Heard:
    """A progress that keeps the client's lines and the notices."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notices: list[str] = []

    def step(self, message: str) -> None: ...

    def transfer(self, label: str, done: int, total: int) -> None: ...

    def output(self, line: str) -> None:
        self.lines.append(line)

    def notice(self, sentence: str) -> None:
        self.notices.append(sentence)


@pytest.fixture(scope="session")
def client(request: pytest.FixtureRequest, sglang_wheel: Path) -> bench.Client:
    assert request.config.cache is not None
    return bench.local(str(client_python(request.config.cache.mkdir("sglang-client"), sglang_wheel)))


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # or each run would compile the client anew


def target(stand_in: StandIn, folder: Path, prompts: int = 10) -> bench.Target:
    model, dataset = tokenizer(folder / "tokenizer"), conversations(folder / "conversations.json", prompts)
    return bench.Target(stand_in.base_url, str(model), str(dataset), gpu="MI300X")


def test_a_run_is_measured_stored_and_read_again(client: bench.Client, tmp_path: Path) -> None:
    heard, stand_in = Heard(), StandIn(first=0.02, each=0.001, chunk=64, cold=4)
    scenario = Scenario("low", 1, 4)
    with serving(stand_in):
        (result,) = bench.run_scenarios(target(stand_in, tmp_path), [scenario], tmp_path, client=client, progress=heard)
    assert stand_in.paths.count("/generate") == scenario.warmup + scenario.prompts
    assert result.figures["completed"] == 4
    assert (result.workload.input_tokens, result.workload.output_tokens) == (
        scenario.workload.input_tokens,
        scenario.workload.output_tokens,
    )
    assert 20 <= result.figures["median_ttft_ms"] < 1000
    assert 1 <= result.figures["median_tpot_ms"] < 50
    assert "low: cold start: mean TTFT" in heard.notices[0]

    assert [path.name for path in sorted(tmp_path.glob("low*"))] == ["low.json", "low.jsonl"]
    stored = {path: path.read_text() for path in tmp_path.glob("low*")}
    assert [API_KEY in text for text in stored.values()] == [False, False]
    sidecar = json.loads(stored[tmp_path / "low.json"])
    assert sidecar["client"] == {"sglang": "0.5.7", "python": sidecar["client"]["python"], "where": "local"}
    assert (sidecar["sglang"], sidecar["model"], sidecar["gpu"], sidecar["gpus"]) == (
        *("0.5.7", "/models/MiniMax-M2.1", "MI300X", 4),
    )
    line = json.loads(stored[tmp_path / "low.jsonl"], parse_constant=pytest.fail)
    assert (line["server_info"]["api_key"], line["server_info"]["note"]) == ("***", "key ***")

    (again,) = bench.read_results(str(tmp_path / "low.jsonl"))
    assert (again.figures, again.workload, again.requests) == (result.figures, result.workload, result.requests)
    printed = "\n".join(heard.lines)
    (from_table,) = read_tables(printed, "stdout")
    assert from_table.workload.differences(again.workload) == ()
    shown = bench.render_table(from_table)
    assert shown in f"{printed}\n", "the table is written as the client prints it, to the byte"


def test_a_run_that_is_no_measurement_is_refused(client: bench.Client, tmp_path: Path) -> None:
    """Of each kind one request: the client itself counts two of the three as successful, and ends with code 0."""
    faults = {1: "silent", 2: "error", 3: "short"}
    stand_in = StandIn(first=0, each=0, chunk=1000, faults=faults)
    with serving(stand_in), pytest.raises(ContentError) as caught:
        bench.run_scenarios(target(stand_in, tmp_path), [Scenario("low", 1, 6)], tmp_path, client=client)
    said = str(caught.value)
    assert "1 of 6 requests failed: Internal Server Error" in said
    assert "1 of 6 streams were empty, although the client counts them as successful" in said
    assert "expected 6 successful requests, got 5" in said
    assert re.search(r"expected \d+ generated tokens, which the workload fixes, got \d+", said)
    assert list(tmp_path.glob("low*")) == []


def test_the_three_scenarios_come_out_with_the_documents_tokens(client: bench.Client, tmp_path: Path) -> None:
    """All 590 requests, from a server that is some hundred times as fast as the document's."""
    stand_in = StandIn(first=0.004, each=0.0001, chunk=100)
    with serving(stand_in):
        found = bench.run_scenarios(
            target(stand_in, tmp_path, 500), bench.scenarios("all"), tmp_path / "runs", client=client
        )
    document = bench.read_results("document")
    assert [result.name for result in found] == list(SCENARIOS)
    comparisons = bench.compare(document, bench.read_results(str(tmp_path / "runs")))
    fixed = ("completed", "total_input_tokens", "total_output_tokens")
    for comparison in comparisons:
        deltas = {delta.metric.key: delta for delta in comparison.deltas}
        assert [deltas[key].percent for key in fixed] == [0, 0, 0]
    assert any("impossible" in said for comparison in comparisons for said in comparison.impossible)


def test_a_server_that_does_not_answer_is_named(client: bench.Client, tmp_path: Path) -> None:
    silent = StandIn(base_url="http://127.0.0.1:9")
    with pytest.raises(TransportError, match=r"did not answer sglang\.bench_serving as it should"):
        bench.run_scenarios(target(silent, tmp_path), [Scenario("low", 1, 2)], tmp_path, client=client)
