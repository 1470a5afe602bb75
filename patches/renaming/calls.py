"""Calls that import a module by its name, and what is known of a name that is put together."""

from __future__ import annotations

import ast

from m2build.patches.modules import split
from m2build.patches.names import IMPORT_CALLS
from m2build.patches.renaming.importer import Importer
from m2build.patches.renaming.literals import known_text

IMPORTS = IMPORT_CALLS | {"importlib.import_module", "importlib.util.find_spec", "runpy.run_module"}
"""What takes a module's name; relative ones start from a second argument."""
_WALKS = frozenset({"pkgutil.iter_modules", "pkgutil.walk_packages", "os.listdir", "os.scandir", "glob.glob"})
"""What lists the modules that there are, under their new names too."""


def first_argument(call: ast.Call) -> ast.expr | None:
    """What a call imports, or replaces for `mock.patch`."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    return call.args[0] if call.args else keywords.get("name") or keywords.get("target")


def may_import(importer: Importer, call: ast.Call) -> bool:
    """Whether a call imports what shows at run time only, and may be the module by what is known of its name."""
    start = _computed_start(importer, call)
    return start is not None and (start.startswith(".") or f"{importer.renaming.old}.".startswith(start))


def imports_siblings(importer: Importer, call: ast.Call) -> bool:
    """Whether a call imports what shows at run time only from the module's own package.

    What it imports may be written anywhere: in another file, in data, as the name of an attribute. A file that lists
    the package's modules finds the new name, unless that is in another package.
    """
    parent, start = split(importer.renaming.old)[0], _computed_start(importer, call)
    if not parent or start is None or (importer.renaming.keeps_parent and _walks(importer)):
        return False
    if not start and package_argument(importer, call) == parent and not importer.is_parent:
        return True  # the names that such a function takes are in other files
    if start.startswith(".") and not start.startswith(".."):
        start = f"{package_argument(importer, call) or ''}{start}"
    return start.startswith(f"{parent}.") and importer.renaming.old.startswith(start)


def _walks(importer: Importer) -> bool:
    return any(importer.names.qualify(call.func) & _WALKS for call in importer.names.calls)


def package_argument(importer: Importer, call: ast.Call) -> str | None:
    """What a relative name starts from in `import_module(name, package)`, if it is known without running the file."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    node = call.args[1] if len(call.args) > 1 else keywords.get("package")
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        is_init = importer.module.name == importer.module.package
        if node.id == "__package__" or (node.id == "__name__" and is_init):
            return importer.package
    return None


def _computed_start(importer: Importer, call: ast.Call) -> str | None:
    """How the name begins that a call imports and puts together at run time; None if it does no such thing."""
    node = first_argument(call)
    if node is None or not importer.names.qualify(call.func) & IMPORTS:
        return None
    return None if known_text(node, importer.module) is not None else _known_start(node, importer)


def _known_start(node: ast.expr, importer: Importer) -> str:
    """How a name that is put together begins, as far as that is known."""
    match node:
        case ast.JoinedStr(values=parts):
            known = ""
            for part in parts:
                text = known_text(part, importer.module)
                if text is None:
                    return known
                known += text
            return known
        case ast.BinOp(left=left, op=ast.Add()):
            return known_text(left, importer.module) or _known_start(left, importer)
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            return text.partition("%")[0]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return text.partition("{")[0]
    return ""
