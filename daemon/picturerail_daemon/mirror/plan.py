"""Compares what lies on disk with what the database holds. Pure: values in, values out.

Identity is decided here as far as names and stats can: the same inode with the same size and
modification time at another path is the same picture moved. What they cannot decide (a copy
and delete, a move between file systems, a return from the dead) is decided by content when
the file is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from picturerail_native.records import Failure, FileStat


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a file lies: the root's id and the path below it."""

    root: int
    path: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """What the plan needs of a live row."""

    id: int
    stat: FileStat


@dataclass(frozen=True, slots=True)
class Read:
    """A file whose bytes must be looked at: `id` is the row at its place, 0 for none."""

    place: Place
    stat: FileStat
    id: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """A picture that lies elsewhere now, with the same bytes."""

    id: int
    source: Place
    target: Place
    stat: FileStat


@dataclass(frozen=True, slots=True)
class Delete:
    """A row whose file is gone, unless reading finds its content elsewhere."""

    id: int
    place: Place


@dataclass(slots=True)
class Plan:
    """What must be done, each list in a stable order."""

    moves: list[Move] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    deletes: list[Delete] = field(default_factory=list)
    cured: list[Place] = field(default_factory=list)
    unchanged: int = 0


def make_plan(
    disk: Mapping[Place, FileStat],
    rows: Mapping[Place, Known],
    failures: Mapping[Place, Failure],
    strays: Mapping[Place, Known] | None = None,
) -> Plan:
    """Compare the same scopes of disk and database.

    Args:
        disk: every picture file found.
        rows: every live row of the listed scopes.
        failures: every recorded failure of the listed scopes; a file whose failure was
            recorded with the same stat is not read again.
        strays: rows from elsewhere whose files are gone from there: they may have moved here,
            and are not deleted if they have not.

    Returns:
        The plan; `cured` are failures whose file is gone, or gave way to another that is fine.
    """
    plan = Plan()
    by_inode = _unambiguous_inodes(disk)
    taken: set[Place] = set()
    homeless: list[tuple[Place, Known]] = []

    for place, known in sorted(rows.items()):
        found = disk.get(place)
        if found is not None and _same_file(found, known.stat):
            taken.add(place)
            if found == known.stat or _tried(failures.get(place), found):
                plan.unchanged += 1
            else:
                plan.reads.append(Read(place, found, known.id))
        else:
            homeless.append((place, known))

    for place, known in (*homeless, *sorted((strays or {}).items())):
        target = by_inode.get((known.stat.volume, known.stat.inode))
        if target is not None and target not in taken and _same_bytes(disk[target], known.stat):
            taken.add(target)
            plan.moves.append(Move(known.id, place, target, disk[target]))

    moved = {move.id for move in plan.moves}
    for place, known in homeless:
        if known.id in moved:
            continue
        found = disk.get(place)
        if found is not None and place not in taken:
            # Another file took the name, as an editor's save does: the same picture, changed.
            taken.add(place)
            if _tried(failures.get(place), found):
                plan.unchanged += 1
            else:
                plan.reads.append(Read(place, found, known.id))
        else:
            plan.deletes.append(Delete(known.id, place))

    for place, found in disk.items():
        if place not in taken and not _tried(failures.get(place), found):
            plan.reads.append(Read(place, found))
    plan.reads.sort(key=lambda read: read.place)
    reading = {read.place for read in plan.reads}
    plan.cured = sorted(
        place
        for place, failure in failures.items()
        if place not in disk or (place not in reading and not _tried(failure, disk[place]))
    )
    return plan


def _unambiguous_inodes(disk: Mapping[Place, FileStat]) -> dict[tuple[int, int], Place]:
    """Index the files by inode; one with several names (hard links) proves no move.

    Inode 0 stands for one that is not to be trusted, as on network file systems.
    """
    index: dict[tuple[int, int], Place] = {}
    doubled: set[tuple[int, int]] = set()
    for place, found in sorted(disk.items()):
        if found.inode == 0:
            continue
        key = (found.volume, found.inode)
        if key in index:
            doubled.add(key)
        index[key] = place
    return {key: place for key, place in index.items() if key not in doubled}


def _same_file(found: FileStat, known: FileStat) -> bool:
    return (found.volume, found.inode) == (known.volume, known.inode)


def _same_bytes(found: FileStat, known: FileStat) -> bool:
    """A rename changes nothing but the change time."""
    return (found.size, found.mtime_ns) == (known.size, known.mtime_ns)


def _tried(failure: Failure | None, found: FileStat) -> bool:
    """Return whether these very bytes were tried before and could not be read."""
    return failure is not None and (
        failure.size,
        failure.mtime_ns,
        failure.ctime_ns,
        failure.inode,
    ) == (
        found.size,
        found.mtime_ns,
        found.ctime_ns,
        found.inode,
    )


def must_hold(vanished: int, remaining: int, share: float) -> bool:
    """Return whether so many pictures of a root gone at once look like a mishap.

    A root that is empty at once may be a disk that is not mounted; a single last picture is
    more likely somebody's delete.

    Args:
        vanished: pictures of the root whose files are gone.
        remaining: pictures of the root whose files are there.
        share: the part of the root's pictures that may vanish at once, 0..1.
    """
    if remaining == 0:
        return vanished > 1
    return vanished >= 20 and vanished > share * (vanished + remaining)
