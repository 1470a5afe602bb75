"""`m2build bench` by command: what it prints, and its exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import pytest
from helpers.commands import m2build, refused, succeeds
from helpers.serving.fake_client import fake_client

from m2build.bench.workload import SCENARIOS
from m2build.cli.bench import bench

TABLES = (Path(__file__).parents[1] / "helpers/serving/document_tables.txt").read_text(encoding="utf-8")
RUN = ("bench", "--base-url", "http://127.0.0.1:1", "--python", sys.executable, "--prompts", "2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "document.txt").write_text(TABLES)
    (tmp_path / "slower.txt").write_text(TABLES.replace("511.05", "480.00"))
    (tmp_path / "low.txt").write_text(TABLES.partition("\n\n")[0])
    return tmp_path


def test_the_command_knows_the_scenarios_of_the_library() -> None:
    (option,) = [option for option in bench.params if option.name == "scenario"]
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == [*SCENARIOS, "all"]


def test_a_run_prints_a_table_and_stores_what_compare_reads(folder: Path) -> None:
    environment = {"PYTHONPATH": str(fake_client(folder / "lib")), "OPENAI_API_KEY": "sk-0123456789"}
    words = (*RUN, "--scenario", "low", "--fact", "host=a=b", "--gpu", "MI300X", "-o", "runs", "--progress", "plain")
    run = m2build(*words, cwd=folder, environment=environment)
    assert run.returncode == 0, run.stderr
    assert "| Output token throughput (tok/s) | 40.00 |\n" in run.stdout
    assert "low: 2 prompts, 1 at a time, run 1 of 1\n" in run.stderr
    assert "sk-0123456789" not in run.stdout + run.stderr
    assert json.loads((folder / "runs/low.json").read_text())["facts"] == {"host": "a=b"}
    assert "| 40.00 | 40.00 | +0.0 % | same |" in succeeds("bench", "compare", "runs", "runs/low.jsonl", cwd=folder)
    assert "low.jsonl exists already" in refused(2, *words[:-2], cwd=folder, environment=environment)


def test_show_has_the_document_with_its_bound_and_its_cold_start() -> None:
    shown = succeeds("bench", "show", "document")
    assert "| Output token throughput (tok/s) | 30.47 | 511.05 | 1,642.64 |\n" in shown
    assert "- low: cold start: mean TTFT 4,490 ms against median 382 ms;" in shown
    assert "| Bound of memory (tok/s) | 1,862 | 3,508 | 8,887 |\n" in shown
    found = json.loads(succeeds("bench", "show", "document", "--json"))
    assert [one["figures"]["max_itl_ms"] for one in found] == [23.61, 632.37, 956.82]


def test_compare_says_what_changed_and_ends_with_14_if_a_gate_fails(folder: Path) -> None:
    words = ("bench", "compare", "document", "slower.txt")
    assert "| Output token throughput (tok/s) | 511.05 | 480.00 | -6.1 % | worse |\n" in succeeds(*words, cwd=folder)
    assert succeeds(*words, "--fail-if", "output_throughput < -7%", cwd=folder)
    failed = m2build(*words, "--fail-if", "output_throughput < -5%", cwd=folder)
    assert failed.returncode == 14
    assert "-6.1 % | worse" in failed.stdout
    assert failed.stderr == (
        "m2build: results are worse than --fail-if allows\n"
        "    medium: output_throughput changed by -6.1 %, and the limit is output_throughput < -5%\n"
    )
    assert "Memory of 8 x MI325X allows" in succeeds(*words, "--gpu", "MI325X", "--gpus", "8", cwd=folder)
    as_json = json.loads(m2build(*words, "--json", "--fail-if", "output_throughput < -5%", cwd=folder).stdout)
    assert len(as_json["failures"]) == 1
    medium = as_json["comparisons"][1]
    assert (medium["name"], medium["figures"]["output_throughput"]["verdict"]) == ("medium", "worse")


def test_a_result_above_the_bound_is_called_impossible(folder: Path) -> None:
    (folder / "fast.jsonl").write_text(
        json.dumps(
            {
                "max_concurrency": 1,
                "completed": 10,
                "total_input_tokens": 6101,
                "total_output_tokens": 4220,
                "output_throughput": 2500.0,
                "request_rate": "inf",
                "backend": "sglang",
            }
        )
    )
    (folder / "fast.json").write_text('{"gpu": "MI300X", "gpus": 4}')
    run = m2build("bench", "compare", "document", "fast.jsonl", cwd=folder)
    assert run.returncode == 5
    assert "impossible: 2,500 output tok/s, and memory allows at most 1,862" in run.stderr
    assert "- low: impossible: 2,500 output tok/s" in succeeds("bench", "show", "fast.jsonl", cwd=folder)
    assert "- Memory of 4 x MI300X allows at most 1,862 output tok/s at 1 requests" in run.stdout


def test_text_of_results_stays_text(folder: Path) -> None:
    """A file's name stands in remarks, which a page may show as Markdown."""
    name = "x](javascript:alert(1))<img src=x>`|.txt"
    (folder / name).write_text((folder / "low.txt").read_text())
    shown = succeeds("bench", "compare", "document", name, cwd=folder)
    assert r"- x\](javascript:alert(1))\<img src=x\>\`\|.txt: cold start" in shown


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        (2, ("bench", "--scenario", "low"), "expected --base-url URL and -o DIR"),
        (2, (*RUN, "-o", "runs", "--image", "a", "--container", "b"), "exclude each other"),
        (2, (*RUN, "-o", "runs", "--fact", "host"), "expected KEY=VALUE, got 'host'"),
        (2, ("bench", "compare", "low.txt", "document"), "concurrency 16, 100 has no run to compare with"),
        (2, ("bench", "compare", "document", "absent"), "there are no results at absent"),
        (2, ("bench", "compare", "document", "low.txt", "--fail-if", "speed < 1%"), "there is no figure 'speed'"),
        (2, ("bench", "compare", "document", "low.txt", "--gpu", "MI300"), "did you mean 'MI300X'"),
        (9, ("bench", "--base-url", "http://x", "--python", "no-python", "-o", "runs"), "no-python cannot be started"),
    ],
)
def test_what_cannot_be_done_is_refused(code: int, words: tuple[str, ...], said: str, folder: Path) -> None:
    assert said in refused(code, *words, cwd=folder)
    assert not (folder / "runs").exists()
