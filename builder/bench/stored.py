"""What is stored of a run: the client's line without secrets, and a sidecar that says what was measured."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from m2build.bench.lines import slim
from m2build.bench.reading import sidecar_path
from m2build.errors import UsageError
from m2build.local.failures import storage
from m2build.local.outputs import check_writable, output_file
from m2build.programs.redaction import is_secret_name, redacted

_HIDDEN = "***"
_SHORTEST = 6
"""Characters of a secret that is looked for elsewhere, too; a shorter one would match too many words by chance."""


def check_free(paths: Sequence[Path]) -> None:
    """Check, before a server is measured, that results can be written, and overwrite none.

    Raises:
        UsageError: there are results already.
        StorageError: they cannot be written.
    """
    for path in paths:
        with storage(path, "written"):
            check_writable(path)
        for taken in (path, sidecar_path(path)):
            if taken.exists():
                raise UsageError(f"{taken} exists already", hint="name another folder, or remove that file first")


def store(path: Path, lines: Sequence[Mapping[str, object]], about: Mapping[str, object]) -> None:
    """Write the lines of a scenario's runs, and their sidecar after them: each file whole or not at all.

    Raises:
        StorageError: they cannot be written.
    """
    texts = {
        path: "".join(f"{slim(line)}\n" for line in lines),
        sidecar_path(path): f"{json.dumps(about, indent=2)}\n",
    }
    for target, text in texts.items():
        with storage(target, "written"), output_file(target) as file:
            file.write(text.encode())


def without_secrets(value: Mapping[str, object]) -> dict[str, object]:
    """A JSON object without secrets: the server's `api_key`, which the client stores with all its arguments, and every
    other member with a secret's name; their values wherever else they stand, and what a program's output must not say.
    """
    secrets = sorted({secret for secret in _secrets(value) if len(secret) >= _SHORTEST}, key=len, reverse=True)
    return {key: _cleaned(key, item, secrets) for key, item in value.items()}


def _secrets(value: object, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item, name)
    elif isinstance(value, str) and is_secret_name(name):
        yield value


def _cleaned(name: str, value: object, secrets: Sequence[str]) -> object:
    if isinstance(value, Mapping):
        return {key: _cleaned(str(key), item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(name, item, secrets) for item in value]
    if not isinstance(value, str):
        return value
    if value and is_secret_name(name):
        return _HIDDEN
    for secret in secrets:
        value = value.replace(secret, _HIDDEN)
    return redacted(value, os.environ)
