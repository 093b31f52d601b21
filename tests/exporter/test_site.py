import gzip
import io
import json
import random
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from picturerail_exporter import (
    album_state,
    files,
    pages,
    sections,
)
from picturerail_exporter.check import check_site
from picturerail_exporter.pixels import decode
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.renditions import render
from picturerail_exporter.rules import Allowed, Rule, Rules
from picturerail_exporter.search_file import named_by
from picturerail_exporter.site_folder import ExportError, SiteLockedError, open_site
from picturerail_exporter.theme import Theme
from picturerail_native.records import Corrections

from .helpers import (
    Links,
    broken_links,
    nth_day,
    plain,
    public,
    tree,
    write_text,
)
from .test_killed import EVERY, Standing


def unreferenced(site: Path) -> set[str]:
    """Return the site's files that no page and no index refers to."""
    files = {name for name in tree(site) if not name.startswith(".picturerail/")}
    used = {
        "index.html",
        "search/root.bin",
        "static/photo.js",
        "static/rail.js",
        "static/rows.js",
        "static/scroll.js",
        "static/tiles.js",
    }  # of photo pages, if any
    used |= {"404.html", "robots.txt"}  # asked for by name
    for script in ("page.js", "results.js", "search.js"):  # for a search
        named = re.findall(r'"(?:static/)?(\w+\.js)"', (site / "static" / script).read_text())
        used |= {f"static/{name}" for name in named}
    for page in site.rglob("*.html"):
        here = "/" + str(page.relative_to(site))
        for address in Links(page.read_text()).found:
            used.add(unquote(urlsplit(urljoin(here, address)).path).lstrip("/"))
    used |= named_by((site / "search/root.bin").read_bytes())
    for lists in site.rglob("page/scroll.json"):
        used.add(str(lists.relative_to(site)))
        shards = json.loads(lists.read_bytes())["shards"]
        used |= {str(lists.with_name(name).relative_to(site)) for name, _ in shards}
        assert '"page/scroll.json"' in lists.parent.with_name("index.html").read_text()
    return files - used


COLOURS = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (200, 200, 40), (40, 200, 200)]
WORDS = ["beach", "cat", "Cat", "Straße", "polar bear", "sun", "gräs", "2019"]
FOLDERS = ["", "2019/", "2019/Lisbon/", "2019/albums/", "Über/", "page/", "a/", "b/", "c/d/"]


PLACES = [(38.7, -9.14), (38.7, -9.42), (52.5, 13.4)]
TEXTS = ["", 'title = "Der Süden"', 'order = "oldest"', 'order = "name"', "order = 3"]


