"""Conditions on a source tree that say whether a patch is relevant there, as series files spell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, StringConstraints, model_serializer, model_validator

from m2build.patches.fields import Dotted, Frozen, Line

Word = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w*$", max_length=200)]


class Called(Frozen):
    """A module calls something by its name: `name(...)`, or `self.name(...)`."""

    name: Word = Field(description="The last part of the name, as in the call.")
    module: Dotted = Field(description="The module with the calls.")

    def __str__(self) -> str:
        return f"{self.module} calls {self.name}"


class Decorated(Frozen):
    """A function, method or class has a decorator, under whatever name."""

    function: Dotted = Field(description="Its name within the module, such as `Norm.forward`.")
    decorator: Dotted = Field(description="What the decorator's name resolves to, such as `torch.compile`.")
    module: Dotted

    def __str__(self) -> str:
        return f"{self.function} of {self.module} is decorated with {self.decorator}"


class Imported(Frozen):
    """A module imports a name, or something below it."""

    name: Dotted = Field(description="What is imported: a module, or a name in one.")
    module: Dotted = Field(description="The module that imports it.")

    def __str__(self) -> str:
        return f"{self.module} imports {self.name}"


class Condition(Frozen):
    """One condition: exactly one of the keys.

    Example:
        >>> str(Condition(exists="pkg/app.py"))
        'pkg/app.py exists'
    """

    called: Called | None = None
    decorated: Decorated | None = None
    imported: Imported | None = None
    exists: Line | None = Field(default=None, description="The path of a file or a folder in the tree.")

    @model_validator(mode="after")
    def _is_one(self) -> Condition:
        if len(self.document()) != 1:
            raise ValueError(f"a condition has exactly one of the keys {', '.join(type(self).model_fields)}")
        return self

    @model_serializer(mode="wrap")
    def _without_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: Mapping[str, Any] = handler(self)
        return {key: value for key, value in written.items() if value is not None}

    def document(self) -> dict[str, object]:
        """The key that is given, with its value."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in given.items() if value is not None}

    def __str__(self) -> str:
        return f"{self.exists} exists" if self.exists else str(next(iter(self.document().values())))
