"""The pure comparison of disk and database."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from picturerail_daemon.mirror.plan import Known, Place, make_plan, must_hold
from picturerail_native.records import Failure, FileStat

A, B, C = (Place(1, name) for name in (b"a.jpg", b"b.jpg", b"dir/c.jpg"))


def stat(inode: int, *, size: int = 10, mtime: int = 1, ctime: int = 1) -> FileStat:
    """Return a stat on one volume."""
    return FileStat(size, mtime, ctime, inode, 7)


def test_a_file_as_it_was_needs_nothing():
    """An unchanged stat is unchanged bytes."""
    plan = make_plan({A: stat(1)}, {A: Known(5, stat(1))}, {})

    assert plan.unchanged == 1
    assert (plan.moves, plan.reads, plan.deletes) == ([], [], [])


def test_a_rename_is_a_move_without_a_read():
    """The same inode, size and modification time elsewhere is the same picture moved."""
    plan = make_plan({B: stat(1, ctime=9)}, {A: Known(5, stat(1))}, {})

    assert [(m.id, m.source, m.target) for m in plan.moves] == [(5, A, B)]
    assert (plan.reads, plan.deletes) == ([], [])


def test_an_exchange_keeps_both_identities():
    """Two pictures that swap names (RENAME_EXCHANGE) are two moves."""
    plan = make_plan({A: stat(2), B: stat(1)}, {A: Known(5, stat(1)), B: Known(6, stat(2))}, {})

    assert {(5, B), (6, A)} == {(m.id, m.target) for m in plan.moves}
    assert (plan.reads, plan.deletes) == ([], [])


def test_an_atomic_save_changes_the_picture_at_its_place():
    """A new inode under the old name, the old one gone, is the same picture, changed."""
    plan = make_plan({A: stat(9, mtime=5)}, {A: Known(5, stat(1))}, {})

    assert [(r.place, r.id) for r in plan.reads] == [(A, 5)]
    assert (plan.moves, plan.deletes) == ([], [])


def test_a_rename_over_another_moves_one_and_deletes_the_other():
    """`mv b a`: b's picture is at a now; a's own picture is gone."""
    plan = make_plan({A: stat(2)}, {A: Known(5, stat(1)), B: Known(6, stat(2))}, {})

    assert [(m.id, m.target) for m in plan.moves] == [(6, A)]
    assert [d.id for d in plan.deletes] == [5]


def test_a_hard_link_is_a_second_picture():
    """A second name of an inode is read as a new picture; the first stays."""
    plan = make_plan({A: stat(1), B: stat(1)}, {A: Known(5, stat(1))}, {})

    assert plan.unchanged == 1
    assert [(r.place, r.id) for r in plan.reads] == [(B, 0)]


def test_a_stray_moves_here_without_a_read_and_is_never_deleted():
    """Rows of a folder that was configured before come along by inode, or stay where they are."""
    old, other = Place(9, b"a.jpg"), Place(9, b"b.jpg")
    plan = make_plan({A: stat(1)}, {}, {}, {old: Known(5, stat(1)), other: Known(6, stat(2))})

    assert [(m.id, m.source, m.target) for m in plan.moves] == [(5, old, A)]
    assert plan.reads == []
    assert [d.id for d in plan.deletes] == []


def test_an_inode_that_means_nothing_proves_no_move():
    """On a network file system the numbers may be anybody's."""
    plan = make_plan({B: stat(0)}, {A: Known(5, stat(0))}, {})

    assert plan.moves == []
    assert [r.place for r in plan.reads] == [B]


def test_a_failed_file_is_tried_again_only_when_it_changed():
    """The same broken bytes are not read twice; changed ones are."""
    failure = Failure("truncated", 10, 1, 1, 1)

    assert make_plan({A: stat(1)}, {}, {A: failure}).reads == []
    assert len(make_plan({A: stat(1, mtime=2)}, {}, {A: failure}).reads) == 1
    assert make_plan({}, {}, {A: failure}).cured == [A]


