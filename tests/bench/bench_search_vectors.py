"""The nearest of many vectors: the engine, exact and by signs, beside usearch's exact search.

    python tests/bench/bench_search_vectors.py [--vectors N] [--dimension D]

Vectors lie in clusters, so that there are nearest ones worth finding: 2,000 centres, and noise of
0.8 around them. Times are CPU milliseconds of one thread for a query, the mean over 100 queries,
after one pass over all; recall is the share of the ten that comparing all int8 vectors finds.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from picturerail_native.search import Reader, Writer

SEED = 5
CENTRES = 2_000
QUERIES = 100
BATCH = 10_000


def clustered(
    rng: np.random.Generator, centres: np.ndarray[tuple[int, int], np.dtype[np.float32]], count: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Return vectors around random centres."""
    noise = rng.standard_normal((count, centres.shape[1]), dtype=np.float32)
    return np.ascontiguousarray(
        centres[rng.integers(0, len(centres), count)] + np.float32(0.8) * noise
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=512)
    arguments = parser.parse_args()
    dimension = arguments.dimension
    rng = np.random.default_rng(SEED)
    centres = rng.standard_normal((CENTRES, dimension), dtype=np.float32)
    folder = Path(tempfile.mkdtemp())
    try:
        index = None
        try:
            from usearch.index import MetricKind, ScalarKind, search
        except ImportError as error:
            print(f"usearch is left out: {error}")
        else:
            index = np.empty((arguments.vectors, dimension), dtype=np.int8)
        begin = time.process_time()
        with Writer(folder, bytes(16)) as writer:
            for first in range(0, arguments.vectors, BATCH):
                rows = clustered(rng, centres, min(BATCH, arguments.vectors - first))
                if index is not None:
                    most = np.abs(rows).max(axis=1, keepdims=True)
                    index[first : first + len(rows)] = np.rint(rows * 127 / most)
                for number, row in enumerate(rows, first + 1):
                    writer.put(number, [])
                    writer.put_vector(number, "space", row.data)
            writer.commit(1)
            writer.compact()
            size = writer.info.disk_bytes
        built = time.process_time() - begin
        print(f"{arguments.vectors} x {dimension}, {size / 1e6:.0f} MB, built in {built:.0f} CPU s")
        queries = clustered(rng, centres, QUERIES)
        begin = time.perf_counter()
        reader = Reader(folder)
        print(f"opened in {(time.perf_counter() - begin) * 1e3:.1f} ms")
        with reader:
            report(reader, queries, dimension)
        if index is not None:
            whole = np.rint(queries * 127 / np.abs(queries).max(axis=1, keepdims=True))
            few = whole[:5].astype(np.int8)
            begin = time.process_time()
            search(index, few, 10, MetricKind.Cos, exact=True, threads=1, dtype=ScalarKind.I8)
            print(f"{'usearch, exact int8':34} {(time.process_time() - begin) / 5 * 1e3:8.2f} ms")
    finally:
        shutil.rmtree(folder)


def report(
    reader: Reader,
    queries: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    dimension: int,
) -> None:
    """Print our rows."""
    flat = queries.reshape(-1)
    begin = time.thread_time()
    exact = reader.nearest_batch("space", flat.data, dimension, 10, exact=True)
    print(f"{'exact int8':34} {(time.thread_time() - begin) / QUERIES * 1e3:8.2f} ms")
    reader.nearest("space", queries[0].data, 10)  # verifies the signs' checksum
    begin = time.thread_time()
    likely = [reader.nearest("space", query.data, 10) for query in queries]
    spent = (time.thread_time() - begin) / QUERIES * 1e3
    shared = [
        len({hit.id for hit in a} & {hit.id for hit in b})
        for a, b in zip(exact, likely, strict=True)
    ]
    recall = sum(shared) / (10 * QUERIES)
    print(f"{'by signs':34} {spent:8.2f} ms, recall {recall:.3f}")
    begin = time.thread_time()
    reader.nearest_batch("space", flat.data, dimension, 10)
    print(f"{'by signs, 100 at once':34} {(time.thread_time() - begin) / QUERIES * 1e3:8.2f} ms")


if __name__ == "__main__":
    main()
