"""The result's config: the base's, changed as the plan says; unknown members stay."""

from __future__ import annotations

from m2build import __version__
from m2build.derivation.health import probe_command
from m2build.derivation.plan import Plan
from m2build.labels import derived_labels
from m2build.oci.config import DEFAULT_PATH, ImageConfig
from m2build.oci.descriptor import JsonObject, object_in
from m2build.oci.digest import Digest
from m2build.oci.history import mended
from m2build.oci.manifest import canonical
from m2build.recipes.settings import with_variables

_SECOND = 1_000_000_000
"""Nanoseconds, the unit of a health check's times (moby, image/spec/spec.md)."""


def derive_config(plan: Plan, diff_id: Digest) -> ImageConfig:
    """The config of the result. Pure."""
    base = plan.base.config
    document = base.document()
    document["created"] = plan.created_text
    document["config"] = _runtime(plan, base.runtime, base.labels)
    document["rootfs"] = {"type": "layers", "diff_ids": [str(digest) for digest in (*base.diff_ids, diff_id)]}
    document["history"] = [*mended(base.history, len(base.diff_ids)), _history_entry(plan)]
    return ImageConfig(canonical(document))


def _runtime(plan: Plan, runtime: JsonObject, labels: dict[str, str]) -> JsonObject:
    """The `config` section. The base's `Cmd` goes: it would become arguments of our entrypoint."""
    health, settings = plan.selection.recipe.health, plan.selection.settings
    places = {key: value for key, value in (("WorkingDir", settings.workdir), ("User", settings.user)) if value}
    kept = {key: value for key, value in runtime.items() if key not in ("Cmd", "ArgsEscaped", "OnBuild")}
    return kept | {
        **places,
        "Env": with_variables(_with_path(plan.base.config.variables), settings.env),
        "Entrypoint": list(plan.selection.entrypoint),
        "ExposedPorts": {**object_in(runtime, "ExposedPorts"), f"{plan.selection.port}/tcp": {}},
        "Healthcheck": {
            "Test": ["CMD", *probe_command(plan.selection)],
            "Interval": health.interval * _SECOND,
            "Timeout": health.timeout * _SECOND,
            "StartPeriod": health.start_period * _SECOND,
            "Retries": health.retries,
        },
        "Labels": derived_labels(labels, plan.labels),
    }


def _with_path(given: list[str]) -> list[str]:
    """The environment, with the PATH that every engine's build sets if there is none."""
    return given if any(variable.startswith("PATH=") for variable in given) else [*given, f"PATH={DEFAULT_PATH}"]


def _history_entry(plan: Plan) -> JsonObject:
    changesets = [source.changeset for source in plan.sources]
    patches = ", ".join(result.patch.id for one in changesets for result in one.results if result.changes)
    series = ", ".join(one.series.id for one in changesets)
    return {
        "created": plan.created_text,
        "created_by": f"m2build {__version__} patchset {series}",
        "comment": f"patches: {patches or 'none'}; see /opt/m2build/README",
    }
