"""How importers follow a module to its new name: the parts of the `RenameModule` codemod."""
