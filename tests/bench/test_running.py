"""Where the client runs, how often, and what becomes of its lines: with a small client that measures nothing."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from helpers.engines.programs import script
from helpers.serving.fake_client import fake_client

from m2build import bench
from m2build.bench.stored import without_secrets
from m2build.errors import ContentError, EngineError, UsageError

SECRET = "sk-0123456789"
TARGET = bench.Target("http://127.0.0.1:1/", gpu="MI300X", facts={"host": "node-7"})
TRIAL = bench.scenarios("low", prompts=2)


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)


def arguments(path: Path) -> list[str]:
    found = json.loads(path.read_text().splitlines()[0])["arguments"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("release", "module"),
    [("0.5.4", "sglang.bench_serving"), ("0.5.15", "sglang.bench_serving"), ("0.5.16", "sglang.benchmark.serving")],
)
def test_the_client_is_found_where_its_release_has_it(release: str, module: str, tmp_path: Path) -> None:
    fake_client(tmp_path / "lib", release)
    bench.run_scenarios(TARGET, TRIAL, tmp_path / "runs", client=bench.local(sys.executable))
    assert json.loads((tmp_path / "runs/low.jsonl").read_text())["module"] == module
    sidecar = json.loads((tmp_path / "runs/low.json").read_text())
    assert (sidecar["client"]["sglang"], sidecar["command"][2]) == (release, module)


def test_repeated_runs_are_lines_of_one_file_and_hold_no_secret(tmp_path: Path) -> None:
    fake_client(tmp_path / "lib")
    found = bench.run_scenarios(TARGET, TRIAL, tmp_path / "runs", client=bench.local(sys.executable), repeat=3)
    assert [result.figures["output_throughput"] for result in found] == [40, 41, 42]
    texts = {path.name: path.read_text() for path in (tmp_path / "runs").iterdir()}
    assert texts.keys() == {"low.json", "low.jsonl"}
    assert [name for name, text in texts.items() if SECRET in text] == []
    sidecar = json.loads(texts["low.json"])
    assert (sidecar["runs"], sidecar["gpus"], sidecar["facts"]) == (3, 8, {"host": "node-7"})
    again = bench.read_results(str(tmp_path / "runs"))
    assert [result.figures for result in again] == [result.figures for result in found]
    assert [result.about["gpu"] for result in again] == ["MI300X"] * 3


def test_the_arguments_are_the_documents_and_a_warm_up(tmp_path: Path) -> None:
    fake_client(tmp_path / "lib")
    target = bench.Target("http://127.0.0.1:1/", "MiniMaxAI/MiniMax-M2.1")
    bench.run_scenarios(target, TRIAL, tmp_path, client=bench.local(sys.executable))
    said = " ".join(arguments(tmp_path / "low.jsonl"))
    document = (
        "--backend sglang --base-url http://127.0.0.1:1 --model MiniMaxAI/MiniMax-M2.1 --dataset-name random "
        "--random-input-len 1000 --random-output-len 1000 --seed 1 --num-prompts 2 --max-concurrency 1 "
        "--request-rate inf --warmup-requests 2 --flush-cache --disable-tqdm --output-details --output-file "
    )
    assert said.startswith(document)


def test_results_that_exist_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "low.json").touch()
    with pytest.raises(UsageError, match=r"low\.json exists already"):
        bench.run_scenarios(TARGET, TRIAL, tmp_path, client=bench.local(sys.executable))


def test_other_totals_than_the_workloads_are_refused(tmp_path: Path) -> None:
    """As of a client with another seed, or of one that found fewer prompts in its data set."""
    fake_client(tmp_path / "lib")
    path = tmp_path / "lib/sglang/bench_serving.py"
    path.write_text(path.read_text().replace("(274, 982)", "(275, 982)"))
    with pytest.raises(ContentError, match="expected 274 input tokens, which the workload fixes, got 275"):
        bench.run_scenarios(TARGET, TRIAL, tmp_path, client=bench.local(sys.executable))
    assert not list(tmp_path.glob("low*"))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'localhost:8000' is not an address"):
        bench.run_scenarios(bench.Target("localhost:8000"), TRIAL, tmp_path, client=bench.local(sys.executable))
    with pytest.raises(EngineError, match="No module named 'sglang'") as caught:
        bench.run_scenarios(TARGET, TRIAL, tmp_path, client=bench.local(sys.executable))
    assert caught.value.hint == "give a Python that has sglang (--python), or the server's --container or --image"
    with pytest.raises(EngineError, match="no-python cannot be started"):
        bench.run_scenarios(TARGET, TRIAL, tmp_path, client=bench.local("no-python"))
    fake_client(tmp_path / "lib")
    (tmp_path / "lib/sglang/bench_serving.py").write_text("print('first'); raise SystemExit('a reason')")
    with pytest.raises(EngineError, match=r"sglang\.bench_serving failed: a reason") as caught:
        bench.run_scenarios(TARGET, TRIAL, tmp_path, client=bench.local(sys.executable))
    assert caught.value.details == ("first",)


def test_in_a_container_the_image_is_stored_and_no_secret_is_an_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in docker's place runs the container's Python here; engines themselves: tests/engines/real."""
    image = {
        "Id": "sha256:1",
        "RepoTags": ["m2:tp8"],
        "RepoDigests": ["m2@sha256:2"],
        "Config": {"Labels": {"dev.m2build.recipe": "minimax-m2", "dev.m2build.profile": "tp8"}},
    }
    log = tmp_path / "log"
    run = f'echo "$@" >> {log}; while [ "$1" != python3 ]; do shift; done; shift; exec {sys.executable} "$@"'
    script(
        tmp_path,
        "docker",
        ("container\\ inspect*minimax", "echo sha256:1"),
        ("image\\ inspect*sha256:1", f"echo '{json.dumps([image])}'"),
        ("exec*minimax\\ python3*", run),
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    fake_client(tmp_path / "lib")
    client = bench.in_container("docker", "minimax")
    bench.run_scenarios(TARGET, TRIAL, tmp_path / "runs", client=client)
    sidecar = json.loads((tmp_path / "runs/low.json").read_text())
    assert sidecar["image"] == {"id": "sha256:1", "names": ["m2:tp8"], "digests": ["m2@sha256:2"]}
    assert (sidecar["recipe"], sidecar["profile"], sidecar["client"]["where"]) == (
        *("minimax-m2", "tp8", "container minimax"),
    )
    assert SECRET not in log.read_text()
    assert "--env OPENAI_API_KEY " in log.read_text()


def test_secrets_of_the_server_go_by_their_names_and_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is too short to be looked for elsewhere, and those of a server that this process has no key of."""
    monkeypatch.delenv("OPENAI_API_KEY")
    server = {"api_key": "abc", "nested": [{"hf_token": SECRET, "eos": "abc"}], "log_level": f"--api-key {SECRET}"}
    assert without_secrets({"server_info": server, "tag": "http://user:pass@host/", "ssl_keyfile_password": None}) == {
        "server_info": {"api_key": "***", "nested": [{"hf_token": "***", "eos": "abc"}], "log_level": "--api-key ***"},
        "tag": "http://***@host/",
        "ssl_keyfile_password": None,
    }
