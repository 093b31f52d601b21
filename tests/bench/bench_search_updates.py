"""What one change of an index costs, by how much is in it; and what calls and threads cost.

    python tests/bench/bench_search_updates.py [--documents N ...] [--updates N] [--gigabyte]

Each index is built and merged, then so many documents are replaced, each with a commit of its own.
Times are CPU seconds of the process, so merges beside the writer count; the slowest change is that
of the writer's thread alone, which waits for none of them. Bytes are those handed to the disk's
files (`wchar` of /proc/self/io), of the writer alone. A reader that follows is refreshed after each
commit. With --gigabyte an index of that size is opened: a million captions, each with a vector of
960 dimensions, in segments as they gather.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import numpy as np
from bench_search import SEED, make_vocabulary, size_of

from picturerail_native.search import Reader, Writer

UUID = bytes(16)


def written() -> int:
    """Return the bytes that this process has handed to files."""
    text = Path("/proc/self/io").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith("wchar")).split()[1])


def least(task: Callable[[], object], passes: int) -> float:
    """Return the least CPU seconds of this thread that a task takes."""
    best = float("inf")
    for _ in range(passes):
        begin = time.thread_time()
        task()
        best = min(best, time.thread_time() - begin)
    return best


def caption_maker(rng: random.Random) -> Callable[[], str]:
    """Return what makes captions of eight words by Zipf's law."""
    vocabulary = make_vocabulary(rng, 20_000)
    weights = list(accumulate(1 / (rank + 2) for rank in range(len(vocabulary))))
    return lambda: " ".join(rng.choices(vocabulary, cum_weights=weights, k=8))


def show_updates(folder: Path, documents: int, updates: int, caption: Callable[[], str]) -> None:
    """Print what changes of an index of so many documents cost."""
    with Writer(folder, UUID) as writer:
        for number in range(1, documents + 1):
            writer.put(number, [("caption", caption())])
        writer.commit(1)
        writer.compact()
        size = size_of(folder)
        rng = random.Random(SEED)
        writing = refreshing = slowest = 0.0
        count = 0
        with Reader(folder) as reader:
            for seq in range(2, updates + 2):
                before, begin, alone = written(), time.process_time(), time.thread_time()
                writer.put(rng.randint(1, documents), [("caption", caption())])
                writer.commit(seq)
                slowest = max(slowest, time.thread_time() - alone)
                writing += time.process_time() - begin
                count += written() - before
                begin = time.process_time()
                reader.refresh()
                refreshing += time.process_time() - begin
    opening = least(lambda: Reader(folder).close(), 9)
    print(
        f"{documents:>10,}{size / 1e6:>10.1f}{writing / updates * 1e6:>14,.0f}"
        f"{slowest * 1e6:>14,.0f}{count / updates:>16,.0f}{refreshing / updates * 1e6:>14,.0f}"
        f"{opening * 1e3:>12.2f}"
    )


def show_calls(folder: Path) -> None:
    """Print what a call costs beside the search itself, and what a second thread brings."""
    calls = 2_000
    with Reader(folder) as reader:
        # A query of no words is answered before anything is looked at.
        call = least(lambda: [reader.best("", 10) for _ in range(calls)], 9)
        hit, ten = struct.Struct("<Qf4x"), bytes(160)
        view = memoryview(ten)
        unpacking = least(lambda: [list(hit.iter_unpack(view)) for _ in range(calls)], 9)
        print(f"a call from Python without hits: {call / calls * 1e6:.2f} us, ", end="")
        print(f"ten hits made of what it wrote: {unpacking / calls * 1e6:.2f} us")

        words = make_vocabulary(random.Random(SEED), 40)
        queries = [f'"{a} {b}"' for a in words[:8] for b in words[8:16]]

        def ask() -> None:
            for query in queries:
                reader.best(query, 10)

        # Work that shares nothing and releases Python's lock: as much as two threads can bring.
        nothing_shared = bytes(2_000_000)

        def control() -> None:
            hashlib.sha256(nothing_shared).digest()

        spent: list[float] = []

        def run(task: Callable[[], object], threads: int) -> tuple[float, float]:
            """Return the wall's seconds, and the CPU's of each thread."""
            spent.clear()

            def work() -> None:
                begin = time.thread_time()
                task()
                spent.append(time.thread_time() - begin)

            workers = [threading.Thread(target=work) for _ in range(threads)]
            begin = time.perf_counter()
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            return time.perf_counter() - begin, sum(spent) / threads

        timed: dict[str, tuple[list[tuple[float, float]], list[tuple[float, float]]]] = {
            "on one reader": ([], []),
            "that share nothing (SHA-256)": ([], []),
        }
        for _ in range(60):  # in turn, so that other work meets all
            for (ones, twos), task in zip(timed.values(), (ask, control), strict=True):
                ones.append(run(task, 1))
                twos.append(run(task, 2))
        for label, (ones, twos) in timed.items():
            wall = 2 * min(wall for wall, _ in ones) / min(wall for wall, _ in twos)
            # What they cost each other by what they share: locks and memory. That of the machine's
            # other work, and of processors that share a core, is in it too.
            cpu = 2 * min(cpu for _, cpu in ones) / min(cpu for _, cpu in twos)
            print(f"two threads {label}: {wall:.2f} times one, by the wall's clock; ", end="")
            print(f"{cpu:.2f} times by the CPU time that each takes")


def show_opening(folder: Path, documents: int, dimension: int, caption: Callable[[], str]) -> None:
    """Print how long an index of many bytes takes to open, and its first search."""
    rng = np.random.default_rng(SEED)
    pool = rng.standard_normal(1_000_000 + dimension, dtype=np.float32)
    with Writer(folder, UUID) as writer:
        for number in range(1, documents + 1):
            writer.put(number, [("caption", caption())])
            begin = number * 7919 % 1_000_000
            writer.put_vector(number, "space", pool[begin : begin + dimension].data)
            if number % 50_000 == 0:
                writer.commit(number)
        segments = writer.info.segments
    times, first = [], []
    for _ in range(9):
        begin_opening = time.perf_counter()
        with Reader(folder) as reader:
            times.append(time.perf_counter() - begin_opening)
            begin_search = time.perf_counter()
            reader.best(caption().split()[0], 10)
            first.append(time.perf_counter() - begin_search)
    print(
        f"{size_of(folder) / 1e6:,.0f} MB in {segments} segments: opened in "
        f"{min(times) * 1e3:.2f} ms (the slowest of nine {max(times) * 1e3:.2f}), its first "
        f"search, which verifies what it reads, in {min(first) * 1e3:.0f} ms"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--documents", type=int, nargs="+", default=[1_000, 30_000, 1_000_000])
    parser.add_argument("--updates", type=int, default=200)
    parser.add_argument("--gigabyte", action="store_true", help="open an index of that size")
    arguments = parser.parse_args()
    print(f"seed {SEED}, {arguments.updates} changes, each committed")
    heads = ("documents", 10), ("MB", 10), ("change, us", 14), ("slowest, us", 14)
    print("".join(f"{head:>{width}}" for head, width in heads), end="")
    print(f"{'bytes written':>16}{'refresh, us':>14}{'open, ms':>12}")
    caption = caption_maker(random.Random(SEED))
    with tempfile.TemporaryDirectory() as temporary:
        for documents in arguments.documents:
            folder = Path(temporary, str(documents))
            show_updates(folder, documents, arguments.updates, caption)
        show_calls(Path(temporary, str(arguments.documents[-1])))
        if arguments.gigabyte:
            show_opening(Path(temporary, "gigabyte"), 1_000_000, 960, caption)


if __name__ == "__main__":
    main()
