"""Work beside a reader: in a thread while a processor is free, by the reader itself when none is; always in order."""

from __future__ import annotations

import hashlib
import os
import threading

import pytest

from m2build.oci.hashing import Beside, RunningHash

LONG = 40
"""Pieces of a long stream."""


@pytest.fixture
def processors(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The processors that this process has: two."""
    given = {0, 1}
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: given)
    return given


class Worker:
    """Keeps pieces, and which threads brought them."""

    def __init__(self) -> None:
        self.pieces: list[int] = []
        self.threads: list[int] = []
        self.beside = Beside(self.work)

    def work(self, piece: int) -> None:
        self.pieces.append(piece)
        self.threads.append(threading.get_ident())

    def read(self, pieces: range) -> None:
        for piece in pieces:
            self.beside.add(piece)


def elsewhere(worker: Worker, pieces: range) -> None:
    """Read in a thread of its own."""
    thread = threading.Thread(target=worker.read, args=(pieces,))
    thread.start()
    thread.join()


@pytest.mark.usefixtures("processors")
def test_one_long_stream_is_worked_on_in_another_thread() -> None:
    worker = Worker()
    worker.read(range(LONG))
    worker.beside.close()
    assert worker.pieces == list(range(LONG))
    assert worker.threads[-1] != threading.get_ident()


@pytest.mark.usefixtures("processors")
def test_a_short_stream_needs_no_thread() -> None:
    worker = Worker()
    worker.read(range(8))
    assert {*worker.threads} == {threading.get_ident()}


@pytest.mark.usefixtures("processors")
def test_readers_that_need_every_processor_do_their_own_work_in_order() -> None:
    one, other = Worker(), Worker()
    one.read(range(LONG))
    elsewhere(other, range(LONG))
    one.read(range(LONG, 2 * LONG))
    assert one.pieces == list(range(2 * LONG))
    assert {*one.threads[LONG:]} == {threading.get_ident()}
    other.beside.close()
    one.read(range(2 * LONG, 3 * LONG))
    one.beside.close()
    assert one.pieces == list(range(3 * LONG))
    assert one.threads[-1] != threading.get_ident()


def test_a_reader_with_two_streams_is_one_reader(processors: set[int]) -> None:
    """A layer's stored bytes and its tar are read by one thread."""
    first, second = Worker(), Worker()
    for worker in (first, second):
        worker.read(range(LONG))
    for worker in (first, second):
        worker.beside.close()
        assert worker.threads[-1] != threading.get_ident()
    processors.clear()
    third = Worker()
    third.read(range(LONG))
    third.beside.close()
    assert {*third.threads} == {threading.get_ident()}


def test_the_hash_is_that_of_all_pieces() -> None:
    pieces = [bytes([number]) * 3000 for number in range(LONG)]
    running = RunningHash("sha256")
    for piece in pieces:
        running.update(piece)
    assert running.hexdigest() == hashlib.sha256(b"".join(pieces)).hexdigest()
