"""`m2build cache`: what is kept of earlier runs."""

from __future__ import annotations

import click

import m2build
from m2build.cli.groups import Group
from m2build.cli.output import json_option, print_json, result, schema_option
from m2build.errors import UsageError
from m2build.local.sizes import parse_size
from m2build.progress import amount


def _usage_schema() -> str:
    from m2build.printed import CacheUsage, schema_text

    return schema_text("cache show", CacheUsage)


def _pruned_schema() -> str:
    from m2build.printed import Pruned, schema_text

    return schema_text("cache prune", Pruned)


@click.group(cls=Group, epilog="\b\nExamples:\n  m2build cache show\n  m2build cache prune --size 500MB")
def cache() -> None:
    """Show the cache, and remove its oldest entries.

    The cache is `m2build` in $XDG_CACHE_HOME, or else in ~/.cache. It has at most 2 GiB, or what M2BUILD_CACHE_SIZE
    says, as in 500MB: beyond that, what was unused longest is removed by itself.
    """


@cache.command(epilog="\b\nExample:\n  m2build cache show")
@json_option
@schema_option(_usage_schema, "--json")
def show(as_json: bool) -> None:
    """Show what the cache holds, and its bound."""
    usage = m2build.Session().cache_usage()
    if as_json:
        print_json(usage.document())
        return
    for kind in usage.kinds:
        result(f"{kind.name:8} {kind.entries:>6} {amount(kind.bytes):>10}  {kind.holds}")
    result(f"{'all':8} {'':6} {amount(usage.bytes):>10}  of {amount(usage.bound)} in {usage.folder}")


@cache.command(epilog="\b\nExamples:\n  m2build cache prune\n  m2build cache prune --size 0")
@click.option("--size", metavar="SIZE", help="What may stay, as in 500MB; default: the cache's bound.")
@json_option
@schema_option(_pruned_schema, "--json")
def prune(size: str | None, as_json: bool) -> None:
    """Remove what was unused longest, until the cache has at most SIZE.

    Other runs of m2build may go on meanwhile. A release that was used in the last hour stays.
    """
    largest = parse_size(size) if size is not None else None
    if size is not None and largest is None:
        raise UsageError(f"--size {size!r} is not a size", hint="write 500MB, 1.5GiB or 0")
    pruned = m2build.Session().prune_cache(largest)
    if as_json:
        print_json(pruned.document())
    else:
        result(f"removed {pruned.entries} entries, {amount(pruned.bytes)}; {amount(pruned.left.bytes)} are left")
