"""Which tests run, in which order, and in which process.

`--sweep` runs the sweeps and nothing else: long rows of seeded cases, which docs/reliability.md counts.

`--require-engines` runs the tests that need container engines, and lets no test be skipped for lack of an
engine, of root, or of any other tool.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling  # type: ignore[import-untyped]

ENGINES = "tests/engines/real/"
SWEEPS = Path(__file__).parents[1] / "sweeps"

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

gc.disable()  # until all tests are collected: nothing of that is garbage, and looking takes a sixth of the time


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-engines",
        action="store_true",
        help="run the tests that need container engines as well, and fail whatever would be skipped",
    )
    parser.addoption("--sweep", action="store_true", help="run the long sweeps of seeded cases, and nothing else")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sweeps run by themselves. The longest come first: the tests of the engines, if they run, then those of pages."""
    chosen: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        is_sweep = item.get_closest_marker("sweep") is not None
        (chosen if is_sweep == config.getoption("sweep") else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = chosen
    items.sort(key=lambda item: (item.get_closest_marker("engine") is None, len(item.path.parts)))
    if not config.getoption("require_engines"):
        reason = "needs container engines: pytest --require-engines runs it"
        for item in items:
            if item.get_closest_marker("engine"):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without `--sweep`, the folder of the sweeps is not even imported: every process would do that."""
    return True if collection_path == SWEEPS and not config.getoption("sweep") else None


def pytest_collection_finish() -> None:
    """The thousands of collected tests stay until the end: without them, collecting garbage is quick.

    So is doing it less often than Python does by itself, after every 700 new objects: it took a fifteenth of the time.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Each share of a property has a seed of its own: with the same one, as in CI, it would try the same examples."""
    if isinstance(item, pytest.Function) and hasattr(item.obj, "hypothesis") and hasattr(item, "callspec"):
        from hypothesis import seed

        if share := item.callspec.params.get("share"):
            seed(share)(item.obj)


def pytest_xdist_auto_num_workers() -> int:
    """One process for each core, and one more: some always wait, for engines, stalled servers and disks."""
    return (os.cpu_count() or 1) + 1


class FileScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist is untyped
    """Every file in one worker; those of the engines, which share their daemons, in the same one.

    `--dist=loadgroup` and marks would say the same, but with pytest 9.2 xdist 3.8 forgets the groups without a word.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return ENGINES if file.startswith(ENGINES) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling:
    return FileScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _required(item.config, (yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _required(collector.config, (yield))


def _required(config: pytest.Config, report: Report) -> Report:
    """With --require-engines, a skipped test fails, with the reason for the skip."""
    if config.getoption("require_engines") and report.skipped:
        report.outcome = "failed"
        report.longrepr = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return report
