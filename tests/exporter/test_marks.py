"""The lists of a site's own files: what is begun, and sites of the format before."""

import json
import zlib

import pytest

from picturerail_exporter import site_folder
from picturerail_exporter.site_folder import Marks

from .helpers import plain, public, tree


def as_older(site, version):
    """Make a site's lists what an older format had: 256 of more files, or 4096 by checksums."""
    count, digits = {2: (256, 2), 3: (4096, 3)}[version]
    lists = {}
    for path, mark in Marks(site).items():
        lists.setdefault(zlib.crc32(path.encode()) % count, {})[path] = mark
    folder = site / ".picturerail/files"
    for place in folder.iterdir():
        place.unlink()
    for number, held in lists.items():
        place = folder / f"{number:0{digits}x}.json"
        place.write_text(json.dumps(held, sort_keys=True, indent=0))
    manifest = site / ".picturerail/manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_bytes()) | {"format": version}))


@pytest.mark.parametrize("version", [2, 3])
def test_a_site_of_an_older_format_is_taken_over(source, publish, options, version):
    """Its lists are parted with the next change, and no file of it is written or left behind."""
    for number in range(4):
        source.add(f"{number}.jpg", plain((number * 50, 9, 9)), tags=("old",))
    publish()
    as_older(options.path, version)
    known = dict(Marks(options.path).items())
    assert known["photo/2/index.html"]

    source.delete(2)
    report = publish()

    assert "photo/2/index.html" in report.removed_files
    assert report.unchanged > report.changed
    lists = {place.name for place in (options.path / ".picturerail/files").iterdir()}
    assert {len(name) for name in lists} == {len("0abc.json")}
    source.add("new.jpg", plain((3, 3, 200)))
    publish()
    incremental = tree(options.path)
    assert publish(full=True).changed == 0
    assert incremental == tree(options.path)


def test_a_take_over_that_is_interrupted_loses_no_file(tmp_path):
    """Whichever of the old lists are gone already, the new ones count once they are all there."""
    marks = Marks(tmp_path)
    paths = {f"photo/{number}/index.html": str(number) for number in range(200)}
    for path, mark in paths.items():
        marks.set(path, mark)
    marks.save()
    folder = tmp_path / ".picturerail/files"
    new = {place.name: place.read_bytes() for place in folder.iterdir()}
    (folder / "0a.json").write_text('{"photo/1/index.html": "stale"}')
    (folder / "parted").touch()

    again = Marks(tmp_path)
    assert paths == dict(again.items())
    again.save()

    assert new == {place.name: place.read_bytes() for place in folder.iterdir()}


def test_following_pictures_stand_in_few_lists(tmp_path):
    """What is written one after the other needs few lists at a time, so it needs little memory."""
    marks = Marks(tmp_path)
    for number in range(320):
        marks.set(f"photo/{number}/index.html", "1")
        marks.set(f"media/ab/ab0{number:03x}-large.webp", "picture")
        marks.set(f"media/{number % 256:02x}/{number}-0-01ab-23cd-tile.webp", "picture")
    marks.save()

    assert len(list((tmp_path / ".picturerail/files").iterdir())) == 10 + 1


def test_what_is_held_can_be_let_go(tmp_path, monkeypatch):
    """Lists that did not change are forgotten and read again; what changed stays."""
    marks = Marks(tmp_path)
    for number in range(0, 3200, 32):
        marks.set(f"photo/{number}/index.html", "1")
    marks.save()
    monkeypatch.setattr(site_folder, "_MOST_HELD", 20)
    read = []
    real = Marks._read
    monkeypatch.setattr(Marks, "_read", lambda self, place: read.append(place) or real(self, place))

    again = Marks(tmp_path)
    again.set("photo/32/index.html", "2")
    for number in range(0, 3200, 32):
        assert again.get(f"photo/{number}/index.html") == ("2" if number == 32 else "1")
    again.ease()
    before = len(read)
    assert (again.get("photo/32/index.html"), again.get("photo/64/index.html")) == ("2", "1")
    assert len(read) == before + 1


def test_what_was_begun_is_known_until_the_lists_name_it(tmp_path):
    """A file that an export began is ours, of no known bytes, until it is saved or dropped."""
    marks = Marks(tmp_path)
    marks.set("standing", "1")
    marks.save()
    marks.begin(["standing", "new", "never"])

    again = Marks(tmp_path)
    assert tuple(map(again.get, ["standing", "new", "never", "other"])) == ("1", "", "", None)
    assert sorted(again.items()) == [("never", ""), ("new", ""), ("standing", "1")]
    again.begin(["more"])
    again = Marks(tmp_path)
    again.set("new", "2")
    again.drop("never")
    again.drop("more")
    again.save()

    assert sorted(Marks(tmp_path).items()) == [("new", "2"), ("standing", "1")]
    assert not (tmp_path / ".picturerail/begun").exists()


def test_a_change_costs_the_lists_of_its_files(source, publish, options):
    """An added picture leaves the lists as they are that name none of what it touches."""
    for number in range(30):
        source.add(f"{number}.jpg", plain((number * 8, 9, 9)), taken=f"20{number:02}-05-05T10:00")
    publish()
    folder = options.path / ".picturerail/files"
    before = {place.name: place.stat().st_ino for place in folder.iterdir()}
    source.add("new.jpg", plain((3, 3, 200)), taken="2012-05-06T10:00")
    report = publish()
    after = {place.name: place.stat().st_ino for place in folder.iterdir()}

    written = {name for name, inode in after.items() if before.get(name) != inode}
    assert 0 < len(written) <= report.added + report.changed
    assert public(options.path)
