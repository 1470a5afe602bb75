"""The build context: the Dockerfile, the files that it copies, and `.dockerignore`."""

from __future__ import annotations

from m2build.derivation.overlay import account_files
from m2build.derivation.plan import Plan
from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.layers.members import AUDIT_FOLDER
from m2build.rendering.folder import DOCKERFILE, IGNORE, Context, ignoring
from m2build.rendering.template import SHIPPED, expand, shipped_template
from m2build.rendering.values import ACCOUNT_SOURCE, template_values

_LONGEST_LINE = 65_535
"""Bytes; the longest line that docker and buildah read (Go's bufio.MaxScanTokenSize)."""

_LONGEST_INSTRUCTION = 131_000
"""Bytes; Linux allows 128 KiB for one argument (MAX_ARG_STRLEN), and the shell gets a whole RUN as one."""


@typed_arguments
def render(plan: Plan, template: str | None = None, *, name: str = "the template") -> Context:
    """The whole build context: path -> bytes, sorted, `Dockerfile` among them. Pure: the same plan, the same bytes.

    A container engine builds from it an image with the files, modes, owners and configuration of the embedded engine's
    image. Labels of the base that the embedded engine drops are present but empty.

    Args:
        plan: what to build.
        template: the text of a template to use instead of the shipped one.
        name: that template's name in messages.

    Raises:
        UsageError: the base has no name to pull it by, a value cannot be written in a Dockerfile, or the template
            does not parse, uses what does not exist, or prints a value without a filter.
        PatchError: the base has something that a Dockerfile cannot keep or cannot remove.
    """
    values = template_values(plan)
    text = expand(shipped_template(), SHIPPED, values) if template is None else expand(template, name, values)
    _check_length(text)
    account = {f"{ACCOUNT_SOURCE}{file.path.removeprefix(AUDIT_FOLDER)}": file.content for file in account_files(plan)}
    return Context(account | {DOCKERFILE: text.encode(), IGNORE: ignoring(account)})


def _check_length(text: str) -> None:
    instruction = 0
    for line in text.encode().split(b"\n"):
        instruction += len(line)
        if len(line) > _LONGEST_LINE or instruction > _LONGEST_INSTRUCTION:
            begin = line[:60].decode(errors="replace")
            raise UsageError(
                f"a line or an instruction of the Dockerfile would be too long to build: {begin}…",
                hint="build without a Dockerfile: `m2build image` needs no container engine",
            )
        if not line.rstrip().endswith(b"\\"):
            instruction = 0
