"""Why the search benchmark's figures are no better: where bytes and time go, and their floors.

It is no benchmark of its own: `bench_search.py` prints these lines under its table.
"""

from __future__ import annotations

import collections
import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

# What the engine is to be, by the table's rows: so many times as good as the peer.
GOALS = {
    "documents / CPU s": ("tantivy", 1.3),
    "common word, us": ("tantivy", 20.0),
    "rare word, us": ("tantivy", 1.0),
    "AND of two, us": ("tantivy", 2.0),
    "OR of three, us": ("tantivy", 3.0),
    "phrase, us": ("tantivy", 1.5),
    "prefix, us": ("FTS5", 100.0),
}
# What a goal that is missed is lost to: shares of the engine's own time, as profiles of the queries
# of 50,000 captions show them, and of indexing 200,000 (perf record -e cpu-clock).
LIMITS = {
    "documents / CPU s": "a fifth goes into finding words in a table that is larger than the "
    "processor's caches, a sixth into cutting texts into words, a quarter into writing lists, a "
    "fifth into memory",
    "common word, us": "three fifths go into the first blocks, whose documents are mostly worth "
    "the same, so that each is compared with those held; a quarter into reading the query, looking "
    "it up, memory",
    "rare word, us": "two fifths go into reading the query and looking the word up, a quarter into "
    "scoring, a fifth into memory; a peer that was given the query as it had read it before has "
    "only to look it up",
    "AND of two, us": "a quarter goes into unpacking, a fifth into positions, a fifth into finding "
    "what is in both lists, a sixth into scoring, the rest into the query and memory; fewer blocks "
    "cannot be read: were the tenth best's score known from the beginning, it would take 3 to 7 % "
    "less",
    "phrase, us": "two fifths go into finding what is in both lists, a third into positions, a "
    "sixth into unpacking documents",
    "OR of three, us": "a quarter goes into marking which documents have which words, a quarter "
    "into scoring those with several, a fifth into unpacking",
}
# native/search/FORMAT.md: the sections in their order, behind 32 bytes of the segment's head.
SECTIONS = [
    *("ids", "orders", "fields", "lengths", "shapes", "terms", "postings", "positions", "tables"),
    *("stems", "stored", "spaces", "vectors", "tags", "neighbours"),
]
SECTION_ENTRY = struct.Struct("<QQI")


def section_bytes(folder: Path) -> dict[str, int]:
    """Return the bytes of each section over all segments of an index."""
    sizes = dict.fromkeys(SECTIONS, 0)
    for path in folder.glob("*.segment"):
        with path.open("rb") as file:
            head = file.read(32 + SECTION_ENTRY.size * len(SECTIONS))
        for number, name in enumerate(SECTIONS):
            _, size, _ = SECTION_ENTRY.unpack_from(head, 32 + SECTION_ENTRY.size * number)
            sizes[name] += size
    return sizes


def floors(captions: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the bytes below which no code can go that knows only how frequent everything is.

    `ids`: which of N documents have a word, of all sets of so many; `counts`: the entropy of how
    often a word stands in a document that has it; `positions`: at which of a document's places a
    word stands, of all sets of so many places.
    """

    def bits_of_set(among: int, chosen: int) -> float:
        others = among - chosen
        natural = math.lgamma(among + 1) - math.lgamma(chosen + 1) - math.lgamma(others + 1)
        return natural / math.log(2)

    documents: collections.Counter[str] = collections.Counter()
    times: collections.Counter[int] = collections.Counter()
    places = 0.0
    for caption in captions:
        counts = collections.Counter(caption)
        documents.update(counts.keys())
        times.update(counts.values())
        places += sum(bits_of_set(len(caption), count) for count in counts.values())
    postings = times.total()
    return {
        "ids": sum(bits_of_set(len(captions), held) for held in documents.values()) / 8,
        "counts": -sum(n * math.log2(n / postings) for n in times.values()) / 8,
        "positions": places / 8,
    }


def show_bytes(folder: Path, captions: Sequence[Sequence[str]]) -> None:
    """Print which sections take our index's bytes, and the floor of the greatest."""
    sizes = section_bytes(folder)
    whole = sum(sizes.values())
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:7]
    told = ", ".join(f"{name} {size / 1e6:.2f} ({size / whole:.0%})" for name, size in largest)
    print(f"our MB by section: {told}")
    least = floors(captions)
    beside = sizes["postings"] + sizes["positions"]
    floor = sum(least.values())
    parts = ", ".join(f"{name} {size / 1e6:.2f}" for name, size in least.items())
    print(
        f"no code of word after word takes less than {floor / 1e6:.2f} MB for postings and "
        f"positions ({parts}); ours take {beside / 1e6:.2f}, {beside / floor:.2f} times that"
    )


def show_goals(rows: Mapping[str, Mapping[str, float]], calls: Mapping[str, float]) -> None:
    """Print for each figure what it should be, and how much of it is the call from Python.

    Args:
        rows: the table: by label, then by engine.
        calls: microseconds of a call that finds nothing, by engine.
    """
    for label, (peer, goal) in GOALS.items():
        figures = rows.get(label, {})
        if peer not in figures or "ours" not in figures:
            continue
        ours, theirs = figures["ours"], figures[peer]
        if label.endswith("CPU s"):
            reached = ours / theirs
            needed = f"{theirs * goal:,.0f}"
        else:
            reached = theirs / ours
            needed = f"{theirs / goal:,.1f} us"
        state = "reached" if reached >= goal else f"needs {needed}"
        print(
            f"{label.removesuffix(', us')}: {reached:.2f} of {goal:g} times {peer}, {state}", end=""
        )
        if label.endswith(", us") and reached < goal:
            inside = ours - calls["ours"]
            print(
                f"; ours is {calls['ours']:.1f} us of calling and {inside:.1f} in the engine",
                end="",
            )
            if peer in calls:
                print(f", {peer}'s {calls[peer]:.1f} and {theirs - calls[peer]:.1f}", end="")
            plain = figures.get("ours, plain")
            if plain is not None:
                print(f"; asked for no more than {peer} does {theirs / plain:.2f} times", end="")
        if reached < goal and label in LIMITS:
            print(f"; with captions {LIMITS[label]}", end="")
        print()
