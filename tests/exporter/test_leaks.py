"""A deep check of a site finds what must not be there, and nothing else."""

import gzip
import json
import re
from dataclasses import replace

import pytest
import zstandard
from PIL import Image

from picturerail_exporter.check import check_site
from picturerail_exporter.media import DIGEST_BYTES
from picturerail_exporter.rules import Allowed, Rule, Rules
from picturerail_exporter.search_file import body_of, packed, rows_of, unpacked
from picturerail_exporter.site_folder import Marks, digest
from picturerail_native.records import Corrections, Exposure

from .helpers import encoded, photograph, plain, write_text

RULES = Rules(
    Allowed(place="none", originals="stripped"),
    (Rule(("*/Vault",), show=False), Rule(("*/Open",), place="exact", private_keywords=True)),
    ("family*", "Onkel Otto"),
)


@pytest.fixture
def site(source, options, publish, tmp_path):
    """A site of a library with everything private in it; gives its folder."""
    source.root(1, "Pictures", folder=tmp_path / "photos")
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA431] = "XK90-4711"
    source.add(
        "Trips/beach.jpg",
        encoded(photograph("coffee").resize((90, 60)), exif=exif),
        tags=("sea", "family reunion"),
        caption="The sea at the hotel",
        gps=(38.7201234, -9.1401234),
        camera="Canon EOS 80D",
        exposure=Exposure(0.004, 2.8, 200, 50.0),
        taken="2019-07-14T18:03:11",
    )
    source.add(
        "Open/otto.jpg", plain((9, 9, 9)), tags=("Onkel Otto", "sea"), gps=(48.1371234, 11.5751234)
    )
    source.add(
        "Vault/kontoauszug_2020.jpg",
        plain((1, 2, 3)),
        tags=("Steuererklärung", "sea"),
        caption="Numbers of the Bank",
        camera="Minox B",
        gps=(47.3761234, 8.5411234),
    )
    source.add("Trips/hidden-gem.jpg", plain((7, 7, 7)), corrections=Corrections(hidden=True))
    source.near("sea", ("ocean", 0.6))
    write_text(tmp_path / "photos/Trips", 'title = "The Bank of the river"')
    publish(replace(options, rules=RULES, title="Ada's pictures"))
    return options.path


def found(source, site):
    """Return what a deep check says."""
    return [what for _, what in check_site(source, site, deep=True, rules=RULES, own_texts=["Ada"])]


def test_a_sound_site_passes(source, site):
    """Nothing is found in a site as it was written, whatever the database knows."""
    assert found(source, site) == []


def indexed(site, text):
    """Return a file of the search's index, and its bytes with a text among those it holds."""
    for path in sorted((site / "search").glob("[0-9a-f]*.bin")):
        ((key, value), *others) = rows_of(unpacked(path.read_bytes()))
        if b'"names"' in value:
            row = (key, value + text.encode())
            return str(path.relative_to(site)), packed(*body_of([row, *others]))
    raise AssertionError("nothing is said of single pictures")


@pytest.mark.parametrize(
    ("leak", "complaint"),
    [
        ("38.7201, -9.1401", "holds the position 38.7201, -9.1401"),
        ("<geo>-9.140123 38.720123</geo>", "holds the position"),
        ('{"lon": 8.5411, "lat": 47.3761}', "holds the position 8.5411, 47.3761"),
        ("Body XK90-4711", "holds the private word “xk90”"),
        ("Family", "holds the private word “family”"),
        ("STEUERERKLARUNG", "holds the private word “steuererklarung”"),
        ("%53teuererkl%C3%A4rung", "holds the private word “steuererklarung”"),
        ("Steuererkl\\u00e4rung", "holds the private word “steuererklarung”"),
        ("Steuererkl&auml;rung", "holds the private word “steuererklarung”"),
        ("Minox", "holds the private word “minox”"),
        ('<a href="album/Vault/">', "holds the private word “vault”"),
        ("Kontoauszug_2020.jpg", "names the file “kontoauszug_2020.jpg”"),
        ('<a href="../photo/3/index.html">', "leads to picture 3"),
        ('<a data-photo-id="4">', "leads to picture 4"),
        ("media/03/3-0-0123abcd-4567cdef-tile.webp", "leads to picture 3"),
        ("{digest}", "names the content"),
    ],
)
@pytest.mark.parametrize("where", ["index.html", "search", "site.webmanifest"])
def test_every_leak_is_found(source, site, leak, complaint, where):
    """Whatever is private is found wherever it stands, and however it is written."""
    text = leak.replace("{digest}", source.rows[3].content_hash[:DIGEST_BYTES].hex())
    if where == "search":
        where, data = indexed(site, text)
    else:
        data = (site / where).read_bytes() + text.encode()
    (site / where).write_bytes(data)
    marks = Marks(site)
    marks.set(where, digest(data))  # as if the exporter itself had written it
    marks.save()

    problems = found(source, site)

    assert problems
    assert any(what.startswith(complaint) for what in problems), problems


