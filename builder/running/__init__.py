"""What runs an image: the command for Docker and podman, a Compose file, and Kubernetes' objects. Pure.

Example:
    >>> import m2build
    >>> from m2build import running
    >>> container = running.Container(m2build.load_recipe("minimax-m2").select(tp=8))
    >>> print(*running.run_command(container, engine="podman").split()[:4])
    podman run --init --name=minimax-m2-1-tp8
    >>> running.render_compose(container).splitlines()[2].strip()
    'image: m2build/minimax-m2.1:tp8'
    >>> list(running.render_kubernetes(container))[0]
    'budget.yaml'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from m2build.late import late_names

if TYPE_CHECKING:
    from m2build.running.command import run_command
    from m2build.running.compose import render_compose
    from m2build.running.kubernetes import render_kubernetes
    from m2build.running.model import Container, Devices
    from m2build.running.security import Rules, Security

_HOMES = {
    "Container": "m2build.running.model",
    "Devices": "m2build.running.model",
    "Rules": "m2build.running.security",
    "Security": "m2build.running.security",
    "render_compose": "m2build.running.compose",
    "render_kubernetes": "m2build.running.kubernetes",
    "run_command": "m2build.running.command",
}
"""Where each name is defined."""

__all__ = ["Container", "Devices", "Rules", "Security", "render_compose", "render_kubernetes", "run_command"]


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would accept a misspelt name
    __getattr__ = late_names(__name__, _HOMES)
