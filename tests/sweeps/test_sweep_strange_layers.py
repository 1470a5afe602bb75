"""What derives from bases with strange layers is proven by `verify`, published by `push`, and read back by crane."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.bases import sources
from helpers.commands import succeeds
from helpers.images import image, tar
from helpers.layers.linked import EVERYWHERE, UMOCI, together
from helpers.layers.stacks import STACKS, STRANGE
from helpers.registry.field_registry import field_registry
from helpers.registry.registries import run

from m2build.places.place import Place
from m2build.places.transports import write_image
from m2build.progress import Silent

pytestmark = pytest.mark.sweep

ODD = ("no bytes", "zeros alone", "no end", "garbage behind the end", "back and forth", "a whiteout of no name")
"""Those of the common stacks that no tool writes on purpose."""
LAYERS: dict[str, list[bytes]] = {
    **STRANGE,
    **{name: STACKS[name] for name in ODD},
    "written through links": together(EVERYWHERE | UMOCI),
}
CASES = len(LAYERS)


@pytest.mark.parametrize("name", LAYERS)
def test_what_derives_from_strange_layers_is_proven_and_published(name: str, tmp_path: Path) -> None:
    base, out = f"oci:{tmp_path}/base:v1", f"oci:{tmp_path}/out:v1"
    sample = image(tar(*sources()), *LAYERS[name])
    write_image(sample, Place.parse(base), tag="", reference="", replace=False, progress=Silent())
    own = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    derived = succeeds("image", "--tp", "8", "--base", base, "-o", out, environment=own)
    digest = derived.strip().rpartition("@")[2]
    assert "proven" in (found := succeeds("verify", out, "--base", base, environment=own)), found
    with field_registry() as registry:
        pushed = succeeds("push", out, f"{registry.host}/app:v1", environment=own)
        assert pushed.strip().endswith(f"@{digest}")
        run("crane", "validate", "--insecure", "--remote", f"{registry.host}/app:v1")
        remote = succeeds("verify", f"{registry.host}/app@{digest}", "--base", base, environment=own)
        assert "proven" in remote, remote