def put(site, name, data):
    """Write a file as if the exporter itself had written it."""
    (site / name).write_bytes(data)
    marks = Marks(site)
    marks.set(name, digest(data))
    marks.save()


def test_twins_are_looked_into(source, site, options, publish):
    """What a compressed twin holds is its text, and is looked through like it."""
    publish(replace(options, rules=RULES, title="Ada's pictures", precompress=("gz", "zst")))
    assert found(source, site) == []

    text = (site / "index.html").read_bytes()
    for kind, pack in (("gz", gzip.compress), ("zst", zstandard.ZstdCompressor().compress)):
        put(site, f"index.html.{kind}", pack(b"another page"))
        assert found(source, site) == [f"holds something else than the file without .{kind}"]
        put(site, f"index.html.{kind}", pack(text)[:-9])
        (what,) = found(source, site)
        assert what.startswith("cannot be unpacked (")
        put(site, f"index.html.{kind}", pack(text))
        assert found(source, site) == []

    leaking = text + b"Steuererkl&auml;rung"
    put(site, "index.html", leaking)
    put(site, "index.html.gz", gzip.compress(leaking))
    holds = "holds the private word “steuererklarung”"
    other = "holds something else than the file without .zst"
    assert sorted(found(source, site)) == sorted([holds, holds, other])


def test_binary_files_are_looked_into(source, site):
    """A theme's picture with a position, and a font that names a hidden file, are found."""
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    picture = encoded(photograph("coffee").resize((9, 6)), exif=exif)
    font = bytes(range(256)) + b"\0made of /home/ada/Kontoauszug_2020.jpg\0" + bytes(range(256))
    put(site, "static/cat.jpg", picture)
    put(site, "static/ada.woff2", font)
    manifest = site / ".picturerail/manifest.json"
    held = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps(held | {"count": held["count"] + 2}))

    told = found(source, site)

    assert (
        "holds more than a picture, which nobody should see; take it out of the theme's file"
        in told
    )
    assert "names the file “kontoauszug_2020.jpg”, which is not published" in told


@pytest.mark.parametrize(
    "text",
    ["the Bank of a river", "48.1371, 11.5751", "Onkel Otto", "sea ocean", "2020", "photo/2/"],
)
def test_what_is_public_is_no_leak(source, site, text):
    """Words that a shown picture, an album or a neighbour has are no secrets of a hidden one."""
    data = (site / "index.html").read_bytes() + text.encode()
    (site / "index.html").write_bytes(data)
    marks = Marks(site)
    marks.set("index.html", digest(data))
    marks.save()

    assert found(source, site) == []


def test_statistics_count_only_what_is_shown(site):
    """Counts on the pages are those of the pictures that are shown."""
    assert "2 pictures" in (site / "index.html").read_text()
    tags = (site / "tag/index.html").read_text()
    assert re.findall(r'class="name">([^<]*)</span>\s*<span class="count">([^<]*)<', tags) == [
        ("sea", "2 pictures"),
        ("Onkel Otto", "1 picture"),
    ]
