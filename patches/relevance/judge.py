"""From a patch's conditions to what a tree shows of them. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from m2build.patches.codemods.remove_decorator import RemoveDecorator
from m2build.patches.conditions import Condition, Decorated, Imported
from m2build.patches.modules import ModuleFile, module_file
from m2build.patches.names import Names
from m2build.patches.relevance.calls import judge_called
from m2build.patches.relevance.verdict import Judgement, Verdict, fails, holds, is_open, shown
from m2build.patches.scopes import absolute_module
from m2build.patches.text import PythonSource, read_python, reading
from m2build.patches.tree import SourceTree


def judge(conditions: Sequence[Condition], tree: SourceTree) -> Judgement:
    """What a tree shows of several conditions, of which one has to hold.

    The evidence of one that holds is enough; if all fail, each has its own; else it is of those that are open.

    Raises:
        PatchError: a module that a condition names does not parse.
    """
    judgements: list[Judgement] = []
    for condition in conditions:
        found = _judged(condition, tree)
        if found.verdict is Verdict.HOLDS:
            return found
        judgements.append(found)
    undecided = [one for one in judgements if one.verdict is Verdict.OPEN]
    verdict = Verdict.OPEN if undecided else Verdict.FAILS
    return Judgement(verdict, tuple(mention for one in undecided or judgements for mention in one.evidence))


def _judged(condition: Condition, tree: SourceTree) -> Judgement:
    if condition.exists is not None:
        return _exists(condition.exists, tree)
    of_module = condition.called or condition.decorated or condition.imported
    if of_module is None:
        raise TypeError("a condition without a key")
    stem = of_module.module.replace(".", "/")
    path = next((path for path in (f"{stem}/__init__.py", f"{stem}.py") if path in tree), None)
    module = module_file(path) if path else None
    if module is None:
        return is_open(f"{stem}.py", None, "there is no such module")
    with reading(module.path):
        source = read_python(module.path, tree[module.path].content)
        match of_module:
            case Decorated():
                return _decorated(of_module, source, module)
            case Imported():
                return _imported(of_module, source, module)
            case _:
                return judge_called(of_module, source, module)


def _exists(path: str, tree: SourceTree) -> Judgement:
    path = path.rstrip("/")
    if path in tree or path in tree.folders:
        return holds(path, None, "it exists")
    for link in tree.links:
        if f"{path}/".startswith(f"{link}/"):
            return is_open(link, None, "it is a symbolic link")
    return fails(path, "it does not exist")


def _decorated(wanted: Decorated, source: PythonSource, module: ModuleFile) -> Judgement:
    found = RemoveDecorator(wanted.module, wanted.decorator, wanted.function).find(source, module)
    for _, line in found.uses:
        return holds(module.path, line, shown(source, line))
    for other in found.other_uses():
        return is_open(module.path, other.line, other.text, other.reason)
    return fails(module.path, f"{wanted.decorator} is not on {wanted.function}")


def _imported(wanted: Imported, source: PythonSource, module: ModuleFile) -> Judgement:
    names = Names(source.parse(), module=module.name, package=module.package)
    imported = [(node.lineno, name) for node in names.imports for name in _imported_names(node, module.package)]
    imported += [(call.lineno, name) for call in names.calls for name in names.qualify(call)]
    for line, name in imported:
        if f"{name}.".startswith(f"{wanted.name}."):
            return holds(module.path, line, shown(source, line))
    for line, name in imported:
        if name.endswith(".*") and wanted.name.startswith(name.removesuffix("*")):
            return is_open(module.path, line, shown(source, line), "everything is imported")
    for text in names.texts(wanted.name.rpartition(".")[2]):
        return is_open(module.path, text.lineno, shown(source, text.lineno), "a string spells it")
    return fails(module.path, f"it does not import {wanted.name}")


def _imported_names(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif above := absolute_module(package, node.level, node.module):
        yield from (f"{above}.{alias.name}" for alias in node.names)
