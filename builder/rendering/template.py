"""Templates: jinja2, in which undefined names, and values that no filter has quoted, are errors."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from traceback import walk_tb
from typing import TYPE_CHECKING

from m2build.errors import UsageError
from m2build.rendering.quoting import FILTERS, Quoted

if TYPE_CHECKING:
    from jinja2 import Environment

SHIPPED = "m2build/Dockerfile.template"
"""The name of the shipped template, for templates that extend it."""

"""What an expression of a template can raise beside jinja2's own errors."""


def shipped_template() -> str:
    """The text of the shipped template."""
    return resources.files("m2build").joinpath("Dockerfile.template").read_text(encoding="utf-8")


def expand(text: str, name: str, values: Mapping[str, object]) -> str:
    """Fill in a template. Pure.

    Args:
        text: the template.
        name: its name in messages.
        values: the variables.

    Raises:
        UsageError: the template does not parse, uses what does not exist, prints a value without a filter, or a value
            cannot stand where it is printed; the message begins with `name` and the line.
    """
    from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError

    environment = _environment({SHIPPED: shipped_template(), name: text})
    hint = f"the variables are: {', '.join(sorted(values))}; the filters are: {', '.join(FILTERS)}"
    try:
        return environment.get_template(name).render(values)
    except UsageError as error:
        raise UsageError(f"{_place(error, name)}: {error}", hint=error.hint) from error
    except TemplateSyntaxError as error:
        raise UsageError(f"{error.name or name}:{error.lineno}: {error.message}", hint=hint) from error
    except TemplateNotFound as error:
        message = f"{_place(error, name)}: the template {error.name!r} does not exist"
        raise UsageError(message, hint=f"a template can extend {SHIPPED}") from error
    except (
        TemplateError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        LookupError,
        RecursionError,
    ) as error:
        raise UsageError(f"{_place(error, name)}: {error}", hint=hint) from error


def _environment(templates: Mapping[str, str]) -> Environment:
    """Sandboxed, as a template is data; without random functions and without file access."""
    from jinja2 import FunctionLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        finalize=_quoted_only,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        loader=FunctionLoader(lambda name: (templates[name], name, None) if name in templates else None),
    )
    environment.filters |= FILTERS
    del environment.filters["random"], environment.globals["lipsum"]
    return environment


def _quoted_only(value: object) -> object:
    if isinstance(value, Quoted):
        return value
    text = str(value)  # what jinja2 has no value for raises here
    raise UsageError(
        f"prints {text!r} without a filter",
        hint=f"write {{{{ VALUE | FILTER }}}}, with one of the filters {', '.join(FILTERS)}",
    )


def _place(error: BaseException, name: str) -> str:
    """The template and the line of an error, innermost."""
    places = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    known = [(file, line) for file, line in places if file in {name, SHIPPED}]
    return "{}:{}".format(*known[-1]) if known else name
