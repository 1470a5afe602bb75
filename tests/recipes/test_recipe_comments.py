"""The comments of recipes are found above their flags, wherever the flag is from."""

from __future__ import annotations

from pathlib import Path

from m2build.recipes.comments import flag_comments

MINE = """extends: minimax-m2
profiles:
  # Of the profile, not of a flag.
  tp8:
    flags:
      # We serve
      # on this one.
      port: 9000

      # Above a blank line.

      kv-cache-dtype: fp8_e4m3
      "chunked-prefill-size": 4096 # behind it
"""


def test_own_comments_and_those_of_what_a_recipe_extends(tmp_path: Path) -> None:
    for name in ("mine.yaml", "minimax-m2.yaml"):  # the second is called like the one that it extends
        (tmp_path / name).write_text(MINE)
        found = flag_comments(f"{tmp_path}/{name}", "tp8")
        assert found["port"] == "We serve on this one."
        assert found["ep-size"].startswith("Without it each rank gets")
        assert set(found) == {"port", "ep-size"}


def test_a_recipe_without_such_a_profile_has_none() -> None:
    assert flag_comments("minimax-m2", "absent") == {}
