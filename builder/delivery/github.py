"""What a step of a GitHub job says of delivered images, in the files that the runner reads. Pure.

The files are those of https://docs.github.com/actions/reference/workflow-commands-for-github-actions; what a line of
`$GITHUB_ARTIFACTS` is, the runner's CreateArtifactsFileCommand.cs says.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence

from m2build.delivery.delivered import Delivery
from m2build.documents.arguments import typed_arguments
from m2build.errors import UsageError
from m2build.places.place import PlaceKind


@typed_arguments
def github_outputs(delivered: Sequence[Delivery], account: Mapping[str, object]) -> str:
    """Lines for `$GITHUB_OUTPUT`: `digest`, `imageid` and `metadata` as of docker/build-push-action, and `images`.

    `digest` and `imageid` are there if all names are of one image. Each value stands between delimiters that no value
    can foresee.

    Args:
        delivered: the images, by their names.
        account: the content of `--metadata-file`.
    """
    values = {"images": "\n".join(one.reference for one in delivered), "metadata": json.dumps(account, indent=2)}
    if len({one.image_id for one in delivered}) == 1:
        values |= {"digest": str(delivered[0].digest or ""), "imageid": delivered[0].image_id}
    return "".join(_assigned(name, value) for name, value in sorted(values.items()))


@typed_arguments
def github_summary(delivered: Sequence[Delivery]) -> str:
    """A table for `$GITHUB_STEP_SUMMARY`, in Markdown."""
    rows = [(one.metadata(), one) for one in delivered]
    lines = ["| image | digest | profile |", "| --- | --- | --- |"]
    for account, one in rows:
        cells = (str(account["image.name"]), one.digest or one.image_id, str(account.get("m2build.profile", "")))
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join([*lines, "", ""])


@typed_arguments
def github_subjects(delivered: Sequence[Delivery]) -> str:
    """Lines for `$GITHUB_ARTIFACTS`, which later steps can attest: `oci://NAME@DIGEST` for each published image.

    A job can declare a name with one digest only: the tag is left out unless a repository got several images.

    Raises:
        UsageError: an image is not in a registry.
    """
    for one in delivered:
        if one.to.place.kind is not PlaceKind.REGISTRY or one.digest is None:
            raise UsageError(f"{one.reference} is not in a registry, so others cannot fetch it")
    digests: dict[str, set[str]] = {}
    for one in delivered:
        digests.setdefault(one.to.name, set()).add(str(one.digest))
    lines = [
        f"oci://{one.to.name if len(digests[one.to.name]) == 1 else one.to.reference}@{one.digest}" for one in delivered
    ]
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _assigned(name: str, value: str) -> str:
    end = f"end_{secrets.token_hex(16)}"
    return f"{name}<<{end}\n{value}\n{end}\n"


def _cell(text: str) -> str:
    """A cell of a table: code, in which a bar still ends the cell."""
    return f"`{text}`".replace("|", "\\|") if text else ""
