"""`m2build kubernetes`: the objects that serve an image in a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

import m2build
from m2build import running
from m2build.cli.container import arguments_argument, selecting
from m2build.cli.groups import Command
from m2build.cli.numbers import COUNT_OR_NONE
from m2build.cli.output import result
from m2build.cli.paths import PATH
from m2build.errors import UsageError

_ANY = "any"


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # Two replicas with 4 GPUs each fill a node of 8.
  m2build kubernetes --tp 4 --replicas 2 --image REGISTRY/minimax-m2:tp4 -o ./serving
  kubectl apply -k ./serving
""",
)
@selecting
@click.option("--image", metavar="NAME", required=True, help="The image, as the cluster can pull it.")
@click.option("--replicas", metavar="N", type=COUNT_OR_NONE, default=1, show_default=True, help="How many pods.")
@click.option(
    "--nodes",
    metavar="LABEL=VALUE[,VALUE...]",
    help="Nodes that may run it; `any`: all that have GPUs. Default: MI300X, by the labels of AMD's node labeller.",
)
@click.option("-o", "--output", required=True, type=PATH, help="The new folder to write.")
@arguments_argument
def kubernetes(
    selection: m2build.Selection,
    image: str,
    replicas: int,
    nodes: str | None,
    output: Path,
    arguments: tuple[str, ...],
) -> None:
    """Write Kubernetes' objects that serve an image, with a kustomization for `kubectl apply -k`.

    A Deployment, a Service, a claim for the models, and a disruption budget. They pass Pod Security's level baseline.
    ARGUMENTS are appended to the server's. The token for Hugging Face is read from the Secret huggingface, if there is
    one.
    """
    container = running.Container(selection, image, arguments=arguments)
    where = {} if nodes is None else {"nodes": _nodes(nodes)}
    m2build.patches.write_tree(running.render_kubernetes(container, replicas=replicas, **where), output)
    result(str(output))


def _nodes(text: str) -> tuple[str, Sequence[str]] | None:
    if text == _ANY:
        return None
    label, _, values = text.partition("=")
    if not label or not all(values.split(",")):
        raise UsageError(f"--nodes {text!r} is not a label with values", hint="as in --nodes amd.com/gpu.family=AI")
    return label, values.split(",")
