"""Metadata that is broken, hostile or merely strange never fails a picture."""

import random
import struct

import pytest
from PIL import ExifTags, Image

from picturerail_daemon.describe.facts import read_facts
from picturerail_daemon.describe.interface import Beside, Embedded
from picturerail_daemon.describe.sidecar import SidecarDescriber
from picturerail_native.records import encode_metadata

SEED = 20_261_125
MUTATIONS = 1_500


def good_exif():
    """Return a block with all that is read of one."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Canon"
    exif[ExifTags.Base.Model] = "EOS"
    exif[ExifTags.Base.ImageDescription] = "a caption"
    exif[ExifTags.Base.Rating] = 4
    exif[ExifTags.Base.XPKeywords] = "sun;sea".encode("utf-16-le")
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = "2019:07:14 18:03:11"
    details[ExifTags.Base.ExposureTime] = 0.004
    details[ExifTags.Base.ISOSpeedRatings] = 200
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "N", 2: (38.0, 43.0, 12.0), 3: "W", 4: (9.0, 8.0, 24.0)}
    )
    return exif.tobytes()


GOOD_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    b'xmp:Rating="4"><dc:subject><rdf:Bag><rdf:li>sun</rdf:li></rdf:Bag></dc:subject>'
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)
GOOD_TAKEOUT = (
    b'{"title": "a", "description": "b", "people": [{"name": "Anna"}], "favorited": true}'
)


def mutate(rng, data):
    """Return bytes with a few changed, cut, doubled or inserted."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(changed))
        match rng.randrange(4):
            case 0:
                changed[at] = rng.randrange(256)
            case 1:
                del changed[at : at + rng.randint(1, 16)]
            case 2:
                changed[at:at] = changed[at : at + rng.randint(1, 64)]
            case 3:
                changed[at:at] = rng.choice([b"\0", b"\xff\xff\xff\xff", b"\x80", b"<", b"&"])
        if not changed:
            return b""
    return bytes(changed)


def read(subject, embedded, sidecars=()):
    """Read everything of a picture; its row must be one that can be stored."""
    facts = read_facts(embedded)
    one = subject(exif=embedded.exif, xmp=embedded.xmp, iptc=embedded.iptc, sidecars=sidecars)
    said = SidecarDescriber().describe([one])[0].description
    assert said.state == "done", said.reason
    encode_metadata(facts)
    if facts.gps is not None:
        assert abs(facts.gps[0]) <= 90
        assert abs(facts.gps[1]) <= 180
    return facts, said


def test_mutations_of_every_kind_of_metadata(subject):
    """Thousands of damaged blocks; the seed is printed with a failure."""
    rng = random.Random(SEED)
    exif = good_exif()
    for number in range(MUTATIONS):
        embedded = Embedded(
            exif=mutate(rng, exif),
            xmp=mutate(rng, GOOD_XMP),
            iptc={(2, 25): (mutate(rng, b"keyword"),), (2, 120): (mutate(rng, b"caption"),)},
        )
        beside = (
            Beside(".json", mutate(rng, GOOD_TAKEOUT)),
            Beside(".txt", mutate(rng, b"a text")),
        )
        try:
            read(subject, embedded, beside)
        except BaseException:
            print(f"seed {SEED}, mutation {number}: {embedded}")
            raise


def odd_exif(tag, value, ifd=None):
    """Return a block with one odd value."""
    exif = Image.Exif()
    if ifd is None:
        exif[tag] = value
    else:
        exif.get_ifd(ifd)[tag] = value
    return exif.tobytes()


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"II*\0\xff\xff\xff\xff",
        b"MM\0*\0\0\0\x08\xff\xff" + b"\0" * 64,
        b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x10F, 2, 0xFFFFFFFF, 8) + b"\0\0\0\0",
        odd_exif(ExifTags.Base.Make, "\x1b[31m\u202e" + "x" * 100_000),
        odd_exif(ExifTags.Base.DateTimeOriginal, "0000:00:00 00:00:00", ExifTags.IFD.Exif),
        odd_exif(ExifTags.Base.DateTimeOriginal, "9999:99:99 99:99:99", ExifTags.IFD.Exif),
        odd_exif(ExifTags.Base.ExposureTime, float("1e30"), ExifTags.IFD.Exif),
        odd_exif(ExifTags.Base.ISOSpeedRatings, (0, 65535), ExifTags.IFD.Exif),
        odd_exif(ExifTags.GPS.GPSLatitude, (400.0, 0.0, 0.0), ExifTags.IFD.GPSInfo),
        b"\0" * 70_000,
    ],
    ids=["empty", "far", "many", "huge", "text", "zero", "nines", "long", "iso", "gps", "zeros"],
)
def test_exotic_exif(subject, exif):
    """Offsets beyond the end, huge counts, impossible dates and places, control characters."""
    facts, _ = read(subject, Embedded(exif=exif))

    assert facts.camera.isprintable()
    assert len(facts.camera) <= 401


@pytest.mark.parametrize(
    "packet",
    [
        b"<" * 100_000,
        b"<a>" * 50_000,
        b'<!DOCTYPE a [<!ENTITY a "' + b"x" * 1000 + b'"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        GOOD_XMP.decode().encode("utf-16"),
        GOOD_XMP.decode().encode("utf-32"),
        b"\xef\xbb\xbf" + GOOD_XMP,
        GOOD_XMP + b" " * 4000,
        GOOD_XMP.replace(b"sun", b"\xe9t\xe9"),
        GOOD_XMP.replace(b"sun", b"x" * 1_000_000),
        GOOD_XMP.replace(b"<rdf:li>sun</rdf:li>", b"<rdf:li>t</rdf:li>" * 20_000),
    ],
    ids=["open", "deep", "bomb", "file", "16", "32", "bom", "padded", "latin", "long", "many"],
)
def test_exotic_xmp(subject, packet):
    """Bombs, other encodings, padding and floods of keywords."""
    _, said = read(subject, Embedded(xmp=packet))

    assert len(said.tags) <= 500
    assert all(len(tag.name) <= 2000 for tag in said.tags)


def test_exotic_iptc(subject):
    """Values in encodings that nobody declared, empty ones, binary ones, and floods."""
    iptc = {
        (1, 90): (b"\x1b%G",),
        (2, 25): (b"", b"\xff\xfe", "Grüße".encode(), "Grüße".encode("latin-1"), b"\0\x01", b"  "),
        (2, 120): (b"\xe9\xe8",),
    }
    _, said = read(subject, Embedded(iptc=iptc))

    assert "Grüße" in [tag.name for tag in said.tags]
    assert all(tag.name.isprintable() and tag.name for tag in said.tags)
    _, said = read(subject, Embedded(iptc={(2, 25): tuple(b"t%d" % n for n in range(5_000))}))
    assert len(said.tags) == 500
