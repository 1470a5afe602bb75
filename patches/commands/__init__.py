"""The shipped codemods as libcst commands: `python -m libcst.tool codemod -x m2build.patches.commands.NAME.CLASS …`.

Each runs on single files, with the result that the codemod has in a series, and uses the very transformer.
"""
