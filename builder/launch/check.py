"""Whether a base's server accepts a recipe's launch flags, and what else is known to break with them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from m2build.documents.arguments import typed_arguments
from m2build.documents.shown import shown
from m2build.errors import LaunchError, UsageError
from m2build.launch.findings import Finding
from m2build.launch.flags.extract import SERVER_PATH, extract_flags
from m2build.launch.flags.model import NotProvableError
from m2build.launch.flags.parsing import parse_words
from m2build.launch.flags.server import ServerFlags
from m2build.launch.proof import LaunchProof
from m2build.launch.rules import selection_findings
from m2build.patches.tree import SourceTree

if TYPE_CHECKING:
    from m2build.recipes.model import Selection


@dataclass(frozen=True)
class Launched:
    """What rules look at: one launch configuration, as the server reads it.

    Attributes:
        selection: the recipe, its profile and its model.
        release: the server's release, or None if its sources do not say.
        values: what each flag stores, by its `dest` (`tp_size`), or its default. What is not known is not there.
        variables: the environment of the base's config.
    """

    selection: Selection
    release: str | None
    values: Mapping[str, object]
    variables: Mapping[str, str]


def _of_shapes(launched: Launched) -> Iterator[Finding]:
    return selection_findings(launched.selection, launched.values, launched.release, launched.variables)


RULES: tuple[Callable[[Launched], Iterable[Finding]], ...] = (_of_shapes,)
"""What else is checked of a command line that the server accepts. Every rule is called here and nowhere else."""


@typed_arguments
def server_flags(*trees: SourceTree) -> ServerFlags:
    """The launch flags of the SGLang server in one of several source trees, read without running it.

    Raises:
        UsageError: there is none, or its flags are defined in a way that is not understood.

    Example:
        >>> import m2build
        >>> with m2build.Session() as session:
        ...     flags = m2build.server_flags(session.sources("pypi:sglang==0.5.7"))
        >>> flags.by_name["--ep"].names, flags.by_name["--ep"].type
        (('--expert-parallel-size', '--ep-size', '--ep'), 'int')
    """
    found = read_server(trees)
    if isinstance(found, ServerFlags):
        return found
    raise UsageError(
        f"the launch flags of {trees[0].origin} cannot be read: {found}",
        hint="m2build reads those of SGLang; docs/launch.md says from which releases",
    )


@typed_arguments
def check_launch(selection: Selection, *trees: SourceTree, variables: Mapping[str, str] | None = None) -> LaunchProof:
    """Check that the server in one of several source trees accepts a selection's command line.

    Where that cannot be known, as for another server than SGLang, the result says so, and why.

    Args:
        selection: the recipe, its profile and its model.
        trees: the base's sources, as `session.sources(…)` or `session.recipe_sources(recipe, base)` gives them.
        variables: the base's environment, `base.config.environment`; the recipe's goes over it. None if not known.

    Raises:
        LaunchError: the server does not accept the flags, or cannot run with them; its details say what and why.

    Example:
        >>> import m2build
        >>> with m2build.Session() as session:
        ...     tree = session.sources("pypi:sglang==0.5.7")
        >>> m2build.check_launch(m2build.load_recipe("minimax-m2").select(tp=8), tree).server
        'SGLang 0.5.7'
    """
    return prove(selection, read_server(trees), variables or {})


def read_server(trees: Sequence[SourceTree]) -> ServerFlags | str:
    """The launch flags of the server in one of several source trees, or the reason why they cannot be read."""
    tree = next((tree for tree in trees if SERVER_PATH in tree), trees[0])
    try:
        return extract_flags(tree)
    except NotProvableError as error:
        return str(error)


def prove(selection: Selection, server: ServerFlags | str, variables: Mapping[str, str]) -> LaunchProof:
    """What `check_launch` does, with flags that were read before, or the reason why they could not be.

    Raises:
        LaunchError: as `check_launch`.
    """
    if isinstance(server, str):
        return LaunchProof(None, reason=server)
    try:
        parsed = parse_words(server, server_words(selection.command))
    except NotProvableError as error:
        return LaunchProof(None, reason=str(error))
    findings = list(parsed.findings)
    if not findings:
        launched = Launched(selection, server.release, parsed.values, variables)
        findings += [finding for rule in RULES for finding in rule(launched)]
    fatal = [finding for finding in findings if finding.is_fatal]
    if fatal:
        raise LaunchError(
            f"{server.title} does not start with the launch flags of {selection.recipe.name}, {selection.profile_id}",
            details=[line for finding in fatal for line in (finding.message, f"    {finding.hint} [{finding.source}]")],
            hint="correct the profile's flags; `m2build check` tries them without making an image",
        )
    return LaunchProof(server.title, warnings=tuple(findings), unjudged=parsed.unjudged)


def server_words(command: Sequence[str]) -> Sequence[str]:
    """The words of a command line that SGLang's parser gets.

    Raises:
        NotProvableError: the command starts the server in another way than those that are known.

    >>> server_words(["python3", "-m", "sglang.launch_server", "--tp", "8"])
    ['--tp', '8']
    """
    for at in range(len(command) - 1):
        if command[at] == "-m" and command[at + 1] == "sglang.launch_server":
            return command[at + 2 :]
    words = command[2:]
    is_serve = [PurePosixPath(command[0]).name, *command[1:2]] == ["sglang", "serve"]
    is_model_typed = any(word.partition("=")[0] == "--model-type" for word in words)
    if is_serve and words and words[0].startswith("-") and not is_model_typed:
        return words
    raise NotProvableError(f"how {shown(' '.join(command[:3]))} starts a server is not known")
