"""libcst codemods of another package, good and bad ones."""

from __future__ import annotations

import argparse
from typing import Any

import libcst as cst
from libcst.codemod import CodemodCommand, CodemodContext, ContextAwareTransformer, SkipFile, VisitorBasedCodemodCommand
from libcst.codemod.visitors import AddImportsVisitor, RemoveImportsVisitor
from libcst.metadata import FullyQualifiedNameProvider, PositionProvider, QualifiedNameProvider


class PosixPath(ContextAwareTransformer):
    """`os.path.join` becomes `posixpath.join`, and the imports follow; by qualified names, so that aliases count."""

    METADATA_DEPENDENCIES = (QualifiedNameProvider,)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        names = self.get_metadata(QualifiedNameProvider, original_node, default=set())
        if not isinstance(names, set) or "os.path.join" not in {name.name for name in names}:
            return updated_node
        AddImportsVisitor.add_needed_import(self.context, "posixpath")
        RemoveImportsVisitor.remove_unused_import(self.context, "os")
        return cst.parse_expression("posixpath.join")


class Shout(VisitorBasedCodemodCommand):
    """Puts names in capitals; has options of every kind, and reports what it sees."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    @staticmethod
    def add_args(arg_parser: argparse.ArgumentParser) -> None:
        arg_parser.add_argument("--word", required=True, help="which name")
        arg_parser.add_argument("--times", type=int, default="1")
        arg_parser.add_argument("--style", choices=["upper", "title"], default="upper")
        arg_parser.add_argument("--quiet", action="store_true")
        arg_parser.add_argument("--also", nargs="*")

    def __init__(
        self, context: CodemodContext, word: str, *, times: int, style: str, quiet: bool, also: list[str] | None
    ) -> None:
        super().__init__(context)
        assert isinstance(times, int)
        self.words, self.times, self.style, self.quiet = {word, *(also or ())}, times, style, quiet
        self.context.scratch.setdefault("seen", []).append(word)

    def visit_Module(self, node: cst.Module) -> None:
        assert len(self.context.scratch["seen"]) == 1, "a context of its own for each file"
        if "skip me" in node.code:
            raise SkipFile("as it asks")

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        if original_node.value not in self.words:
            return updated_node
        if not self.quiet:
            where = self.get_metadata(PositionProvider, original_node)
            assert not isinstance(where, cst.CSTNode)
            self.warn(
                f"{self.context.full_module_name} ({self.context.full_package_name}, {self.context.filename})\n loud"
            )
        new = getattr(original_node.value, self.style)()
        return updated_node.with_changes(value="_".join([new] * self.times))


class Raising(ContextAwareTransformer):
    """Raises the given exception."""

    def __init__(self, context: CodemodContext, what: str) -> None:
        super().__init__(context)
        self.what = what

    def visit_Module(self, node: cst.Module) -> None:
        assert node is self.module
        raise {"error": ValueError, "exit": SystemExit, "base": BaseException}[self.what]("on purpose")


class Growing(CodemodCommand):
    """Changes its own result again."""

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        return tree.with_changes(body=[*tree.body, cst.parse_statement("more = 1")])


class Breaking(CodemodCommand):
    """Writes something that is not Python."""

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        return tree.with_changes(body=[cst.SimpleStatementLine([cst.Expr(cst.Name("class"))])])


class Global(ContextAwareTransformer):
    """Needs a repository on disk."""

    METADATA_DEPENDENCIES = (FullyQualifiedNameProvider,)


class Optioned(CodemodCommand):
    """Has options of every kind that argparse knows, and says what it was made with."""

    @staticmethod
    def add_args(arg_parser: argparse.ArgumentParser) -> None:
        arg_parser.add_argument("rest", nargs="*")
        arg_parser.add_argument("--text", default="t")
        arg_parser.add_argument("--number", type=int, choices=[1, 2], default=1)
        arg_parser.add_argument("--share", type=float)
        arg_parser.add_argument("--off", action="store_false")
        arg_parser.add_argument("--both", action=argparse.BooleanOptionalAction)
        arg_parser.add_argument("--level", action="count")
        arg_parser.add_argument("--constant", action="store_const", const="c")
        arg_parser.add_argument("--some", nargs="+")
        arg_parser.add_argument("--pair", nargs=2, type=int)
        arg_parser.add_argument("--each", action="append")
        arg_parser.add_argument("--pairs", action="append", nargs=2)
        arg_parser.add_argument("--more", action="extend", nargs="*", type=int)
        group = arg_parser.add_mutually_exclusive_group()
        group.add_argument("--this")
        group.add_argument("--that")
        arg_parser.set_defaults(kept="k")

    def __init__(self, context: CodemodContext, **options: Any) -> None:
        super().__init__(context)
        self.options = options

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        self.warn(repr({name: value for name, value in self.options.items() if value}))
        return tree


class Refusing(CodemodCommand):
    """Fails before it is made."""

    @staticmethod
    def add_args(arg_parser: argparse.ArgumentParser) -> None:
        arg_parser.error("on purpose")

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        return tree


class Returning(CodemodCommand):
    """Returns no module, after a warning that is no text."""

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        self.context.warnings.append(len(tree.body))  # type: ignore[arg-type]  # what is wrong with it
        return None  # type: ignore[return-value]  # what is wrong with it


class Anything(CodemodCommand):
    """Accepts any arguments."""

    def __init__(self, context: CodemodContext, **options: Any) -> None:
        super().__init__(context)
        self.options = options

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        return tree


class Plain(cst.CSTTransformer):
    """Not a codemod."""
