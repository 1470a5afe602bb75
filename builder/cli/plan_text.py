"""What `--dry-run` prints: a plan and its forecast, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from m2build.cli.output import shell_line
from m2build.delivery import BlobState, Forecast
from m2build.places.place import PlaceKind
from m2build.progress import WORTH_SAYING, amount

if TYPE_CHECKING:
    from m2build import printed
    from m2build.derivation.plan import Sourced
    from m2build.oci.descriptor import Descriptor


def forecast_lines(forecast: Forecast) -> Iterator[str]:
    """The plan, with the digests of the embedded engine's image; then the destination and what would be sent."""
    plan = forecast.plan
    selection, base = plan.selection, plan.base
    yield f"plan        {plan.digest}"
    yield f"recipe      {selection.recipe.name}, profile {selection.profile_id}, model {selection.model.repo}"
    pin = f"@{base.digest}" if base.digest else ""
    yield f"base        {base.name or base.stand_in or 'unnamed'}{pin}" + (" (stand-in)" * bool(base.stand_in))
    yield f"created     {plan.created_text}"
    for source in plan.sources:
        yield from _source_lines(source)
    for path in plan.hidden:
        yield f"removed     /{path}"
    if forecast.image is not None:
        layer = forecast.image.manifest.layers[-1]
        yield f"layer       {layer.digest} ({layer.size} bytes)"
    yield f"entrypoint  {shell_line(selection.entrypoint)}"
    if forecast.image is not None:
        yield f"manifest    {forecast.image.manifest.digest}"
    yield from _transfer_lines(forecast)


def _transfer_lines(forecast: Forecast) -> Iterator[str]:
    yield f"engine      {forecast.engine}"
    yield f"to          {forecast.job.to.stored}"
    if forecast.before is not None:
        yield f"            names {forecast.before} now"
    if forecast.job.to.place.kind is PlaceKind.REGISTRY:
        for blob, state in forecast.blobs:
            yield f"{state:<11} {blob.digest} ({blob.size} bytes)"
    least = "" if forecast.is_exact else "at least "
    copied = forecast.having(BlobState.COPY)
    yield f"moves       {least}{forecast.bytes} bytes in {_count(copied)}; {_already(forecast)}{_estimate(forecast)}"
    if forecast.refusal:
        yield f"stops       {forecast.refusal}"


def _source_lines(source: Sourced) -> Iterator[str]:
    series = source.changeset.series.id
    yield f"sources     /{source.root}" + f" ({source.name})" * bool(source.name)
    for entry in source.changeset.results:
        yield f"patch       {entry.patch.id}: {entry.outcome}"
        for mention in entry.mentions:
            yield f"            {mention}"
    for change in source.changeset.changes:
        yield f"file        {change}"
    if not source.changeset.changes:
        yield f"            unchanged, every byte (series {series})"


def _count(blobs: Sequence[Descriptor]) -> str:
    return f"{len(blobs)} blob{'s' * (len(blobs) != 1)}"


def _already(forecast: Forecast) -> str:
    mountable = len(forecast.having(BlobState.MOUNTABLE))
    there = f"{len(forecast.having(BlobState.PRESENT))} are there"
    return f"{there}, {mountable} can be mounted" if mountable else there


def _estimate(forecast: Forecast) -> str:
    return f"; {forecast.seconds} s at {amount(forecast.rate)}/s" if forecast.bytes >= WORTH_SAYING else ""


def forecast_document(forecast: Forecast) -> printed.Forecast:
    """The same for machines: the plan, its digest, the manifest's digest if it is known, and what would be sent."""
    to = forecast.job.to
    return {
        **forecast.plan.document(),
        "digest": str(forecast.plan.digest),
        "manifest": str(forecast.image.manifest.digest) if forecast.image else None,
        "engine": forecast.engine,
        "destination": {
            "place": str(to.stored),
            "name": to.reference,
            "before": str(forecast.before) if forecast.before else None,
        },
        "transfer": {
            "existing": len(forecast.having(BlobState.PRESENT)),
            "mountable": len(forecast.having(BlobState.MOUNTABLE)),
            "copied": len(forecast.having(BlobState.COPY)),
            "bytes": forecast.bytes,
            "isExact": forecast.is_exact,
            "estimate": {"seconds": forecast.seconds, "bytesPerSecond": forecast.rate},
            "blobs": [
                {"digest": str(blob.digest), "size": blob.size, "state": state.value} for blob, state in forecast.blobs
            ],
        },
        "refusal": forecast.refusal,
    }
