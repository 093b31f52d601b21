"""Ways in: tags, cameras and places as pages of their own, and what folders say of themselves."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from picturerail_exporter import album_state, pages, sections
from picturerail_exporter.album_text import AlbumText, read_text
from picturerail_exporter.rules import Allowed, Rules
from picturerail_native.records import Corrections

from .helpers import broken_links, nth_day, plain, public, write_text


def ids(page):
    """Return the ids of the pictures that a page's grid shows, in order."""
    return [int(number) for number in re.findall(r'<a class="tile[^>]*photo-id="(\d+)"', page)]


def heading(page):
    """Return a page's heading."""
    return re.search(r"<h1[^>]*>(.*?)</h1>", page[page.index("<main") :])[1]


def test_a_tag_has_an_address(source, options, publish):
    """Pictures of one tag, however they write it, hang at one address, titled as most write it."""
    for at, tag in enumerate(["Sea", "sea", "Sea", "shore"]):
        source.add(f"{at}.jpg", plain((1, 2, at)), tags=(tag,), taken=nth_day(at))
    publish()

    page = (options.path / "tag/sea/index.html").read_text()
    assert ids(page) == [3, 2, 1]
    assert heading(page) == "Sea"
    index = (options.path / "tag/index.html").read_text()
    assert re.findall(r'class="name">([^<]*)<', index) == ["Sea", "shore"]
    photo = (options.path / "photo/2/index.html").read_text()
    assert 'href="../../tag/sea/index.html"' in photo

    source.change(1, corrections=Corrections(removed=("Sea",), added=("sea",)))
    publish()
    assert heading((options.path / "tag/sea/index.html").read_text()) == "sea"

    for number in (1, 2, 3):
        source.delete(number)
    publish()
    assert not (options.path / "tag/sea").exists()
    assert broken_links(options.path) == []


def test_cameras_and_places_have_addresses(source, options, publish):
    """Cameras have pages; places only where they may be told, by country and by town."""
    source.add("1.jpg", plain((1, 2, 3)), camera="Leica M6", gps=(38.7223, -9.1393))
    source.add("2.jpg", plain((1, 2, 4)), camera="Leica M6", gps=(38.6979, -9.4215))
    source.add("3.jpg", plain((1, 2, 5)))
    publish()
    (camera,) = options.path.glob("camera/leica-m6_*/index.html")
    assert ids(camera.read_text()) == [2, 1]
    assert heading(camera.read_text()) == "Leica M6"
    assert not (options.path / "place").exists()
    assert "Portugal" not in "".join(map(str, public(options.path).values()))

    publish(pages_with(options, place="town"))
    country = (options.path / "place/portugal/index.html").read_text()
    assert ids(country) == [2, 1]
    town = (options.path / "place/portugal/lisbon/index.html").read_text()
    assert (heading(town), ids(town)) == ("Lisbon, Portugal", [1])
    assert "38.7" not in town
    photo = (options.path / "photo/1/index.html").read_text()
    assert ">Lisbon</a>, <a" in photo
    assert ">Portugal</a>" in photo

    publish(pages_with(options, place="country"))
    everything = b"".join(public(options.path).values())
    assert b"Portugal" in everything
    assert b"Lisbon" not in everything


def pages_with(options, **allowed):
    """Return options with other rules."""
    return replace(options, rules=Rules(Allowed(**allowed)))


def test_many_tags_are_parted_by_letter(source, options, publish, monkeypatch):
    """Where there are too many tags for one index each letter has its own, and none is lost."""
    monkeypatch.setattr(pages, "MOST_WAYS", 5)
    tags = ["apple", "Äpfel", "bear", "cat", "2019", "日本", "dog"]
    for at, tag in enumerate(tags):
        source.add(f"{at}.jpg", plain((1, 2, at)), tags=(tag, "common"))
    publish()

    found = set()
    for page in (options.path / "tag").glob("-/*/index.html"):
        found |= set(re.findall(r"<li><a [^>]*>([^<]*)</a>", page.read_text()))
    assert {*tags, "common"} == found
    assert "common" in (options.path / "tag/index.html").read_text()
    assert len(list((options.path / "tag/-/a").iterdir())) == 1

    for number in range(3, 8):
        source.delete(number)
    publish()
    assert not (options.path / "tag/-").exists()
    assert broken_links(options.path) == []


