import re

from hypothesis import given
from hypothesis import strategies as st

from picturerail_exporter.album_text import Texts
from picturerail_exporter.changes import everything, fill
from picturerail_exporter.collection import published, slug_of
from picturerail_exporter.listings import folder_key
from picturerail_exporter.rules import EVERYTHING
from picturerail_exporter.state import open_state
from picturerail_native.records import Corrections

from .helpers import plain


def test_only_what_may_be_seen(source):
    """Hidden pictures, and those of unconfigured or no folders, are not published."""
    source.root(2, "Old", configured=False)
    seen = source.add("a.jpg", plain((1, 2, 3)))
    source.add("b.jpg", plain((1, 2, 3)), corrections=Corrections(hidden=True))
    source.add("c.jpg", plain((1, 2, 3)), root=2)
    source.add("d.jpg", plain((1, 2, 3)), root=0)

    photos, skipped = published(source, EVERYTHING)

    assert ([seen], []) == ([photo.id for photo in photos], skipped)


def test_unknown_size_is_named(source):
    """A picture whose size is not known cannot be hung, and is named instead."""
    number = source.add("a.jpg", plain((1, 2, 3)), width=0, height=0)

    photos, (skipped,) = published(source, EVERYTHING)

    assert ([], number, "a.jpg") == (photos, skipped.id, skipped.path)


def test_newest_first(source):
    """Pictures stand by the wall clock when they were taken, the later added first in a tie."""
    source.add("1.jpg", plain((1, 2, 3)), taken="2019-07-14T10:00:00+09:00")
    source.add("2.jpg", plain((1, 2, 3)), taken="2019-07-14T11:00:00-07:00")
    source.add("3.jpg", plain((1, 2, 3)), taken="2021-01-01")
    source.add("4.jpg", plain((1, 2, 3)), taken="not a date")
    source.add("5.jpg", plain((1, 2, 3)))

    photos, _ = published(source, EVERYTHING)

    assert [photo.id for photo in photos] == [3, 2, 1, 5, 4]


def test_albums_are_the_folders(source):
    """Folders become nested albums with counts and covers, by title, parents first."""
    source.add("2019/Lisbon/a.jpg", plain((1, 2, 3)), taken="2019-01-01")
    source.add("2019/Lisbon/b.jpg", plain((1, 2, 3)), taken="2019-01-02")
    source.add("2019/c.jpg", plain((1, 2, 3)), taken="2019-01-03")
    source.add("2020/d.jpg", plain((1, 2, 3)), taken="2018-01-01")

    with open_state(None) as state:
        fill(state, everything(source, EVERYTHING), Texts({}))
        folders = list(state.albums.folders())
        found = [state.albums.album(folder) for folder in folders]
        direct = [state.listed(folder_key(folder), None, None) for folder in folders]

    assert [
        (a.slug, a.count, [p.id for p in photos], a.cover.id)
        for a, photos in zip(found, direct, strict=True)
    ] == [
        ("Pictures", 4, [], 3),
        ("Pictures/2019", 3, [3], 3),
        ("Pictures/2019/Lisbon", 2, [2, 1], 2),
        ("Pictures/2020", 1, [4], 4),
    ]
    assert [above.title for above in found[2].parents] == ["Pictures", "2019"]


@given(st.lists(st.binary(min_size=1, max_size=80), unique=True, max_size=6))
def test_slugs_are_safe_and_unlike(names):
    """Whatever bytes folders' names hold, their addresses are safe, short and distinct."""
    slugs = [slug_of(name) for name in names]

    assert len(set(slugs)) == len(names)
    for slug in slugs:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", slug)
        assert slug != "page"


def test_plain_names_are_their_own_address():
    """A name of letters, digits and hyphens stays as it is; others stay readable."""
    assert slug_of(b"Lisbon-2019") == "Lisbon-2019"
    assert slug_of("Über den Wolken".encode()).startswith("Uber-den-Wolken_")
    assert slug_of(b"..").startswith("_")
    assert slug_of(b"page").startswith("page_")
