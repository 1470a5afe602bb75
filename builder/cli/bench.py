"""`m2build bench`: measure a server with the document's workloads, and compare what came out."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from m2build.cli.groups import Command, Group
from m2build.cli.numbers import COUNT
from m2build.cli.output import json_option, print_json, result, schema_option
from m2build.cli.paths import PATH, PATH_TEXT
from m2build.cli.progress import progress, progress_option
from m2build.errors import ContentError, UsageError, WouldChangeError

_SCENARIOS = ("low", "medium", "high", "all")


def _compared_schema() -> str:
    from m2build.printed import Comparison, schema_text

    return schema_text("bench compare", Comparison)


def _shown_schema() -> str:
    from m2build.printed import Measured, schema_text

    return schema_text("bench show", list[Measured])


@click.group(
    "bench",
    cls=Group,
    invoke_without_command=True,
    epilog="""\b
Examples:
  m2build bench --base-url http://127.0.0.1:8000 --container minimax --gpu MI300X -o ./runs
  m2build bench --base-url http://127.0.0.1:8000 --scenario low --repeat 3 -o ./runs
  m2build bench compare document ./runs --fail-if 'output_throughput < -5%'
""",
)
@click.option("--base-url", metavar="URL", help="The server's address, as seen from where the client runs.")
@click.option(
    "--scenario",
    type=click.Choice(_SCENARIOS),
    default="all",
    show_default=True,
    help="1, 16 or 100 requests at a time.",
)
@click.option("-o", "--output", metavar="DIR", type=PATH, help="The folder for results.")
@click.option("--repeat", metavar="N", type=COUNT, default=1, help="Runs of each scenario; default: 1.")
@click.option("--container", metavar="NAME", help="Run the client in this running container.")
@click.option("--image", metavar="NAME", help="Run the client in a new container of this image.")
@click.option(
    "--engine",
    type=click.Choice(["docker", "podman"]),
    default="docker",
    show_default=True,
    help="Whose container or image.",
)
@click.option("--python", metavar="PATH", default="python3", show_default=True, help="A local Python that has sglang.")
@click.option("--model", metavar="REPOSITORY", help="Whose tokenizer to use; default: the server's model.")
@click.option(
    "--dataset",
    metavar="FILE",
    type=PATH_TEXT,
    help="A file in ShareGPT's form; default: the client fetches ShareGPT.",
)
@click.option("--prompts", metavar="N", type=COUNT, help="Fewer prompts, for a trial.")
@click.option("--gpu", metavar="NAME", help="The server's GPUs, such as MI300X, for the bound of their memory.")
@click.option("--gpus", metavar="N", type=COUNT, help="How many; default: tp times pp of the server.")
@click.option("--fact", "facts", metavar="KEY=VALUE", multiple=True, help="A fact to store with them. Repeatable.")
@progress_option
@click.pass_context
def bench(
    context: click.Context,
    base_url: str | None,
    scenario: str,
    output: Path | None,
    repeat: int,
    container: str | None,
    image: str | None,
    engine: str,
    python: str,
    model: str | None,
    dataset: str | None,
    prompts: int | None,
    gpu: str | None,
    gpus: int | None,
    facts: tuple[str, ...],
    progress_mode: str,
) -> None:
    """Measure a server with SGLang's own benchmark client and the document's three workloads.

    The client runs with a local Python, in the server's --container or in an --image. A run counts only if every
    request was answered with text, and with as many tokens as the workload fixes. The server's API key is taken from
    OPENAI_API_KEY, and is not stored.
    """
    if context.invoked_subcommand:
        return
    from m2build import bench as library

    if base_url is None or output is None:
        raise UsageError("expected --base-url URL and -o DIR", hint="or `m2build bench compare`, `m2build bench show`")
    if container and image:
        raise UsageError("--container and --image exclude each other", hint="choose where the client runs")
    target = library.Target(base_url, model, dataset, gpu, gpus, _facts(facts))
    with ExitStack() as stack:
        if container:
            client = library.in_container(engine, container)
        elif image:
            client = stack.enter_context(library.in_image(engine, image))
        else:
            client = library.local(python)
        found = library.run_scenarios(
            target,
            library.scenarios(scenario, prompts=prompts),
            output,
            client=client,
            repeat=repeat,
            progress=progress(progress_mode),
        )
    result(*library.results_markdown(found))


def _facts(words: tuple[str, ...]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for word, (key, sign, _) in zip(words, pairs, strict=True):
        if not (key and sign):
            raise UsageError(f"expected KEY=VALUE, got {word!r}", hint="as in --fact image=NAME@DIGEST")
    return {key: value for key, _, value in pairs}


@bench.command(
    cls=Command,
    short_help="Compare results, workload by workload.",
    epilog="""\b
Examples:
  m2build bench compare document ./runs
  m2build bench compare ./before ./after --fail-if 'output_throughput < -5%' --fail-if 'p99_ttft_ms >20%'
""",
)
@click.argument("before", type=PATH_TEXT)
@click.argument("after", type=PATH_TEXT)
@click.option("--fail-if", "conditions", metavar="CONDITION", multiple=True, help="A change to refuse. Repeatable.")
@click.option("--gpu", metavar="NAME", help="The GPUs of AFTER, such as MI300X, if its results do not say.")
@click.option("--gpus", metavar="N", type=COUNT, help="How many, likewise.")
@json_option
@schema_option(_compared_schema, "--json")
def compare(
    before: str, after: str, conditions: tuple[str, ...], gpu: str | None, gpus: int | None, as_json: bool
) -> None:
    """Compare results, workload by workload: folders, files, or `document` for the document's tables.

    A change within the range of repeated runs counts as noise. The exit code is 14 if a condition of --fail-if holds,
    and 5 if a run is not a measurement or lies above what its GPUs' memory allows.
    """
    from m2build import bench as library

    gates = [library.gate(condition) for condition in conditions]
    found = library.compare(library.read_results(before), library.read_results(after, gpu=gpu, gpus=gpus))
    failures = [failure for one in gates for failure in one.failures(found)]
    if as_json:
        print_json({"comparisons": library.comparison_document(found), "failures": failures})
    else:
        result(*library.comparison_markdown(found))
    if impossible := [said for one in found for said in one.impossible]:
        raise ContentError(impossible[0], hint="check the clock, the client and what the server returns")
    if failures:
        raise WouldChangeError("results are worse than --fail-if allows", details=failures)


@bench.command(
    cls=Command,
    short_help="Show results, and the bound of their GPUs' memory.",
    epilog="""\b
Examples:
  m2build bench show document
  m2build bench show ./runs/low.jsonl --json
""",
)
@click.argument("place", type=PATH_TEXT)
@json_option
@schema_option(_shown_schema, "--json")
def show(place: str, as_json: bool) -> None:
    """Show results, the bound of their GPUs' memory, and what to keep in mind when reading them."""
    from m2build import bench as library

    found = library.read_results(place)
    if as_json:
        print_json(library.results_document(found))
    else:
        result(*library.results_markdown(found))