def test_deletions_are_held_when_they_look_like_a_mishap():
    """A root that is empty at once, or lost most of many pictures, holds; a few do not."""
    assert must_hold(2, 0, 0.5)
    assert must_hold(60, 40, 0.5)
    assert not must_hold(1, 0, 0.5)
    assert not must_hold(5, 1, 0.5)
    assert not must_hold(40, 60, 0.5)


few = st.integers(1, 2)
places = st.builds(lambda root, folder, name: Place(root, b"%d/%d" % (folder, name)), few, few, few)
stats = st.builds(stat, st.integers(1, 6), size=few, mtime=few, ctime=few)


def carried_out(rows, plan, fresh):
    """Return the rows after a plan, checking that each step can be taken."""
    after = dict(rows)
    for delete in plan.deletes:
        assert after.pop(delete.place).id == delete.id
    moving = {move.source: after.pop(move.source) for move in plan.moves}
    for move in plan.moves:
        assert move.target not in after, "two rows at one place"
        after[move.target] = Known(moving[move.source].id, move.stat)
    for read in plan.reads:
        if read.id:
            assert after[read.place].id == read.id
        else:
            assert read.place not in after
        after[read.place] = Known(read.id or next(fresh), read.stat)
    return after


def numbered(known):
    """Return rows with ids."""
    return {place: Known(number, found) for number, (place, found) in enumerate(known.items(), 1)}


@given(st.dictionaries(places, stats), st.dictionaries(places, stats))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_carried_out_a_plan_leaves_exactly_what_is_on_disk(disk, known):
    """Any plan ends with the rows at the disk's places, touches no row twice, is idempotent."""
    rows = numbered(known)
    plan = make_plan(disk, rows, {})
    after = carried_out(rows, plan, itertools.count(1000))

    assert {place: row.stat for place, row in after.items()} == disk
    assert len({row.id for row in after.values()}) == len(after)
    touched = [op.id for op in (*plan.moves, *plan.deletes)] + [r.id for r in plan.reads if r.id]
    assert len(touched) == len(set(touched))
    again = make_plan(disk, after, {})
    assert (len(disk), [], [], []) == (again.unchanged, again.moves, again.reads, again.deletes)


@given(st.dictionaries(places, stats), st.dictionaries(places, stats))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_what_moved_is_never_deleted_and_made_again(disk, known):
    """A row is deleted only if no file of its inode and bytes waits for one."""
    rows = numbered(known)
    plan = make_plan(disk, rows, {})

    by_inode = {}
    for place, found in disk.items():
        by_inode.setdefault(found.inode, []).append(place)
    new = {read.place for read in plan.reads if not read.id}
    for delete in plan.deletes:
        left = rows[delete.place].stat
        for place in by_inode.get(left.inode, []):
            same = (disk[place].size, disk[place].mtime_ns) == (left.size, left.mtime_ns)
            assert not (same and place in new and len(by_inode[left.inode]) == 1)


@given(
    st.dictionaries(places, stats),
    st.dictionaries(places, stats),
    st.permutations([(root, folder) for root in (1, 2) for folder in (b"1", b"2")]),
)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_batches_in_any_order_converge(disk, known, order):
    """Folder by folder, in whatever order and once more in reverse, the end is the disk."""
    rows, fresh = numbered(known), itertools.count(1000)
    for batch, scope in enumerate((*order, *reversed(order))):
        seen = {p: s for p, s in disk.items() if (p.root, p.path[:1]) == scope}
        held = {p: row for p, row in rows.items() if (p.root, p.path[:1]) == scope}
        plan = make_plan(seen, held, {})
        if batch >= len(order):
            assert (plan.moves, plan.reads, plan.deletes) == ([], [], [])
        rows = {p: row for p, row in rows.items() if p not in held} | carried_out(held, plan, fresh)

    assert {place: row.stat for place, row in rows.items()} == disk
