"""What an export of a change reads, touches and tells: its own pages and nothing else."""

import gc
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from picturerail_exporter import bring, changes, sections
from picturerail_exporter.collection import Photo
from picturerail_exporter.pages import Pages
from picturerail_exporter.state import SiteState
from picturerail_native.records import Corrections

from .helpers import broken_links, encoded, nth_day, photograph, plain, public, tree


def test_a_change_touches_its_own_pages(source, options, publish, monkeypatch):
    """A picture added to, or deleted from, any place in time leaves other pages as they are."""
    monkeypatch.setattr(sections, "PER_PAGE", 4)
    for day in range(120):
        source.add(f"{day}.jpg", plain((1, 2, day)), taken=nth_day(day))
    publish()
    listing = [name for name in tree(options.path) if name.startswith("page/")]
    assert len(listing) > 15
    made = watched(monkeypatch)

    for at in (0, 60, 119):
        before = public(options.path)
        made.clear()
        source.delete(at + 1)
        deleted = publish()
        source.add(f"{at}.jpg", plain((1, 2, at)), number=at + 1, taken=nth_day(at))
        added = publish()

        assert before == public(options.path)
        touched_ever = {
            name
            for report in (deleted, added)
            for name in (*report.added_files, *report.changed_files)
        }
        for report in (deleted, added):
            touched = {*report.added_files, *report.changed_files, *report.removed_files}
            grid = [name for name in touched if re.fullmatch(r"page/\d+/index.html", name)]
            assert len(grid) <= 8
            # Of sections of listings no page is made anew that comes out as it was.
            sections_made = {name for name in made if re.search(r"/?page/\d+/", name)}
            assert sections_made <= touched_ever
            assert len([name for name in touched if name.startswith("photo/")]) == 3 - (
                at in {0, 119}
            )


def test_one_change_does_without_arrays(source, publish, monkeypatch):
    """A picture that comes or goes is shown without NumPy, whose loading takes longer than that."""
    code = "import sys; import picturerail_exporter.site, picturerail_exporter.index_follower; "
    subprocess.run([sys.executable, "-c", code + "sys.exit('numpy' in sys.modules)"], check=True)
    for at in range(30):
        source.add(f"{at}.jpg", plain((1, 2, at)), tags=("sea",))
        source.looks(at + 1, [at % 5 - 2, at % 3 - 1, 1, -1, at % 7 - 3])
    publish()
    for name in ("numpy", "picturerail_exporter.similar_many"):
        monkeypatch.setitem(sys.modules, name, None)  # so that importing it fails
    source.add("more.jpg", plain((9, 9, 9)), tags=("sea",))
    source.looks(31, [2, 1, 1, -1, 3])

    assert publish().added >= 5
    source.delete(7)
    assert publish().removed >= 2


def test_expired_feed_computes_anew(source, options, publish, tmp_path):
    """Where the feed no longer reaches back the site is computed anew, and comes out right."""
    source.add("a.jpg", plain((1, 2, 3)))
    source.add("b.jpg", plain((1, 2, 4)))
    publish()
    source.delete(1)
    del source.gone[1]
    source.add("c.jpg", plain((1, 2, 5)))
    source.expired = source.seq

    publish()

    publish(replace(options, path=tmp_path / "fresh"))
    assert tree(tmp_path / "fresh") == tree(options.path)


def test_incremental_reads_only_what_changed(source, publish, monkeypatch):
    """With the state at hand an export asks for no row but those that changed."""
    for at in range(5):
        source.add(f"{at}.jpg", plain((1, 2, at)), tags=("sea",))
    publish()
    source.change(2, corrections=Corrections(added=("shore",)))
    monkeypatch.setattr(type(source), "images", None)

    report = publish()

    assert "photo/2/index.html" in report.changed_files
    assert "photo/5/index.html" not in report.changed_files


def test_a_full_export_holds_few_pictures(source, publish, options, monkeypatch):
    """Computing everything needs no more pictures in memory at once than a page or two shows."""
    monkeypatch.setattr(sections, "PER_PAGE", 4)
    monkeypatch.setattr(changes, "AT_ONCE", 8)
    monkeypatch.setattr(bring, "_AT_ONCE", 16)
    for at in range(240):
        tags = (f"tag{at % 7}",)
        source.add(f"{at // 10}/{at}.jpg", plain((at, 2, 3)), taken=nth_day(at), tags=tags)
        source.looks(at + 1, [at % 5 - 2, at % 3 - 1, 1, -1, at % 7 - 3])
    held = []

    def counting(real):
        def call(*arguments, **named):
            held.append(sum(isinstance(each, Photo) for each in gc.get_objects()))
            return real(*arguments, **named)

        return call

    monkeypatch.setattr(SiteState, "put", counting(SiteState.put))
    monkeypatch.setattr(Pages, "_page", counting(Pages._page))
    report = publish(replace(options, similar=3))

    assert report.added > 600
    assert len(held) > 240 + 300
    assert max(held) < 80


