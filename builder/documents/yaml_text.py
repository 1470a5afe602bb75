"""Documents as YAML that every parser reads alike: PyYAML's is version 1.1, Kubernetes' and Compose's are 1.2."""

from __future__ import annotations

import re

import yaml

_BREAKS = re.compile("[\x85\u2028\u2029]")
"""What is a line break in YAML 1.1 only. PyYAML's writer takes them for breaks in every style but double quotes."""


class Dumper(yaml.SafeDumper):
    """It writes every value in full, without anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - as in yaml
        """No value is an alias of another one."""
        return True


def _text(dumper: Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if _BREAKS.search(text) else None)


Dumper.add_representer(str, _text)
Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(0o[0-7]+|[0-9]+[eE][-+]?[0-9]+)$"), list("-+0123456789")
)
"""What is a number in version 1.2 only: as a text it has to be quoted (section 10.3.2)."""


def yaml_text(document: object) -> str:
    """A document as YAML, its keys in their order, each value on a line."""
    return yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=2**31)


def ascii_yaml(document: object) -> str:
    """The same in ASCII, as texts of others may hold what takes over a terminal."""
    return yaml.dump(document, Dumper=Dumper, sort_keys=False, width=1000)
