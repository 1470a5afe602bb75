"""Which modules of which published packages are renamed."""

from __future__ import annotations

PACKAGES = {
    "rich": "rich: rich.jupyter rich.emoji rich.color rich.console",
    "flask": "flask: flask.json flask.globals flask.sansio.app flask.typing",
    "werkzeug": "werkzeug: werkzeug.routing werkzeug.debug werkzeug.datastructures.auth werkzeug.exceptions",
    "requests": "requests: requests.compat requests.hooks requests.packages requests.adapters",
    "attrs": "attr attrs: attr._make attr.exceptions attr.validators attrs.converters",
    "jinja2": "jinja2: jinja2.utils jinja2.lexer jinja2.nodes jinja2.exceptions",
    "click": "click: click.core click.types click.globals click._compat",
    "pytest": "_pytest pytest: _pytest.outcomes _pytest.config _pytest.mark.structures _pytest.pathlib",
    "pydantic": "pydantic: pydantic.types pydantic.fields pydantic._internal._fields pydantic.deprecated",
    "networkx": "networkx: networkx.algorithms.isomorphism networkx.convert",
    "sqlalchemy": "sqlalchemy: sqlalchemy.orm.attributes sqlalchemy.util.langhelpers",
    "django": "django: django.utils.encoding django.conf.locale.ru.formats",
    "numpy": "numpy: numpy._core.printoptions numpy.lib._index_tricks_impl",
    "sympy": "sympy: sympy.core.traversal",
    "transformers": "transformers: transformers.tokenization_utils_base transformers.integrations.ggml "
    "transformers.models.bert.configuration_bert",
}
"""Distribution -> its packages, and the modules that are renamed."""
NEEDS = {"transformers": ("numpy",)}
"""What some need beside the small packages."""
LARGE = ("django", "numpy", "sympy", "networkx", "sqlalchemy", "transformers")
"""Of these only the modules that hold the renamed module's last name are imported."""
