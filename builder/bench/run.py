"""Runs of the document's scenarios with SGLang's own client: measured, checked, stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from m2build import __version__
from m2build.bench.checks import faults, remarks
from m2build.bench.client import Client, Opened
from m2build.bench.lines import parsed, result_from, slim
from m2build.bench.result import Result
from m2build.bench.roofline import BANDWIDTHS, impossible
from m2build.bench.stored import check_free, store, without_secrets
from m2build.bench.workload import SEED, Scenario
from m2build.documents.arguments import typed_arguments
from m2build.documents.suggest import did_you_mean
from m2build.errors import ContentError, UsageError
from m2build.progress import Progress, Silent


@dataclass(frozen=True)
class Target:
    """The server to measure, and what its user says of it.

    Attributes:
        base_url: its address, as `http://127.0.0.1:8000`.
        model: whose tokenizer the client uses, a repository or a folder; None asks the server for its model.
        dataset: a JSON file in ShareGPT's form, there where the client runs; None lets the client fetch ShareGPT.
        gpu: the kind of its GPUs, as `MI300X`.
        gpus: how many; None takes them from the server's tensor and pipeline parallel sizes.
        facts: whatever else is to stand in the sidecar, as the image of a server that runs elsewhere.
    """

    base_url: str
    model: str | None = None
    dataset: str | None = None
    gpu: str | None = None
    gpus: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    def arguments(self, scenario: Scenario) -> tuple[str, ...]:
        """The client's arguments for a scenario: the document's, a warm-up, and its outcome request by request.

        The cache is flushed after the warm-up, so that neither it nor an earlier run has left the prompts there.
        """
        return (
            *("--backend", "sglang", "--base-url", self.base_url.rstrip("/")),
            *(("--model", self.model) if self.model else ()),
            *("--dataset-name", "random", *(("--dataset-path", self.dataset) if self.dataset else ())),
            *("--random-input-len", "1000", "--random-output-len", "1000", "--seed", str(SEED)),
            *("--num-prompts", str(scenario.prompts), "--max-concurrency", str(scenario.max_concurrency)),
            *("--request-rate", "inf", "--warmup-requests", str(scenario.warmup), "--flush-cache"),
            *("--disable-tqdm", "--output-details"),
        )


@typed_arguments
def run_scenarios(
    target: Target,
    chosen: Sequence[Scenario],
    folder: Path,
    *,
    client: Client,
    repeat: int = 1,
    progress: Progress | None = None,
) -> tuple[Result, ...]:
    """Run scenarios, each `repeat` times, and store what came out in a folder.

    A scenario's runs are lines of `NAME.jsonl`, and `NAME.json` says what was measured; both are written anew after
    each run. Secrets are in neither.

    Raises:
        UsageError: the address is none, or the folder has results of these scenarios already.
        TransportError: the server does not answer.
        EngineError: the client is missing or fails.
        ContentError: a run is not a valid measurement: requests failed, streams were empty, or the tokens are not
            those that the workload fixes. Nothing of that run is stored.
        StorageError: results cannot be written.
    """
    if not target.base_url.startswith(("http://", "https://")):
        raise UsageError(f"{target.base_url!r} is not an address", hint="as in --base-url http://127.0.0.1:8000")
    progress = progress or Silent()
    if target.gpu and target.gpu not in BANDWIDTHS:
        progress.notice(f"no bound of memory is known for the GPU {did_you_mean(target.gpu, BANDWIDTHS)}")
    paths = {scenario.name: folder / f"{scenario.name}.jsonl" for scenario in chosen}
    check_free([*paths.values()])
    opened = client.opened()
    try:
        runs = _Runs(opened, target, repeat, progress)
        return tuple(result for scenario in chosen for result in runs.of(scenario, paths[scenario.name]))
    finally:
        opened.close()


@dataclass(frozen=True)
class _Runs:
    """The runs of scenarios against one server."""

    opened: Opened
    target: Target
    repeat: int
    progress: Progress

    def of(self, scenario: Scenario, path: Path) -> Iterator[Result]:
        """Measure, check and store each run of a scenario."""
        lines: list[Mapping[str, object]] = []
        started = _now()
        for number in range(1, self.repeat + 1):
            source = f"{path}, line {number}" if self.repeat > 1 else str(path)
            load = f"{scenario.prompts} prompts, {scenario.max_concurrency} at a time"
            self.progress.step(f"{scenario.name}: {load}, run {number} of {self.repeat}")
            written = self.opened.measure(self.target.arguments(scenario), self.progress)
            line = without_secrets(parsed(written, "the client's result"))
            about = _about(self.opened, self.target, scenario, line)
            _check(result_from(line, source, about), scenario)
            lines.append(line)
            store(path, lines, {**about, "runs": number, "started": started, "finished": _now()})
            result = result_from(parsed(slim(line), source), source, about)
            for said in (*impossible(result), *remarks(result)):
                self.progress.notice(f"{scenario.name}: {said}")
            yield result


def _check(result: Result, scenario: Scenario) -> None:
    if problems := faults(result, scenario.workload):
        raise ContentError(
            f"{scenario.name} is not a valid measurement: {'; '.join(problems)}",
            hint="see the server's log; nothing of this run was stored",
        )


def _about(opened: Opened, target: Target, scenario: Scenario, line: Mapping[str, object]) -> dict[str, object]:
    """The sidecar. What cannot be found out is null."""
    server = line.get("server_info")
    server = server if isinstance(server, Mapping) else {}
    image = opened.client.image
    sizes = [server.get(key) for key in ("tp_size", "pp_size")]
    known = [size for size in sizes if isinstance(size, int)]
    return without_secrets(
        {
            "schema": 1,
            "m2build": __version__,
            "scenario": scenario.name,
            "command": ["python3", "-m", opened.module, *target.arguments(scenario)],
            "client": {"sglang": opened.release, "python": opened.python, "where": opened.client.where},
            "image": {key: image[key] for key in ("id", "names", "digests")} if image else None,
            "recipe": image.get("recipe"),
            "profile": image.get("profile"),
            "model": server.get("model_path") or target.model or image.get("model"),
            "gpu": target.gpu,
            "gpus": target.gpus or (known[0] * (known[1] if len(known) > 1 else 1) if known else None),
            "sglang": server.get("version"),
            "kvCacheDtype": server.get("kv_cache_dtype"),
            "warmup": scenario.warmup,
            "facts": dict(target.facts),
        }
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
