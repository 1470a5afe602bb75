"""The overlay: the one small layer that carries a changeset into an image, with its account under `/opt/m2build`.

Nothing in it depends on the profile, so that all profiles share it. Whiteouts are those of the OCI image
specification's layer.md: an empty file `.wh.NAME` hides NAME in the layers below.
"""

from __future__ import annotations
