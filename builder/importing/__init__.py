"""Diffs that others have written, brought into a series: vendored, pinned, and with what is known of them.

Example:
    >>> from m2build import importing
    >>> content = b"Fix the limit\\n\\n--- a/app.py\\n+++ b/app.py\\n@@ -1 +1 @@\\n-1\\n+2\\n"
    >>> [found.summary for found in importing.diffs_in("fix.patch", content)]
    ['Fix the limit']
"""

from __future__ import annotations

from m2build.importing.folder import diff_file, diff_folder
from m2build.importing.found import FoundDiff, diffs_in
from m2build.importing.pull_request import pull_request
from m2build.importing.run import How, import_diffs

__all__ = ["FoundDiff", "How", "diff_file", "diff_folder", "diffs_in", "import_diffs", "pull_request"]


def __dir__() -> list[str]:
    return __all__
