"""The one error tree: a class and an exit code for each kind of failure.

Everything that the library raises on purpose is an `M2BuildError`. Foreign exceptions are translated where they
enter, with the cause kept; the command line catches this one class, prints message, details and hint, each on lines of
its own, and exits with `error.exit_code`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class M2BuildError(Exception):
    """A failure that m2build can explain.

    Attributes:
        exit_code: what the process exits with; one number for each kind, see the table in docs/pipelines.md.
        message: one sentence. A line break in it comes from a name that it quotes, and is shown as an escape.
        details: further lines, as of a list of problems or of a program's output.
        hint: the next step for the user, or None where the message already says it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)
        self.hint = hint

    def __str__(self) -> str:
        """The message, and the details below it, indented."""
        return "\n    ".join([self.message, *self.details])


class UsageError(M2BuildError):
    """The command line, a recipe or a series asks for what does not exist, does not fit, or is there already."""

    exit_code = 2


class BaseChangedError(M2BuildError):
    """The base, or a pinned release, is not the one whose digest is recorded."""

    exit_code = 3


class PatchError(M2BuildError):
    """A patch does not apply to this source tree, or cannot be reverted."""

    exit_code = 4


class ContentError(M2BuildError):
    """Bytes are not what their digest or format promises: altered, cut off, malformed; or a run is not a measurement.

    Attributes:
        may_pass: whether they came over a network, and may come whole if they are fetched again.
    """

    exit_code = 5

    def __init__(self, message: str, *, hint: str | None = None, may_pass: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.may_pass = may_pass


class LaunchError(M2BuildError):
    """The base's server does not accept the launch flags, or cannot run with them."""

    exit_code = 6


class PolicyError(M2BuildError):
    """An image is what it claims to be, but a rule of the user's does not allow it."""

    exit_code = 7


class TransportError(M2BuildError):
    """A registry, a package index or the network did not deliver.

    Attributes:
        is_missing: whether a registry answered that what was asked for, or a blob of a manifest, does not exist.
    """

    exit_code = 8

    def __init__(
        self, message: str, *, hint: str | None = None, details: Sequence[str] = (), is_missing: bool = False
    ) -> None:
        super().__init__(message, hint=hint, details=details)
        self.is_missing = is_missing


class EngineError(M2BuildError):
    """A container engine, or another program such as cosign, is missing, too old, does not answer, or has failed."""

    exit_code = 9


class WouldChangeError(M2BuildError):
    """`--check`, `drift --lock` or `base check` found that something changes, or `--fail-if` that results are worse."""

    exit_code = 14


class TransferBudgetError(M2BuildError):
    """More of a base would be read from a registry, or copied into one, than is allowed; nothing was copied."""

    exit_code = 15


class StorageError(M2BuildError):
    """A local file could not be read or written: disk full, read-only, permission."""

    exit_code = 16
