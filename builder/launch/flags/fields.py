"""Flags from annotated fields, `name: A[T, Arg(…)] = default`, as SGLang's `add_cli_args_from_dataclass` makes them.

What that function does is repeated here, for the version of it that `fingerprints` knows.
https://github.com/sgl-project/sglang/blob/v0.5.14/python/sglang/srt/arg_groups/arg_utils.py
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from m2build.launch.flags.definitions import Definitions, Unknown
from m2build.launch.flags.folding import Folder
from m2build.launch.flags.model import Flag, NotProvableError
from m2build.launch.flags.modules import Scope
from m2build.launch.flags.values import Outside, SourceClass, Table, UnfoldableError

_MARKS = frozenset({"A", "Annotated"})
_UNUSED = frozenset({"help", "resolvable", "fallback"})
_ARGUMENTS = _UNUSED | {
    *(
        "choices",
        "aliases",
        "cli_name",
        "type_parser",
        "nargs",
        "required",
        "action",
        "action_kwargs",
        "const",
        "no_cli",
    ),
}
_SCALARS = frozenset({"str", "int", "float"})
_BUILT_IN = _SCALARS | {"bool", "dict", "object"}
_PLAIN = ("typing.", "collections.abc.")
"""Where types come from that are not aliases of others."""
_MISSING = object()


@dataclass(frozen=True)
class Field:
    """One annotated field of a class: its name, its type, the call of `Arg` or the help text, and its default."""

    name: str
    annotation: ast.expr
    default: ast.expr | None
    scope: Scope


def fields_of(owner: SourceClass) -> dict[str, Field]:
    """The fields of a class, by name: in the order of their first definition, each as its last one says."""
    found: dict[str, Field] = {}
    for statement in owner.node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            old = found.get(name)
            default = statement.value if statement.value is not None or old is None else old.default
            found[name] = Field(name, statement.annotation, default, owner.scope)
    return found


class FieldFlags:
    """Makes flags of fields."""

    def __init__(self, folder: Folder, definitions: Definitions) -> None:
        self._folder = folder
        self._definitions = definitions

    def of(self, fields: Iterable[Field]) -> Iterator[Flag]:
        """The flags of fields; those without a mark, or without a place on the command line, have none.

        Raises:
            NotProvableError: an annotation is not understood.
        """
        for field in fields:
            where = f"{field.scope.path}:{field.annotation.lineno}"
            marked = self._marked(field, where)
            if marked is None:
                continue
            annotated, about = marked
            if about.get("no_cli") is not True:
                yield self._flag(field, annotated, about, where)

    def default(self, field: Field) -> object:
        """The default of a field: a value, or `Unknown`; a marker of its own without one."""
        match field.default:
            case None:
                return _MISSING
            case ast.Call(func=function, args=[], keywords=[ast.keyword(arg="default_factory", value=factory)]) if (
                ast.unparse(function) in {"dataclasses.field", "field", "msgspec.field"}
            ):
                if isinstance(factory, ast.Lambda) and not factory.args.args:
                    return self._definitions.value(factory.body, field.scope)
                if self._definitions.value(factory, field.scope) == Outside("list"):
                    return []
                return Unknown(f"the default of {field.name} is made when it runs")
        return self._definitions.value(field.default, field.scope)

    def _marked(self, field: Field, where: str) -> tuple[ast.expr, dict[str, object]] | None:
        """The type and the arguments of `Arg`, or None for a field that is not a flag."""
        match field.annotation:
            case ast.Subscript(value=ast.Name(id=mark), slice=ast.Tuple(elts=[annotated, *marks])) if mark in _MARKS:
                about = [found for mark in marks if (found := self._about(mark, field.scope, where)) is not None]
                return (annotated, about[0]) if about else None
        self._check_plain(field.annotation, field.scope, where)
        return None

    def _about(self, mark: ast.expr, scope: Scope, where: str) -> dict[str, object] | None:
        """What one mark says of a flag; None for the mark of a namespace."""
        match mark:
            case ast.Call(func=ast.Name(id="NS")):
                return None
            case ast.Call(func=ast.Name(id="Arg"), args=[], keywords=keywords):
                if {keyword.arg for keyword in keywords} <= _ARGUMENTS:
                    return {keyword.arg or "": self._definitions.value(keyword.value, scope) for keyword in keywords}
            case _:
                value = self._definitions.value(mark, scope)
                if isinstance(value, str):
                    return {"help": value}
        raise NotProvableError(f"{where}: the mark {ast.unparse(mark)[:60]} is not understood")

    def _check_plain(self, annotation: ast.expr, scope: Scope, where: str) -> None:
        """Refuse a name that may stand for an annotation with a mark."""
        if isinstance(annotation, ast.Name):
            self._class_of(annotation, scope, where)

    def _flag(self, field: Field, annotated: ast.expr, about: Mapping[str, object], where: str) -> Flag:
        spelled = about.get("cli_name") or f"--{field.name.replace('_', '-')}"
        aliases = about.get("aliases") or []
        if not isinstance(spelled, str) or not isinstance(aliases, list):
            raise NotProvableError(f"{where}: the names of {field.name} are not known")
        default = self.default(field)
        keywords: dict[str, object] = {"help": about.get("help", "")}
        keywords |= {"dest": field.name} if spelled.lstrip("-").replace("-", "_") != field.name else {}
        keywords |= {"default": default} if default is not _MISSING else {}
        if about.get("action") is not None:
            keywords |= {"action": about["action"], **self._more(about.get("action_kwargs"), where)}
        else:
            keywords |= self._by_type(annotated, about, field.scope, where)
            if keywords.pop("is_scalar", False) and self._is_required(about.get("required"), default):
                keywords["required"] = about.get("required") or True
        return self._definitions.of([spelled, *aliases], keywords, where)

    def _is_required(self, required: object, default: object) -> bool:
        return isinstance(required, Unknown) or required is True or (required is None and default is _MISSING)

    def _by_type(self, annotated: ast.expr, about: Mapping[str, object], scope: Scope, where: str) -> dict[str, object]:
        """The keywords that follow from a field's type and the arguments of its mark."""
        inner = self._without_none(annotated)
        literals, item = self._literals(inner, where), _item_of(inner)
        parser = about.get("type_parser")
        given = {"choices": about["choices"]} if about.get("choices") else {}
        given |= {"const": about["const"]} if about.get("const") is not None else {}
        if literals is not None:
            kind = Outside(type(literals[0]).__name__) if literals else None
            return {"choices": literals, "type": parser or self._scalar(kind), **given}
        if item is not None and parser is None:
            return {"type": self._scalar(self._kind(item, scope, where)), "nargs": about.get("nargs") or "+", **given}
        kind = self._kind(inner, scope, where)
        if kind == Outside("bool"):
            return {"action": "store_true"}
        nargs = {"nargs": about["nargs"]} if about.get("nargs") else {}
        return {"type": parser or self._scalar(kind), "is_scalar": True, **nargs, **given}

    def _more(self, table: object, where: str) -> dict[str, object]:
        """The further keywords of an action."""
        if table is None:
            return {}
        if not isinstance(table, Table):
            raise NotProvableError(f"{where}: action_kwargs is not understood")
        values = [self._definitions.value(value, table.scope) for value in table.values]
        return {str(key): value for key, value in zip(table.keys, values, strict=True)}

    def _without_none(self, annotated: ast.expr) -> ast.expr:
        """`X` of `Optional[X]`, `Union[X, None]` and `X | None`, and any other type as it is."""
        parts = [part for part in _alternatives(annotated) if not _is_none(part)]
        return parts[0] if len(parts) == 1 and len(_alternatives(annotated)) > 1 else annotated

    def _literals(self, annotated: ast.expr, where: str) -> list[object] | None:
        match annotated:
            case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
                parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                if not all(isinstance(part, ast.Constant) for part in parts):
                    raise NotProvableError(f"{where}: the type {ast.unparse(annotated)[:60]} is not understood")
                return [part.value for part in parts if isinstance(part, ast.Constant)]
        return None

    def _kind(self, annotated: ast.expr, scope: Scope, where: str) -> Outside | None:
        """A builtin type, or None for any other."""
        if isinstance(annotated, ast.Name):
            return self._class_of(annotated, scope, where)
        if len(_alternatives(annotated)) > 1 or isinstance(annotated, ast.Subscript):
            return None
        raise NotProvableError(f"{where}: the type {ast.unparse(annotated)[:60]} is not understood")

    def _class_of(self, annotated: ast.Name, scope: Scope, where: str) -> Outside | None:
        try:
            found = self._folder.name(annotated.id, scope, annotated)
        except UnfoldableError as error:
            raise NotProvableError(f"{where}: the type {annotated.id} is not understood") from error
        if isinstance(found, Outside) and (found.dotted in _BUILT_IN or found.dotted.startswith(_PLAIN)):
            return found
        if isinstance(found, SourceClass):
            return None
        raise NotProvableError(f"{where}: the type {annotated.id} is not understood")

    def _scalar(self, kind: Outside | None) -> Outside:
        return kind if kind is not None and kind.dotted in _SCALARS else Outside("str")


def _alternatives(annotated: ast.expr) -> list[ast.expr]:
    match annotated:
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return [*_alternatives(inner), ast.Constant(None)]
        case ast.Subscript(value=ast.Name(id="Union"), slice=ast.Tuple(elts=parts)):
            return [part for one in parts for part in _alternatives(one)]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*_alternatives(left), *_alternatives(right)]
    return [annotated]


def _is_none(annotated: ast.expr) -> bool:
    return isinstance(annotated, ast.Constant) and annotated.value is None


def _item_of(annotated: ast.expr) -> ast.expr | None:
    """`X` of `List[X]` and `list[X]`."""
    match annotated:
        case ast.Subscript(value=ast.Name(id="List" | "list"), slice=inner):
            return inner
    return None