def test_a_change_touches_its_own_ways(source, options, publish, monkeypatch):
    """One more picture of a tag rewrites a few of the tag's pages, and no other tag's."""
    monkeypatch.setattr(sections, "PER_PAGE", 4)
    for day in range(120):
        source.add(f"{day}.jpg", plain((1, 2, day)), tags=("even" if day % 2 else "odd", "all"))
    publish()
    assert len(list((options.path / "tag/all/page").iterdir())) > 15

    source.add("new.jpg", plain((9, 9, 9)), tags=("even",), taken=nth_day(60))
    report = publish()

    touched = {*report.added_files, *report.changed_files, *report.removed_files}
    assert "tag/even/index.html" in touched
    assert len([name for name in touched if name.startswith("tag/even/page")]) <= 8
    assert not [name for name in touched if name.startswith(("tag/odd/", "tag/all/"))]


def test_many_albums_are_parted_into_pages(source, options, publish, tmp_path, monkeypatch):
    """Of many albums below one a page shows some, each leads on to the next, and none is lost."""
    monkeypatch.setattr(album_state, "LEAST_ALBUMS", 4)
    source.root(1, "Pictures", folder=tmp_path / "photos")
    names = [f"{2000 + at} journey" for at in range(60)]
    for at, name in enumerate(names):
        source.add(f"{name}/{at}.jpg", plain((1, 2, at)))
    publish()

    def walked():
        found, seen = [], []
        at = options.path / "album/Pictures/index.html"
        while at:
            seen.append(at)
            page = at.read_text()
            found.append(re.findall(r'class="name"><bdi>([^<]*)<', page))
            after = re.search(r'rel="next" href="([^"]*)"', page)
            at = (at.parent / after[1]).resolve() if after else None
        for page, follower in pairwise(seen):
            (back,) = re.findall(r'rel="prev" href="([^"]*)"', follower.read_text())
            assert (follower.parent / back).resolve() == page
        return found

    found = walked()
    assert [name for part in found for name in part] == names
    assert all(4 <= len(part) <= 8 for part in found[:-1])

    source.add("2030 journey/new.jpg", plain((9, 9, 9)))
    report = publish()
    touched = {*report.added_files, *report.changed_files}
    assert len([name for name in touched if "page/albums-" in name]) == 1
    source.add("2030 a journey/new.jpg", plain((9, 9, 99)))
    publish()
    found = walked()
    assert [name for part in found for name in part] == sorted([*names, "2030 a journey"])
    write_text(tmp_path / "photos", 'title = "Travels"')
    publish()
    walked()
    assert broken_links(options.path) == []
    for page in (options.path / "album/Pictures").rglob("index.html"):
        assert "Travels" in page.read_text()
    incremental = public(options.path)
    publish(full=True)
    assert incremental == public(options.path)


def test_folders_speak_of_themselves(source, options, publish, tmp_path):
    """An album's title, description, cover and order come from its `album.toml`, live."""
    home = tmp_path / "photos"
    source.root(1, "Pictures", folder=home)
    for at, name in enumerate(["b.jpg", "A10.jpg", "a2.jpg"]):
        source.add(f"trip/{name}", plain((1, 2, at)), taken=nth_day(at))
    source.add("trip/two/x.jpg", plain((7, 7, 7)))
    source.add("trip/one/y.jpg", plain((8, 8, 8)))
    publish()
    assert ids((options.path / "album/Pictures/trip/index.html").read_text()) == [3, 2, 1]

    write_text(
        home / "trip",
        'title = "A <week>"\ndescription = "First & last.\\n\\nMore."\n'
        'cover = "two/x.jpg"\norder = "name"\nalbums = ["two"]\n',
    )
    report = publish()

    page = (options.path / "album/Pictures/trip/index.html").read_text()
    assert ids(page) == [3, 2, 1]  # a2, A10, b
    assert heading(page) == "A &lt;week&gt;"
    assert '<p class="lead">First &amp; last.</p>\n<p class="lead">More.</p>' in page
    assert re.findall(r'class="name"><bdi>([^<]*)<', page) == ["two", "one"]
    above = (options.path / "album/Pictures/index.html").read_text()
    (tile,) = re.findall(r'<img class="picture" src="([^"]*)"', above)
    assert tile in (options.path / "album/Pictures/trip/two/index.html").read_text()
    assert "A &lt;week&gt;" in (options.path / "photo/4/index.html").read_text()
    assert report.problems == ()
    assert not [name for name in report.changed_files if name.startswith(("media", "timeline"))]

    write_text(home / "trip", 'order = "oldest"')
    publish()
    assert ids((options.path / "album/Pictures/trip/index.html").read_text()) == [1, 2, 3]
    write_text(home / "trip", "")
    publish()
    assert heading((options.path / "album/Pictures/trip/index.html").read_text()) == "trip"


