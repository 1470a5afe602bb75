"""What commands print with `--json`, as types: type checkers compare the results with them, and `--schema` prints them.

The keys of a `TypedDict` stand as they are printed. Only `--schema` loads this room.
"""

from __future__ import annotations

from m2build.printed.cache import CacheKind, CacheUsage, Pruned, Removed
from m2build.printed.images import (
    BaseCheck,
    Configs,
    Difference,
    Entry,
    Mirror,
    Mirrored,
    PathDifference,
    Reverted,
    Side,
)
from m2build.printed.launching import Flag, FlagChange, FlagDifference, LaunchFinding, LaunchProof, MemoryFit
from m2build.printed.measuring import Compared, Comparison, Delta, Figure, Measured, Requests, Roof, Workload
from m2build.printed.patching import Account, ChangedFile, Mention, PatchAccount, Proof, State
from m2build.printed.planning import (
    Blob,
    Destination,
    Estimate,
    Forecast,
    ForecastTransfer,
    Plan,
    PlanBase,
    PlanSettings,
    PlanSources,
    Selection,
    Source,
)
from m2build.printed.schema import schema_text

__all__ = [
    "Account",
    "BaseCheck",
    "Blob",
    "CacheKind",
    "CacheUsage",
    "ChangedFile",
    "Compared",
    "Comparison",
    "Configs",
    "Delta",
    "Destination",
    "Difference",
    "Entry",
    "Estimate",
    "Figure",
    "Flag",
    "FlagChange",
    "FlagDifference",
    "Forecast",
    "ForecastTransfer",
    "LaunchFinding",
    "LaunchProof",
    "Measured",
    "MemoryFit",
    "Mention",
    "Mirror",
    "Mirrored",
    "PatchAccount",
    "PathDifference",
    "Plan",
    "PlanBase",
    "PlanSettings",
    "PlanSources",
    "Proof",
    "Pruned",
    "Removed",
    "Requests",
    "Reverted",
    "Roof",
    "Selection",
    "Side",
    "Source",
    "State",
    "Workload",
    "schema_text",
]