def random_change(rng, source, folder):
    """Add, edit, hide, move or delete a picture; or write an album's text."""
    ids = list(source.rows)
    often = ["add", "add", "add", "tag", "move"]
    often += ["hide", "show", "redate", "delete", "near", "root", "text", "looks"]
    what = rng.choice(often)
    if what == "add" or not ids:
        source.add(
            f"{rng.choice(FOLDERS)}{rng.randrange(10**6)}.jpg",
            plain(rng.choice(COLOURS), rng.choice([(60, 40), (40, 60), (90, 30)])),
            number=max((*source.rows, *source.gone), default=0) + rng.choice([1, 1, 1, 90]),
            root=rng.choice([1, 1, 1, 2]),
            tags=tuple(rng.sample(WORDS, rng.randrange(4))),
            caption=" ".join(rng.choices(WORDS, k=rng.randrange(4))),
            taken=f"20{rng.randrange(10, 20)}-03-0{rng.randrange(1, 9)}T10:00:00",
            camera=rng.choice(["", "Leica M6", "LEICA M6", "Nikon F"]),
            gps=rng.choice(
                [None, *((n + rng.random() / 9, e + rng.random() / 9) for n, e in PLACES)]
            ),
        )
    elif what == "tag":
        source.change(rng.choice(ids), corrections=Corrections(added=(rng.choice(WORDS),)))
    elif what == "hide":
        source.change(rng.choice(ids), corrections=Corrections(hidden=True))
    elif what == "show":
        source.change(rng.choice(ids), corrections=Corrections())
    elif what == "redate":
        source.change(rng.choice(ids), taken=f"20{rng.randrange(10, 20)}-05-05T10:00:00")
    elif what == "root" and rng.random() < 0.2:
        source.root(2, "Other", configured=rng.random() < 0.5)
    elif what == "text":
        cover = f'\ncover = "{rng.choice(list(source.rows.values())).filename.decode()}"'
        text = rng.choice(TEXTS)
        write_text(folder / rng.choice(FOLDERS), text and text + cover)
    elif what == "move":
        source.move(rng.choice(ids), f"{rng.choice(FOLDERS)}{rng.randrange(10**6)}.jpg")
    elif what == "looks":
        for number in rng.sample(ids, (len(ids) + 1) // 2):
            source.looks(number, [rng.gauss(0, 1) + number % 3 * (-1) ** at for at in range(32)])
    elif what == "delete":
        source.delete(rng.choice(ids))
    else:
        source.near(rng.choice(WORDS), (rng.choice(WORDS), 0.5), ("shore", rng.random()))


RULES = [
    Rules(Allowed(place="town")),
    Rules(Allowed(place="country"), (Rule(("*/2019",), show=False),), ("sun",)),
    Rules(Allowed(show=False), (Rule(("*/2019", "*/a"), show=True, place="exact"),), ("polar*",)),
    Rules(Allowed(), (Rule(("*/b",), private_keywords=True, originals="stripped"),), ("sun", "c*")),
    Rules(Allowed(place="exact", originals="stripped"), (Rule(("*/2019/*",), place="none"),)),
]
"""What may be shown: places by folder, some folders or none but some, without keywords or with."""


@pytest.mark.usefixtures("few_at_a_time")
@pytest.mark.parametrize("seed", range(5))
def test_incremental_equals_full(seed, source, options, publish, tmp_path, monkeypatch):
    """After any changes an incremental site is byte for byte a new one, with no loose ends.

    Whatever the rules hide in turn is nowhere, and all that they show is there again.
    """
    print(f"seed {seed}")
    rng = random.Random(seed)
    monkeypatch.setattr(sections, "PER_PAGE", 4)  # so that a few pictures make several pages
    monkeypatch.setattr(pages, "MOST_WAYS", 3)
    monkeypatch.setattr(album_state, "LEAST_ALBUMS", 2)
    source.root(1, "Pictures", folder=tmp_path / "photos")
    source.root(2, "Other")
    rules = RULES[0]
    for step in range(8):
        for _ in range(rng.randrange(1, 12)):
            random_change(rng, source, tmp_path / "photos")
        if rng.random() < 0.6:
            rules = rng.choice(RULES)
        chosen = replace(options, rules=rules)
        report = publish(chosen)
        fresh = replace(chosen, path=tmp_path / f"fresh{step}")
        publish(fresh)

        assert tree(fresh.path) == tree(options.path)
        assert report.seq == source.seq
        assert check_site(source, options.path, deep=True, rules=rules) == []
        assert broken_links(options.path) == []
        assert set() == unreferenced(options.path)


def walked(site: Path) -> list[str]:
    """Return the ids of the pictures on the grid's pages, from the newest page to the oldest."""
    seen, name = [], "index.html"
    while True:
        text = (site / name).read_text()
        seen += re.findall(r'<a class="tile[^>]*data-photo-id="(\d+)"', text)
        older = re.search(r'<a rel="next" href="([^"]*)"', text)
        if older is None:
            return seen
        name = urlsplit(urljoin("/" + name, older[1])).path.lstrip("/")


@pytest.mark.parametrize("per_page", [1, 2, 3, 5])
def test_every_picture_is_reached_by_links(source, options, publish, monkeypatch, per_page):
    """From page to page of the grid every picture is met once, in order, however it grew."""
    monkeypatch.setattr(sections, "PER_PAGE", per_page)
    for day in (5, 3, 9, 1, 0, 7, 2, 8, 6, 4):
        source.add(f"{day}.jpg", plain((1, 2, day)), taken=nth_day(day), number=day + 1)
        publish()

        expected = sorted(source.rows, reverse=True)
        assert list(map(str, expected)) == walked(options.path)


def test_timeline_has_every_month(source, options, publish, monkeypatch):
    """Each month with pictures has a page of its own, which the timeline leads to."""
    monkeypatch.setattr(sections, "PER_PAGE", 2)
    for at, month in enumerate(["2019-07", "2019-07", "2019-07", "2019-08", "2021-01"]):
        source.add(f"{at}.jpg", plain((1, 2, at)), taken=f"{month}-0{at + 1}T10:00:00")
    source.add("old.jpg", plain((9, 9, 9)), taken="1923-12-31")
    publish()

    timeline = (options.path / "timeline/index.html").read_text()
    months = re.findall(r'href="\.\./(timeline/\d+/\d+/index.html)"', timeline)
    assert [
        f"timeline/{m}/index.html" for m in ("2021/01", "2019/08", "2019/07", "1923/12")
    ] == months
    july = (options.path / "timeline/2019/07/index.html").read_text()
    assert "July 2019" in july
    assert re.findall(r'data-photo-id="(\d+)"', july) == ["3", "2"]

    source.delete(4)
    publish()
    assert not (options.path / "timeline/2019/08").exists()


def test_german(source, options, publish):
    """In German every text of the pages is German, dates too, and the pages say so."""
    source.add("a.jpg", plain((1, 2, 3)), taken="2019-03-14T10:00:00", camera="Leica M6")
    publish(replace(options, language="de"))

    page = (options.path / "photo/1/index.html").read_text()
    for text in ('<html lang="de">', "14. März 2019", "Kamera", "Aufgenommen", "Zeitleiste"):
        assert text in page
    assert "1 Bild" in (options.path / "timeline/index.html").read_text()
    english = {text for text in Theme().languages()["en"].values() if isinstance(text, str)}
    german = {text for text in Theme().languages()["de"].values() if isinstance(text, str)}
    for name, data in public(options.path).items():
        if name.endswith(".html"):
            shown = set(re.findall(r">([^<>]+)<", data.decode()))
            assert shown & (english - german) == set()


def test_languages_have_the_same_texts():
    """Every language has every text, with the same gaps."""
    every = Theme().languages()
    shape = {name: sorted(re.findall(r"{\w*}", str(text))) for name, text in every["en"].items()}
    for texts in every.values():
        assert shape == {n: sorted(re.findall(r"{\w*}", str(t))) for n, t in texts.items()}
        assert texts["script"].keys() == every["en"]["script"].keys()
        assert len(texts["months"].split()) == 12


def test_photo_pages_speak_to_machines(source, options, publish):
    """A picture's page holds JSON-LD that is JSON and cannot end its script element."""
    source.add("a.jpg", plain((1, 2, 3)), caption="</script><b>x & y", tags=("sea",))
    publish()

    page = (options.path / "photo/1/index.html").read_text()
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    about = json.loads(text)

    assert (about["caption"], about["keywords"]) == ("</script><b>x & y", "sea")
    assert (options.path / about["contentUrl"].removeprefix("../../")).is_file()


def test_nothing_changed_writes_nothing(source, publish, options):
    """A second export at the same transaction touches no file, and says so."""
    source.add("a.jpg", plain((1, 2, 3)))
    publish()
    before = {path: path.stat().st_mtime_ns for path in options.path.rglob("*")}

    report = publish()

    assert (report.added, report.changed, report.removed) == (0, 0, 0)
    assert report.unchanged > 0
    assert before == {path: path.stat().st_mtime_ns for path in options.path.rglob("*")}


def test_a_move_encodes_nothing(source, publish, options):
    """Another path gives other pages, but the pictures' files are the same ones."""
    number = source.add("2019/a.jpg", plain((1, 2, 3)))
    publish()
    media = options.path / "media"
    before = {path: path.stat().st_ino for path in media.rglob("*.webp")}
    source.blobs.clear()  # whoever reads the original now fails

    source.move(number, "2020/b.jpg")
    report = publish()

    assert before == {path: path.stat().st_ino for path in media.rglob("*.webp")}
    assert report.changed > 0
    assert "b.jpg" in (options.path / f"photo/{number}/index.html").read_text()


def test_renditions_are_taken_from_the_store(source, publish, options):
    """What the daemon has rendered is linked; the original is not read."""
    number = source.add("a.jpg", plain((9, 9, 200)))
    content = source.rows[number].content_hash
    picture = decode(io.BytesIO(source.blobs.pop(content)))
    store = RenditionStore(options.renditions)
    store.write(content, options.recipe, render(picture, options.recipe))

    publish()

    (picture_file,) = options.path.glob("media/*/*-large.webp")
    assert picture_file.samefile(store.path(content, options.recipe, "large"))


def test_delete_and_hide_leave_nothing(source, publish, options):
    """A picture that was deleted or hidden is in no file of the site any more."""
    source.add("stays.jpg", plain((1, 2, 3)))
    for name in ("deleted", "hidden"):
        source.add(f"private-{name}/{name}.jpg", plain((7, 7, len(name))), tags=(f"tag{name}",))
    publish()
    source.delete(2)
    source.change(3, corrections=Corrections(hidden=True))

    report = publish()

    assert report.removed > 0
    left = tree(options.path)
    assert not [name for name in left if "private" in name or "photo/2" in name]
    assert not [name for name, data in left.items() if b"deleted" in data or b"hidden.jpg" in data]
    assert not (options.path / "photo" / "2").exists()
    assert len(list(options.path.glob("media/*/*-large.webp"))) == 1
    assert len(list(options.path.glob("media/*/*-tile.webp"))) == 1


@pytest.mark.usefixtures("few_at_a_time")
@pytest.mark.parametrize("state", [True, False], ids=["what changed", "everything"])
def test_interrupted_at_any_write(source, options, publish, monkeypatch, tmp_path, state):
    """Stopped at any write or removal, the site has no broken picture; the next run mends it."""
    for at in range(6):
        source.add(f"old/{at}.jpg", plain(COLOURS[at % 5], (40 + at, 30)), tags=("old",))
    publish()
    standing = Standing(options, tmp_path / "aside")
    for at in (1, 3):
        source.delete(at)
    source.move(2, "moved/2.jpg")
    source.add("new/n.jpg", plain((9, 99, 9)), tags=("new",))
    wanted = replace(options, path=tmp_path / "wanted")
    publish(wanted)
    real_replace, real_unlink = Path.replace, Path.unlink

    class PowerCutError(Exception):
        pass

    for stop in range(EVERY // 2, 10_000, EVERY):
        standing.restore(state=state)
        site = options.path
        left = [stop]

        def step(real, path, *more, left=left, **options):
            if ".picturerail-tmp" in path.name and real is real_unlink:
                return real(path, *more, **options)
            left[0] -= 1
            if left[0] < 0:
                raise PowerCutError
            return real(path, *more, **options)

        monkeypatch.setattr(Path, "replace", lambda *a, **k: step(real_replace, *a, **k))
        monkeypatch.setattr(Path, "unlink", lambda *a, **k: step(real_unlink, *a, **k))
        try:
            publish()
            stopped = False
        except PowerCutError:
            stopped = True
        finally:
            monkeypatch.undo()

        assert [link for link in broken_links(site) if link[1].endswith(".webp")] == []
        assert [link for link in broken_links(site) if link[0] == "/index.html"] == []
        publish()
        assert tree(wanted.path) == tree(site)
        if not stopped:
            break
    assert stop > 20  # else nothing was interrupted


def test_reverting_after_an_interruption(source, options, publish, monkeypatch):
    """What an interrupted run wrote is noticed, even if the manifest knows the wanted bytes."""
    source.add("a.jpg", plain((1, 2, 3)), caption="before")
    publish()
    expected = tree(options.path)
    seq, rows = source.seq, dict(source.rows)
    source.change(1, taken="2020-02-02")

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("picturerail_exporter.site_folder.SiteFolder.finish", stop)
    with pytest.raises(KeyboardInterrupt):
        publish()
    monkeypatch.undo()
    source.seq, source.rows = seq, rows
    publish()

    assert expected == tree(options.path)


def test_full_repairs(source, options, publish):
    """A full export finds and mends files that somebody changed or removed."""
    source.add("a.jpg", plain((1, 2, 3)))
    publish()
    expected = tree(options.path)
    (options.path / "index.html").write_text("tampered")
    (picture,) = options.path.glob("media/*/*-large.webp")
    picture.unlink()
    picture.write_bytes(b"tampered")
    (options.path / "photo/1/index.html").unlink()

    report = publish(full=True)

    assert expected == tree(options.path)
    assert report.added + report.changed == 3


def test_dry_run_touches_nothing(source, options, publish):
    """A dry run tells what would be done and does none of it."""
    source.add("a.jpg", plain((1, 2, 3)))

    first = publish(dry_run=True)

    assert first.added > 5
    assert not options.path.exists()
    assert not options.renditions.exists()
    publish()
    before = tree(options.path)
    source.delete(1)
    second = publish(dry_run=True)
    assert second.removed > 0
    assert before == tree(options.path)


def test_foreign_folder_is_refused(options, publish):
    """A folder with somebody's files in it is never made a site, and its files stay."""
    options.path.mkdir()
    (options.path / "thesis.txt").write_text("mine")

    with pytest.raises(ExportError, match="not empty"):
        publish()

    assert {"thesis.txt"} == set(tree(options.path))


def test_foreign_files_in_the_site_stay(source, options, publish):
    """What somebody added to the site is neither changed nor removed."""
    number = source.add("a.jpg", plain((1, 2, 3)))
    publish()
    (options.path / "CNAME").write_text("example.org")
    (options.path / f"photo/{number}/notes.txt").write_text("mine")
    source.delete(number)

    publish()

    assert (options.path / f"photo/{number}/notes.txt").read_text() == "mine"
    assert (options.path / "CNAME").read_text() == "example.org"


def test_one_writer(options, publish):
    """While one process writes the site another is told so at once."""
    publish()
    with (
        open_site(options.path),
        pytest.raises(SiteLockedError, match=re.escape(str(options.path))),
    ):
        publish()


def test_damaged_manifest_is_named(options, publish):
    """A manifest that cannot be read is an error that names it and says what to do."""
    publish()
    manifest = options.path / ".picturerail" / "manifest.json"
    manifest.write_text("{")

    with pytest.raises(ExportError, match=r"manifest\.json is damaged.*export again"):
        publish()


def test_bad_picture_is_named_and_left_out(source, options, publish):
    """A picture that cannot be rendered is reported, every time, and nowhere on the site."""
    source.add("good.jpg", plain((1, 2, 3)))
    bad = source.add("below/bad.jpg", plain((4, 5, 6))[:200], width=96, height=64)

    for _ in range(2):
        (skipped,) = publish().skipped

        assert (bad, "below/bad.jpg") == (skipped.id, skipped.path)
        assert "truncated" in skipped.reason
    assert broken_links(options.path) == []
    assert not [name for name, data in tree(options.path).items() if b"bad.jpg" in data]


def test_lost_original_is_named(source, options, publish):
    """A picture with neither renditions nor stored bytes is named, and the rest is shown."""
    source.add("good.jpg", plain((1, 2, 3)))
    lost = source.add("lost.jpg", plain((4, 5, 6)))
    del source.blobs[source.rows[lost].content_hash]

    (skipped,) = publish().skipped

    assert (skipped.id, "no such bytes" in skipped.reason) == (lost, True)
    assert (options.path / "photo/1/index.html").exists()


NAMES = [
    b'a "quoted" & <script>alert(1)</script>.jpg',
    b"line\nbreak.jpg",
    b"not\xff\xfeutf8.jpg",
    "äöü 日本語 😀.jpg".encode(),
    b"--.jpg",
    b"%2e%2e.jpg",
]


def test_odd_names_break_no_page(source, options, publish):
    """Quotes, markup, newlines and foreign bytes in names are text, and all links resolve."""
    for at, name in enumerate(NAMES):
        source.add(name + b"/" + name, plain((at, 9, 9)), tags=('"><script>x</script>',))

    publish()

    assert broken_links(options.path) == []
    for page in options.path.rglob("*.html"):
        text = page.read_text()
        assert "<script>alert" not in text
        assert "<script>x" not in text
    assert 'alt="&#34;&gt;&lt;script&gt;' in (options.path / "index.html").read_text()


def test_options_change_the_site(source, options, publish):
    """Another title reaches the pages though no picture changed; an address, the previews."""
    source.add("a.jpg", plain((1, 2, 3)), caption="By the sea")
    publish()

    publish(replace(options, title="Ada & Bob", base_url="https://example.org/photos"))

    page = (options.path / "photo/1/index.html").read_text()
    assert "Ada &amp; Bob" in page
    assert '<meta property="og:title" content="By the sea">' in page
    assert '<meta property="og:image" content="https://example.org/photos/media/' in page
    assert '<link rel="canonical" href="https://example.org/photos/photo/1/">' in page


def test_progress_reaches_the_end(source, publish):
    """Progress is told for rendering and for writing, each up to its end."""
    for at in range(3):
        source.add(f"{at}.jpg", plain((1, 2, at)))
    told = []

    publish(progress=lambda done, total: told.append((done, total)))

    assert (3, 3) in told
    assert told[-1][0] == told[-1][1] > 10


def test_linking_onto_itself_leaves_nothing_behind(tmp_path):
    """Linking a file over another name of the same file leaves one file and no leftovers."""
    (tmp_path / "a").write_text("x")
    files.link_or_copy(tmp_path / "a", tmp_path / "b")
    files.link_or_copy(tmp_path / "a", tmp_path / "b")

    assert {"a", "b"} == set(tree(tmp_path))


def test_scripts_and_styles_are_light(source, options, publish):
    """No page needs more than 30 kB of scripts, gzipped, with the search, or 12 of styles."""
    source.add("a/a.jpg", plain((1, 2, 3)), tags=("x",), camera="Canon")
    publish()

    def light(path):
        return len(gzip.compress((options.path / path).read_bytes()))

    later = sum(light(f"static/{name}.js") for name in ("results", "search"))
    pages = sorted(options.path.rglob("*.html"))
    assert len(pages) > 5
    for page in pages:
        names = re.findall(r"static/([a-z_]+\.(?:js|css))", page.read_text())
        scripts, styles = (
            sum(light(f"static/{name}") for name in set(names) if name.endswith(kind))
            for kind in (".js", ".css")
        )
        assert 0 < scripts + later <= 30_000, page
        assert 0 < styles <= 12_000, page
