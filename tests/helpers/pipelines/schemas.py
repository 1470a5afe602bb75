"""What the platforms say of workflows: their own schemas, and actionlint."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from helpers.support import need_tool


@cache
def vendored(name: str) -> Validator:
    """The validator of a schema that check-jsonschema ships, such as `gitlab-ci`."""
    text = files("check_jsonschema").joinpath("builtin_schemas", "vendor", f"{name}.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    return jsonschema.validators.validator_for(schema)(schema)


@cache
def tekton(kind: str) -> Validator:
    """The validator of a kind of Tekton's resources; fields that it does not know are errors."""
    schema = json.loads(Path(__file__).with_name("tekton-1.15.0.json").read_text(encoding="utf-8"))[kind]
    return jsonschema.Draft202012Validator(_closed(schema, is_root=True))


def _closed(schema: Any, *, is_root: bool = False) -> Any:
    """A structural schema that refuses unknown fields, as the API server's strict validation does."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _closed(value) for key, value in schema.items()}
    if "properties" in schema and isinstance(schema["properties"], dict) and schema.get("type") == "object":
        found["properties"] = {key: _closed(value) for key, value in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            found["additionalProperties"] = False
    if is_root:
        found["properties"]["metadata"] = {"type": "object"}
    return found


def problems(validator: Validator, document: Any) -> list[str]:
    """What a schema finds wrong with a document."""
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(document)]


def actionlint(workflow: Path) -> str:
    """What actionlint, and shellcheck through it, say of a workflow for GitHub."""
    command = [need_tool("actionlint"), "-shellcheck", need_tool("shellcheck"), str(workflow)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def shellcheck(script: str) -> str:
    """What shellcheck says of a script for bash."""
    command = [need_tool("shellcheck"), "--shell", "bash", "-"]
    return subprocess.run(command, input=script, capture_output=True, text=True, check=False).stdout
