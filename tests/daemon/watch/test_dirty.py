"""The set of folders to look at again."""

from picturerail_daemon.watch.dirty import MOST_FOLDERS, DirtySet


def test_hints_coalesce_and_come_out_once():
    """Many hints for a folder are one look; what was taken does not come again."""
    dirty = DirtySet(0.0)
    for _ in range(50):
        dirty.mark(1, b"a")
    dirty.mark(1, b"b", recursive=True)
    dirty.mark(2, b"a")

    batch = dirty.take(5)

    assert batch.folders == {1: {b"a": False, b"b": True}, 2: {b"a": False}}
    assert dirty.take(0).folders == {}


def test_too_many_folders_become_one_look_at_the_root():
    """The set is bounded, whatever the burst."""
    dirty = DirtySet(0.0)
    for number in range(MOST_FOLDERS * 3):
        dirty.mark(1, b"%d" % number)

    assert dirty.take(5).folders == {1: {b"": True}}


def test_a_batch_serves_everyone_who_asked_for_all_before():
    """`mark_all` is due at once, and its epoch comes with the batch that holds the mark."""
    dirty = DirtySet(3600.0)
    dirty.mark(1, b"later")
    first = dirty.mark_all([1, 2])
    second = dirty.mark_all([1, 2])

    batch = dirty.take(5)

    assert first < second == batch.epoch
    assert batch.folders == {1: {b"": True}, 2: {b"": True}}


def test_what_is_put_off_comes_when_it_is_due():
    """A later mark does not come before its time, and then comes without a hint."""
    dirty = DirtySet(0.0)
    dirty.mark_later(1, b"slow", 0.05)

    assert dirty.take(0).folders == {}
    assert dirty.take(5).folders == {1: {b"slow": False}}
    dirty.mark_later(1, b"", 0.0, recursive=True)
    assert dirty.take(5).folders == {1: {b"": True}}


def test_closing_ends_the_wait():
    """A closed set gives None at once, for good."""
    dirty = DirtySet(0.0)
    dirty.close()

    assert dirty.take(3600) is None
