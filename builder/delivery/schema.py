"""The JSON Schema of the account of a delivery."""

from __future__ import annotations

from importlib.resources import files


def metadata_schema() -> str:
    """The text of `metadata.schema.json`, for what reads `--json` and `--metadata-file`.

    Example:
        >>> metadata_schema().splitlines()[1].strip()
        '"$schema": "https://json-schema.org/draft/2020-12/schema",'
    """
    return files(__package__).joinpath("metadata.schema.json").read_text(encoding="utf-8")
