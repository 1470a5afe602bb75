"""`m2build size`: what a model takes of GPUs' memory, and how many tokens fit beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

import m2build
from m2build.cli import candidates
from m2build.cli.groups import Command
from m2build.cli.numbers import COUNT
from m2build.cli.output import json_option, print_json, result, schema_option
from m2build.cli.paths import PATH_TEXT
from m2build.errors import StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from m2build.launch.memory import MemoryFit

_LARGEST = 1 << 20
"""Bytes of a model's configuration; MiniMax-M3's has some kilobytes."""
_GPUS = ("MI300X", "MI325X", "MI355X")
_KV_TYPES = ("auto", "bf16", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2")
_ROW = "{:8} {:>3} {:>3} {:>12} {:>12} {:>13} {:>11} {:>11} {:>8}"


def _schema() -> str:
    from m2build.printed import MemoryFit, schema_text

    return schema_text("size", list[MemoryFit])


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  m2build size
  m2build size minimax-m2.7 --tp 4 --gpu MI300X --kv-cache-dtype fp8_e4m3
  # Another model, by its own configuration.
  m2build size --config ./config.json --json
""",
)
@click.argument("model", metavar="[MODEL]", required=False, shell_complete=candidates.served_models)
@click.option("--config", type=PATH_TEXT, help="Another model's config.json, as on Hugging Face.")
@click.option(
    "--tp",
    "tps",
    type=COUNT,
    metavar="N",
    multiple=True,
    help="A tensor parallel size; default: 2, 4 and 8. Repeatable.",
)
@click.option(
    "--gpu",
    "gpus",
    type=click.Choice(_GPUS),
    multiple=True,
    help="A GPU; default: all of them. Repeatable.",
)
@click.option(
    "--mem-fraction-static",
    type=float,
    metavar="N",
    default=0.85,
    show_default=True,
    help="The part of each GPU's memory for weights and KV cache, as the server takes it.",
)
@click.option(
    "--kv-cache-dtype",
    type=click.Choice(_KV_TYPES),
    default="auto",
    show_default=True,
    help="The type of keys and values, as the server takes it.",
)
@json_option
@schema_option(_schema, "--json")
def size(
    model: str | None,
    config: str | None,
    tps: tuple[int, ...],
    gpus: tuple[str, ...],
    mem_fraction_static: float,
    kv_cache_dtype: str,
    as_json: bool,
) -> None:
    """Show what a model takes of GPUs' memory, and how many tokens fit beside it.

    MODEL is a known one, by default minimax-m2.1. The figures are estimates: the server's log has its own
    (`max_total_num_tokens`).
    """
    if model is not None and config is not None:
        raise UsageError("MODEL and --config exclude each other", hint="leave one of them out")
    found = m2build.size(
        _configuration(config) if config is not None else model or "minimax-m2.1",
        tps=tps or (2, 4, 8),
        gpus=gpus,
        mem_fraction_static=mem_fraction_static,
        kv_cache_dtype=kv_cache_dtype,
    )
    if as_json:
        print_json([fit.document() for fit in found])
    else:
        result(*_table(found))


def _configuration(path: str) -> Mapping[str, object]:
    import json

    from m2build.local.reading import read_given

    try:
        document = json.loads(read_given(path, _LARGEST))
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} is not a JSON object", hint="give the config.json of a model on Hugging Face")
    return document


def _table(found: Sequence[MemoryFit]) -> Iterator[str]:
    headings = ("GPU", "tp", "ep", "weights", "KV pool", "KV a token", "tokens", "longest", "contexts")
    yield _ROW.format(*headings).rstrip()
    for fit in found:
        tp, ep, sizes = fit.topology.tp, fit.topology.ep, (_gib(fit.weights), _gib(fit.pool))
        counts = (f"{fit.token:,} B", f"{fit.tokens:,}", f"{fit.longest:,}", f"{fit.full_contexts:.1f}")
        yield _ROW.format(fit.gpu, tp, ep, *sizes, *counts)
    yield "Weights, KV pool and KV a token are those of one GPU. Contexts are full ones, at the same time."


def _gib(number: int) -> str:
    return f"{number / (1 << 30):.1f} GiB" if number > 0 else "none"
