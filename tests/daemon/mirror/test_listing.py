"""Reading what lies on disk."""

import os

from picturerail_daemon.mirror.listing import Rules, Scope, list_scopes


def kind_of(name: bytes) -> str:
    """Tell pictures, videos and the rest apart by suffix."""
    suffix = name.rpartition(b".")[2]
    return {b"jpg": "picture", b"mp4": "video"}.get(suffix, "other")


def test_names_may_be_any_bytes(tmp_path):
    """Names that are not UTF-8, or hold newlines and quotes, come back as they are."""
    names = [b"\xff\xfe.jpg", b"a\nb'\"c.jpg", "ä.jpg".encode()]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")

    listing = list_scopes(os.fsencode(tmp_path), [Scope()], Rules(kind_of))

    assert set(names) == listing.pictures.keys()


def test_links_are_not_followed_and_loops_are_told(tmp_path):
    """A link is left out; one that loops or leads nowhere is named with its reason."""
    (tmp_path / "real.jpg").write_bytes(b"x")
    (tmp_path / "link.jpg").symlink_to("real.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "gone.jpg").symlink_to("nothing")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "up").symlink_to("..")

    listing = list_scopes(os.fsencode(tmp_path), [Scope()], Rules(kind_of))

    assert {b"real.jpg"} == listing.pictures.keys()
    assert {b"loop.jpg", b"gone.jpg", b"sub/up"} == listing.faults.keys()
    assert "loop" in listing.faults[b"loop.jpg"]
    assert "loop" in listing.faults[b"sub/up"]
    assert listing.left_out["link"] == 1


def test_videos_and_others_are_counted_and_temporary_files_are_not(tmp_path):
    """What is no picture is told by kind; what is being written is nobody's business."""
    for name in ("a.jpg", "b.mp4", "c.pdf", ".d.jpg", "e.jpg.part", "f.jpg~", "g.crdownload"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "h.jpg").write_bytes(b"x")

    listing = list_scopes(os.fsencode(tmp_path), [Scope()], Rules(kind_of))

    assert {b"a.jpg"} == listing.pictures.keys()
    assert listing.left_out == {"video": 1, "other": 1}


def test_a_root_that_is_not_there_is_not_an_empty_one(tmp_path):
    """A missing root says so, and a missing folder below a root is empty."""
    missing = list_scopes(os.fsencode(tmp_path / "no"), [Scope()], Rules(kind_of))
    empty = list_scopes(os.fsencode(tmp_path), [Scope(b"no")], Rules(kind_of))

    assert not missing.present
    assert empty.present
    assert not empty.pictures


def test_a_scope_alone_lists_no_deeper(tmp_path):
    """A folder can be listed without what lies below it."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "1.jpg").write_bytes(b"x")
    (tmp_path / "a" / "b" / "2.jpg").write_bytes(b"x")

    flat = list_scopes(os.fsencode(tmp_path), [Scope(b"a", recursive=False)], Rules(kind_of))
    deep = list_scopes(os.fsencode(tmp_path), [Scope(b"a")], Rules(kind_of))

    assert {b"a/1.jpg"} == flat.pictures.keys()
    assert {b"a/1.jpg", b"a/b/2.jpg"} == deep.pictures.keys()
