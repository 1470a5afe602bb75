"""The bounds that SECURITY.md names are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from m2build.documents import document
from m2build.layers import contents
from m2build.local import cache, reading
from m2build.oci import strict_json, tar_reader
from m2build.patches import sources, text

PAGE = (Path(__file__).parent.parent / "SECURITY.md").read_text(encoding="utf-8")
MIB = 1 << 20


def test_the_bounds_on_the_page_are_those_of_the_code() -> None:
    rows = dict(re.findall(r"^\| (A .*?|The .*?) \| (.*) \|$", PAGE.partition("## Bounds")[2], re.MULTILINE))
    fixed = contents.most_content(0)
    assert rows == {
        "A recipe or a series": f"{document.MAXIMUM_BYTES // MIB} MiB, {document.MAXIMUM_VALUES:,} values",
        "A manifest, an index or a config": f"{strict_json.LARGEST_DOCUMENT // MIB} MiB",
        "The headers of one member of a layer": f"{tar_reader.LARGEST_HEADER // MIB} MiB",
        "A source file of a layer": f"{reading.LARGEST_SOURCE // MIB} MiB",
        "The sources in one layer": f"{contents.MOST_WANTED:,} members, and {fixed // MIB} MiB plus "
        f"{contents.most_content(1) - fixed} times the layer's stored size",
        "The Python files of a wheel": f"{sources.LARGEST_WHEEL // MIB} MiB plus {sources.MOST_INFLATED} times the "
        "wheel's own size",
        "A folder of sources": f"{sources.MOST_FILES:,} files, and {sources.LARGEST_FOLDER // MIB} MiB of Python files",
        "A Python file": f"{text.LARGEST_PYTHON // MIB} MiB",
        "The cache": f"{cache.LARGEST_CACHE // (MIB << 10)} GiB, or `{cache.BOUND}`; beyond that the oldest entries go",
    }
