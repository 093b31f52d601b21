"""Finds pictures that are the same, nearly the same, or of one burst. Only reads.

Pairs are found by parts: of hashes that differ in at most `d` bits, cut into more than `d` parts,
one part is the same; only pictures that share a part are compared.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from picturerail_daemon.service.places import Layout
from picturerail_daemon.service.reading import reading
from picturerail_daemon.service.roots import known_roots
from picturerail_daemon.service.views import absolute_path, path_json
from picturerail_native.records import ImageRow

NEAR = 6
"""Bits that two pictures differ in at most to be nearly the same."""
BURST_SECONDS = 2.0
BURST = 20
"""Bits that two pictures of one camera differ in at most, taken so soon after each other."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Seen:
    id: int
    content: bytes
    bits: int | None
    camera: str
    taken: float | None


def duplicates(layout: Layout, distance: int) -> list[Json]:
    """Return groups of pictures that belong together, the largest first.

    `kind` is "same" (byte for byte), "near" (at most `distance` bits of the perceptual hash) or
    "burst" (one camera, within seconds). A group is as loose as its loosest link.
    """
    with reading(layout) as snapshot:
        roots = known_roots(snapshot)
        rows = {row.id: row for row in snapshot.images()}
        seen = [_see(row) for row in rows.values()]
        groups = _Groups()
        for one, other, kind in _links(seen, distance):
            groups.join(one, other, kind)
        return [
            {
                "kind": kind,
                "pictures": [
                    {"id": i, **path_json(absolute_path(roots, rows[i].root, rows[i].path))}
                    for i in members
                ],
            }
            for kind, members in groups.all()
        ]


def _see(row: ImageRow) -> _Seen:
    metadata = row.metadata
    taken = None
    if metadata.taken:
        try:
            moment = dt.datetime.fromisoformat(metadata.taken)
            taken = moment.replace(tzinfo=dt.UTC).timestamp()
        except ValueError:
            taken = None
    bits = int(metadata.fingerprint, 16) if metadata.fingerprint else None
    return _Seen(row.id, row.content_hash, bits, metadata.camera, taken)


def _links(seen: list[_Seen], distance: int) -> Iterator[tuple[int, int, str]]:
    by_content: dict[bytes, int] = {}
    for picture in seen:
        first = by_content.setdefault(picture.content, picture.id)
        if first != picture.id:
            yield first, picture.id, "same"
    firsts = (p for p in seen if p.bits and by_content[p.content] == p.id)
    for one, other in _near(((p.id, p.bits) for p in firsts), distance):
        yield one, other, "near"
    in_time = [p for p in seen if p.taken is not None and p.bits is not None and p.camera]
    in_time.sort(key=lambda p: (p.camera, p.taken or 0.0, p.id))
    for before, after in itertools.pairwise(in_time):
        soon = (after.taken or 0.0) - (before.taken or 0.0) <= BURST_SECONDS
        alike = ((before.bits or 0) ^ (after.bits or 0)).bit_count() <= BURST
        if before.camera == after.camera and soon and alike:
            yield before.id, after.id, "burst"


def _near(hashes: Iterable[tuple[int, int | None]], distance: int) -> Iterator[tuple[int, int]]:
    """Return pairs of ids whose hashes differ in at most so many bits."""
    whole: dict[int, int] = {}
    for image_id, fingerprint in hashes:
        first = whole.setdefault(fingerprint or 0, image_id)
        if first != image_id:
            yield first, image_id
    every = np.fromiter(whole, np.uint64, len(whole))
    parts = distance + 1
    edges = [64 * part // parts for part in range(parts + 1)]
    for low, high in itertools.pairwise(edges):
        part = every >> np.uint64(low) & np.uint64((1 << (high - low)) - 1)
        by_part = every[np.argsort(part, kind="stable")]
        _, begins = np.unique(np.sort(part), return_index=True)
        for alike in np.split(by_part, begins[1:]):
            for number, bits in enumerate(alike[:-1]):
                rest = alike[number + 1 :]
                for other in rest[np.bitwise_count(rest ^ bits) <= distance]:
                    yield whole[int(bits)], whole[int(other)]


class _Groups:
    """Sets of ids that are joined pair by pair."""

    _LOOSER = ("same", "near", "burst")

    def __init__(self) -> None:
        self._above: dict[int, int] = {}
        self._kind: dict[int, str] = {}

    def join(self, one: int, other: int, kind: str) -> None:
        a, b = self._top(one), self._top(other)
        kinds = (kind, self._kind.get(a, kind), self._kind.get(b, kind))
        if a != b:
            self._above[max(a, b)] = min(a, b)
        self._kind[min(a, b)] = max(kinds, key=self._LOOSER.index)

    def _top(self, member: int) -> int:
        self._above.setdefault(member, member)
        while self._above[member] != member:
            self._above[member] = member = self._above[self._above[member]]
        return member

    def all(self) -> list[tuple[str, list[int]]]:
        """Return (kind, ids ascending), the largest first."""
        members: dict[int, list[int]] = defaultdict(list)
        for member in sorted(self._above):
            members[self._top(member)].append(member)
        return sorted(
            ((self._kind[top], ids) for top, ids in members.items()),
            key=lambda group: (-len(group[1]), group[1]),
        )
