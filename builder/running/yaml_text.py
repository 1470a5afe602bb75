"""YAML that every parser reads alike: PyYAML's is version 1.1, Kubernetes' and Compose's are 1.2."""

from __future__ import annotations

import re

import yaml


class _Dumper(yaml.SafeDumper):
    """It writes every value in full, without anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - as in yaml
        return True


_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(0o[0-7]+|[0-9]+[eE][-+]?[0-9]+)$"), list("-+0123456789")
)
"""What is a number in version 1.2 only: as a text it has to be quoted (section 10.3.2)."""


def dumped(document: object) -> str:
    """A document as text, in ASCII."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=1000)
