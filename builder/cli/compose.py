"""`m2build compose`: a Compose file that serves an image."""

from __future__ import annotations

import click

from m2build import running
from m2build.cli.container import choosing_container
from m2build.cli.groups import Command
from m2build.cli.output import result


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  m2build compose --tp 8 --image REGISTRY/minimax-m2:tp8 > compose.yaml
  export RENDER_GROUP=$(stat -c %g /dev/dri/renderD* | head -n 1)
  docker compose up -d
""",
)
@choosing_container
def compose(
    container: running.Container,
) -> None:
    """Print a Compose file that serves an image: what `m2build run` runs, with a restart after a crash.

    Compose takes HF_TOKEN, HF_HOME and RENDER_GROUP from its environment, or from a file .env beside its own.
    """
    result(*running.render_compose(container).splitlines())
