"""`m2build completion`: the completion script of a shell, and the answers to its requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from m2build.cli.candidates import paths
from m2build.cli.groups import Command
from m2build.cli.output import result, result_candidate
from m2build.cli.typed import typed

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_BASH = r"""
_m2build_completion() {
    local candidate
    COMPREPLY=()
    while IFS= read -r candidate; do
        COMPREPLY+=("$candidate")
    done < <(_M2BUILD_COMPLETE=bash "$1" "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
    # No space after a slash, a colon or an equals sign: the word goes on.
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/:=] ]]; then
        compopt -o nospace
    fi
}
complete -F _m2build_completion m2build
"""
_ZSH = r"""
#compdef m2build
_m2build() {
    local line value answer
    local -a open closed shown
    answer=$(_M2BUILD_COMPLETE=zsh "${words[1]}" "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    for line in "${(@f)answer}"; do
        value=${line%%$'\t'*}
        if [[ $value == *[/:=] ]]; then
            open+=("$value")
        elif [[ -n $value ]]; then
            closed+=("$value")
            shown+=("${line/$'\t'/  -- }")
        fi
    done
    # No space after a slash, a colon or an equals sign: the word goes on.
    (( $#open )) && compadd -S '' -a open
    (( $#closed )) && compadd -l -d shown -a closed
}
# Either this is the first call of a function in $fpath, or `eval` reads the script.
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _m2build "$@"
else
    compdef _m2build m2build
fi
"""
_FISH = r"""
function __m2build_complete
    set --local words (commandline --tokenize --current-process --cut-at-cursor)
    set --local current (commandline --current-token --cut-at-cursor | string unescape)
    _M2BUILD_COMPLETE=fish $words[1] $words "$current" 2>/dev/null
end
complete --command m2build --no-files --arguments '(__m2build_complete)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  # In ~/.bashrc, or in ~/.zshrc after compinit:
  eval "$(m2build completion bash)"
  m2build completion fish > ~/.config/fish/completions/m2build.fish
""",
)
@click.argument("shell", type=click.Choice(list(_SCRIPTS)))
def completion(shell: str) -> None:
    """Print the completion script for a shell."""
    result(*_SCRIPTS[shell].strip().splitlines())


def answer(command: click.Command, shell: str, arguments: Sequence[str]) -> None:
    """Print the completions of a command line's last word: one a line, for zsh and fish with a description.

    On any error, such as a broken recipe, print nothing: a message would land in the line that is being typed.

    Args:
        command: the `m2build` command.
        shell: the shell that asks.
        arguments: from bash, the line up to the cursor, and COMP_WORDBREAKS; from the others, the words.
    """
    try:
        if shell == "bash":
            line = typed(*arguments)
            result(*(line.replacement(word) for word, _ in _completions(command, line.words)))
        else:
            for word, text in _completions(command, arguments):
                result_candidate(word, text)
    except Exception:  # noqa: BLE001 - see above
        return


def _completions(command: click.Command, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The completions of the last word: each a whole word, with a description."""
    from click.shell_completion import ShellComplete

    *complete, last = words[1:]
    option, equals, _ = last.partition("=")
    before = (
        f"{option}=" if equals and option.startswith("-") else ""
    )  # for `--option=value`, click gives the value alone
    for item in ShellComplete(command, {}, "m2build", "").get_completions(complete, last):
        yield from ((f"{before}{value}", text) for value, text in _values(item))


def _values(item: CompletionItem) -> Iterator[tuple[str, str]]:
    """The values of click's completions. Files, which click leaves to the shell, are listed here, behind any prefix."""
    if item.type in ("file", "dir"):
        yield from ((path, "") for path in paths(item.value, folders_only=item.type == "dir"))
    else:
        yield item.value, " ".join((item.help or "").split())