@pytest.mark.parametrize("damage", [b"", b"not a database", None])
def test_lost_state_costs_nothing_but_time(source, options, publish, damage):
    """Without the kept state, or with a damaged one, the site comes out the same."""
    source.add("a.jpg", plain((1, 2, 3)))
    publish()
    (state,) = options.renditions.parent.glob("sites/*.sqlite")
    source.add("b.jpg", plain((3, 2, 1)))
    if damage is None:
        state.unlink()
    else:
        state.write_bytes(damage)

    publish()

    assert broken_links(options.path) == []
    assert "b.jpg" in (options.path / "photo/2/index.html").read_text()


def test_report_names_files_for_an_upload(source, options, publish):
    """What the report names as added, changed and removed is what differs between the trees."""
    for at in range(3):
        source.add(f"{at}/{at}.jpg", plain((1, 2, at)))
    publish()
    before = tree(options.path)
    source.delete(2)
    source.add("9/9.jpg", plain((9, 2, 9)))

    report = publish()

    after = tree(options.path)
    own = {name for name in {*before, *after} if name.startswith(".picturerail/")}
    assert after.keys() - before.keys() - own == set(report.added_files)
    assert before.keys() - after.keys() - own == set(report.removed_files)
    differ = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    assert differ - own == set(report.changed_files)


def test_more_formats_reach_the_pages(source, options, publish):
    """With AVIF and JPEG every picture is offered in all formats, and no file is left behind."""
    source.add("a.jpg", encoded(photograph("coffee")), caption="Coffee")
    source.add("small.jpg", plain((1, 2, 3)))
    publish()
    more = replace(options, recipe=replace(options.recipe, more=("avif", "jpeg")))
    publish(more)

    page = (options.path / "photo/1/index.html").read_text()
    assert '<source type="image/avif"' in page
    assert '<source type="image/webp"' in page
    shown = re.search(r'<img class="picture" src="([^"]*)"', page)[1]
    assert shown.endswith("-large.jpeg")
    assert re.search(r'property="og:image" content="[^"]*\.jpeg"', page)
    for name in re.findall(r'(?:\.\./)+(media/[^" ,]*)', page):
        assert (options.path / name).is_file()
    front = (options.path / "index.html").read_text()
    assert re.search(r"<picture><source [^>]*>.*<img .*\.jpeg", front)
    assert broken_links(options.path) == []

    publish()
    assert {path.suffix for path in options.path.glob("media/*/*")} == {".webp"}


def test_a_move_makes_no_page_again_that_shows_it_as_before(
    source, options, publish, monkeypatch, tmp_path
):
    """A moved picture's page and albums are made again, no others; other words reach them all."""
    monkeypatch.setattr(sections, "PER_PAGE", 4)
    for day in range(60):
        source.add(f"a/{day}.jpg", plain((1, 2, day)), tags=("sea",), taken=nth_day(day))
        source.looks(day + 1, [1, 2, 3, -1, day % 2, -5])
    publish(replace(options, similar=3))
    made = watched(monkeypatch)
    source.move(30, "b/29.jpg")
    publish(replace(options, similar=3))
    assert [path for path in made if path.startswith("photo/")] == ["photo/30/index.html"]
    assert not [path for path in made if path.startswith(("page/", "tag/sea/page/"))]
    assert "album/Pictures/b/index.html" in made

    made.clear()
    source.change(30, corrections=Corrections(added=("shore",)))  # its alternative text, too
    publish(replace(options, similar=3))
    assert {"photo/29/index.html", "photo/31/index.html"} < set(made)
    assert [path for path in made if path.startswith("page/")]
    fresh = replace(options, similar=3, path=tmp_path / "fresh")
    publish(fresh)
    assert public(fresh.path) == public(options.path)


def watched(monkeypatch):
    """Return a list to which the paths of pages are added as they are made."""
    made = []
    real = Pages._page

    def page(self, template, path, **values):
        made.append(path)
        return real(self, template, path, **values)

    monkeypatch.setattr(Pages, "_page", page)
    return made
