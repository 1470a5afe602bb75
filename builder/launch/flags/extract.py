"""SGLang's flags from its sources, in each of the three ways in which its releases have defined them.

- `calls`, to 0.5.13: `ServerArgs.add_cli_args` calls `parser.add_argument` once for each flag.
- `fields`, 0.5.14 to 0.5.19: most flags are annotated fields of `ServerArgs`.
- `namespaces`, from 0.5.20: they are fields of the classes that `_INPUT_NAMESPACES` lists.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from m2build.launch.flags.converters import KNOWN
from m2build.launch.flags.definitions import Definitions, Unknown
from m2build.launch.flags.fields import Field, FieldFlags, fields_of
from m2build.launch.flags.fingerprints import COLLECT, DECLARED, REGISTER, check_known, fingerprint
from m2build.launch.flags.folding import Folder
from m2build.launch.flags.model import Flag, NotProvableError
from m2build.launch.flags.modules import Modules
from m2build.launch.flags.server import ServerFlags
from m2build.launch.flags.values import SourceClass, UnfoldableError
from m2build.patches.changeset import release_of
from m2build.patches.tree import SourceTree

SERVER_PATH = "sglang/srt/server_args.py"
"""Where SGLang's sources define the flags of its server."""
_SERVER = "sglang.srt.server_args"
_REGISTRATION = "sglang.srt.arg_groups.arg_utils"
_NAMESPACES = "sglang.srt.arg_groups.fields"
_PARSER = frozenset({"prog", "description", "usage", "epilog"})
"""Keywords of `ArgumentParser` that decide nothing of how it parses."""


def extract_flags(tree: SourceTree) -> ServerFlags:
    """All flags of the SGLang server in a source tree. Nothing of it is imported or run.

    Raises:
        NotProvableError: it holds no SGLang server, or one whose flags are defined in a way that is not understood.
    """
    return _Extraction(Modules(tree), tree).flags()


class _Extraction:
    def __init__(self, modules: Modules, tree: SourceTree) -> None:
        scope = modules.scope(_SERVER)
        if scope is None:
            raise NotProvableError(f"its sources have no {SERVER_PATH}")
        self._modules = modules
        self._tree = tree
        self._scope = scope
        self._folder = Folder(modules)
        self._definitions = Definitions(self._folder)
        self._fields = FieldFlags(self._folder, self._definitions)

    def flags(self) -> ServerFlags:
        statements = self._modules.statements(_SERVER)
        server, register = self._server(statements)
        self._check_parser(statements)
        style, fields = "calls", dict[str, Field]()
        if any(
            isinstance(one, ast.Expr) and _called(one.value) == "add_cli_args_from_dataclass" for one in register.body
        ):
            style, fields = self._marked_fields(server)
        found = [*self._fields.of(fields.values()), *self._called(register, server)]
        flags = {name: flag for flag in found for name in flag.names}
        if len(flags) != sum(len(flag.names) for flag in found):
            raise NotProvableError(f"{self._scope.path}: a flag is defined twice")
        release, types = release_of(self._tree, "sglang"), tuple(sorted(self._known_types()))
        return ServerFlags(self._tree.origin, release, self._scope.path, style, tuple(found), types)

    def _known_types(self) -> Iterator[str]:
        """The functions that convert values, as far as they do what is repeated here."""
        for name, function in self._definitions.functions.items():
            if name in KNOWN and fingerprint([function], [name]) == KNOWN[name].fingerprint:
                yield name

    def _server(self, statements: Sequence[ast.stmt]) -> tuple[ast.ClassDef, ast.FunctionDef]:
        """The class `ServerArgs`, and its method that defines flags."""
        for owner in statements:
            if isinstance(owner, ast.ClassDef) and owner.name == "ServerArgs" and not owner.bases:
                for method in owner.body:
                    if isinstance(method, ast.FunctionDef) and method.name == "add_cli_args":
                        return owner, method
        raise NotProvableError(f"{self._scope.path} has no ServerArgs.add_cli_args")

    def _check_parser(self, statements: Sequence[ast.stmt]) -> None:
        """Check that the flags are all that the server's parser has, and that it parses as argparse does by itself."""
        for function in statements:
            if isinstance(function, ast.FunctionDef) and function.name == "prepare_server_args":
                calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
                made = [call for call in calls if _called(call) == "argparse.ArgumentParser"]
                is_plain = all({keyword.arg for keyword in call.keywords} <= _PARSER for call in made)
                if made and is_plain and not any(_called(call).endswith(".add_argument") for call in calls):
                    return
        raise NotProvableError(f"{self._scope.path}: how the server makes its parser is not understood")

    def _marked_fields(self, server: ast.ClassDef) -> tuple[str, dict[str, Field]]:
        """The style, and the fields that become flags."""
        check_known(self._modules.statements(_REGISTRATION), REGISTER, _REGISTRATION)
        own = fields_of(SourceClass(server, self._scope))
        if "_INPUT_NAMESPACES" not in self._scope.bindings:
            return "fields", own
        check_known(self._modules.statements(_NAMESPACES), COLLECT, _NAMESPACES)
        check_known(self._modules.statements(_SERVER), DECLARED, _SERVER)
        fields = dict[str, Field]()
        for namespace in self._namespaces():
            fields |= fields_of(namespace)
        fields |= own
        self._folder.special["_declared_default"] = lambda arguments: self._declared(fields, arguments)
        return "namespaces", fields

    def _namespaces(self) -> Iterator[SourceClass]:
        refusal = NotProvableError(f"{self._scope.path}: _INPUT_NAMESPACES is not understood")
        try:
            value = self._folder.name("_INPUT_NAMESPACES", self._scope, ast.Name("_INPUT_NAMESPACES", lineno=1))
        except UnfoldableError as error:
            raise refusal from error
        if not isinstance(value, list) or not value:
            raise refusal
        for namespace in value:
            bases = [ast.unparse(base) for base in namespace.node.bases] if isinstance(namespace, SourceClass) else []
            if bases != ["msgspec.Struct"]:
                raise refusal
            yield namespace

    def _declared(self, fields: Mapping[str, Field], arguments: Sequence[object]) -> object:
        """What `_declared_default(NAME)` returns."""
        if len(arguments) == 1 and (field := fields.get(str(arguments[0]))):
            default = self._fields.default(field)
            if not isinstance(default, Unknown):
                return default
        raise UnfoldableError(f"{self._scope.path}: the default of {arguments}")

    def _called(self, register: ast.FunctionDef, server: ast.ClassDef) -> Iterator[Flag]:
        """The flags of the calls of `parser.add_argument`, in a row of statements."""
        scope = self._scope.inner(register.body)
        for statement in register.body:
            match statement:
                case ast.Expr(value=ast.Call() as call) if _called(call) == "parser.add_argument":
                    yield self._definitions.of_call(call, scope)
                case ast.Expr(value=ast.Constant()):
                    continue
                case ast.Expr(value=ast.Call() as call) if _called(call) == "add_cli_args_from_dataclass":
                    if [ast.unparse(argument) for argument in call.args] != ["parser", server.name] or call.keywords:
                        raise NotProvableError(f"{scope.path}:{call.lineno}: this call is not understood")
                case _ if not _uses_parser(statement):  # an assignment, or a condition for one
                    continue
                case _:
                    raise NotProvableError(f"{scope.path}:{statement.lineno}: a flag's definition is not understood")


def _called(node: ast.expr) -> str:
    """The dotted name of the function that an expression calls, or nothing."""
    return (
        ast.unparse(node.func) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) else ""
    )


def _uses_parser(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "parser" for node in ast.walk(statement))
