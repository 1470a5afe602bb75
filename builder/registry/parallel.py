"""Parallel jobs that end at the first failure, or at Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TypeVar

PARALLEL = 4
"""How many blobs are asked for or sent at a time."""
Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(
    job: Callable[[Item], Result], items: Sequence[Item], *, threads: int, stop: threading.Event
) -> list[Result]:
    """Run a job for every item; return the results in the items' order.

    The first failure is raised at once, and so is Ctrl-C. `concurrent.futures` would wait for the other jobs first,
    and again when the process ends. Here `stop` ends them, and a thread that still waits for the network is abandoned.
    """
    waiting: SimpleQueue[int] = SimpleQueue()
    finished: SimpleQueue[Future[tuple[int, Result]]] = SimpleQueue()

    def work() -> None:
        while not stop.is_set():
            try:
                number = waiting.get_nowait()
            except Empty:
                return
            done: Future[tuple[int, Result]] = Future()
            try:
                done.set_result((number, job(items[number])))
            except BaseException as error:  # noqa: BLE001 - raised again where the results are collected
                done.set_exception(error)
            finished.put(done)

    for number in range(len(items)):
        waiting.put(number)
    for _ in range(min(threads, len(items))):
        threading.Thread(target=work, daemon=True).start()
    try:
        results = dict(finished.get().result() for _ in items)
    except BaseException:
        stop.set()
        raise
    return [results[number] for number in range(len(items))]