def test_options_speak_of_folders(source, options, publish, tmp_path):
    """What the options say of a folder holds where its `album.toml` does not, or is missing."""
    home = tmp_path / "photos"
    source.root(1, "Pictures", folder=home)
    for at, name in enumerate(["b.jpg", "a.jpg"]):
        source.add(f"trip/{name}", plain((1, 2, at)), taken=nth_day(at))
    source.add("trip/two/x.jpg", plain((7, 7, 7)))
    source.add("trip/one/y.jpg", plain((8, 8, 8)))
    said = AlbumText("Lisbon", "Hills.", "two/x.jpg", "oldest", ("two",))
    chosen = replace(options, albums=(((b"Pictures", b"trip"), said),))
    publish()

    def page():
        return (options.path / "album/Pictures/trip/index.html").read_text()

    publish(chosen)
    assert (heading(page()), ids(page())) == ("Lisbon", [1, 2])
    assert '<p class="lead">Hills.</p>' in page()
    assert re.findall(r'class="name"><bdi>([^<]*)<', page()) == ["two", "one"]
    above = (options.path / "album/Pictures/index.html").read_text()
    (tile,) = re.findall(r'<img class="picture" src="([^"]*)"', above)
    assert tile in (options.path / "album/Pictures/trip/two/index.html").read_text()
    assert publish(chosen).changed == 0

    write_text(home / "trip", 'title = "Lisboa"')
    publish(chosen)
    assert (heading(page()), ids(page())) == ("Lisboa", [1, 2])
    write_text(home / "trip", "order = 3")
    (problem,) = publish(chosen).problems
    assert "album.toml" in problem
    assert heading(page()) == "Lisbon"
    write_text(home / "trip", "")
    publish(chosen)
    fresh = replace(chosen, path=tmp_path / "fresh")
    publish(fresh)
    assert (heading(page()), ids(page())) == ("Lisbon", [1, 2])
    assert public(options.path) == public(fresh.path)
    publish()
    assert (heading(page()), ids(page())) == ("trip", [2, 1])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("title = ", r"not valid TOML: Invalid value"),
        ('tilte = "x"', r"unknown field `tilte` \(known: title, description"),
        ("order = 3", r"`order`: expected `str`, got `int`"),
        ('order = "up"', r"`order`: invalid enum value 'up'"),
        ("x" * 70_000, "larger than 64000 bytes"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_a_bad_text_is_named_and_stops_nothing(source, options, publish, tmp_path, text, complaint):
    """A text that cannot be used is one line that names it, every time; the album is shown."""
    source.root(1, "Pictures", folder=tmp_path / "photos")
    source.add("trip/a.jpg", plain((1, 2, 3)))
    (tmp_path / "photos/trip").mkdir(parents=True)
    place = tmp_path / "photos/trip/album.toml"
    place.write_bytes(text if isinstance(text, bytes) else text.encode())

    for _ in range(2):
        (problem,) = publish().problems

        assert problem.startswith(f"{place}: ")
        assert "\n" not in problem
        assert re.search(complaint, problem)
    assert heading((options.path / "album/Pictures/trip/index.html").read_text()) == "trip"


def test_a_text_is_no_way_out(tmp_path):
    """A link in a text's place, which may lead anywhere, is not followed."""
    (tmp_path / "secret").write_text('title = "secret"')
    (tmp_path / "album.toml").symlink_to(tmp_path / "secret")

    text = read_text(tmp_path)

    assert text.title == ""
    assert "a link, which is not followed" in text.problem
