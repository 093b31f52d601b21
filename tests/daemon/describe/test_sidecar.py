"""What people and cameras wrote."""

import pytest
from PIL import ExifTags, Image

from picturerail_daemon.describe.facts import read_facts
from picturerail_daemon.describe.interface import Embedded
from picturerail_daemon.describe.sidecar import SidecarDescriber
from picturerail_daemon.describe.xmp import read_xmp

HEAD = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:lr="http://ns.adobe.com/lightroom/1.0/" '
    'xmlns:digiKam="http://www.digikam.org/ns/1.0/" '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/"'
)
TAIL = "</rdf:Description></rdf:RDF></x:xmpmeta>"


def xmp(body: str, attributes: str = "") -> bytes:
    """Return an XMP packet."""
    return f"{HEAD} {attributes}>{body}{TAIL}".encode()


def bag(name: str, *items: str, kind: str = "Bag") -> str:
    """Return a list property."""
    listed = "".join(f"<rdf:li>{item}</rdf:li>" for item in items)
    return f"<{name}><rdf:{kind}>{listed}</rdf:{kind}></{name}>"


def describe(one):
    """Describe one subject by what is written."""
    return SidecarDescriber().describe([one])[0].description


def names(description):
    """Return the tags' names."""
    return [tag.name for tag in description.tags]


def test_xmp_keywords_hierarchies_and_caption(subject):
    """Flat keywords, Lightroom's and digiKam's hierarchies and the default language's caption."""
    packet = xmp(
        bag("dc:subject", "cat", "park")
        + bag("lr:hierarchicalSubject", "Places|Lisbon", kind="Bag")
        + bag("digiKam:TagsList", "Animals/cat", kind="Seq")
        + '<dc:description><rdf:Alt><rdf:li xml:lang="de">Katze</rdf:li>'
        '<rdf:li xml:lang="x-default">A cat</rdf:li></rdf:Alt></dc:description>'
    )
    said = describe(subject(xmp=packet))

    assert names(said) == ["cat", "park", "Places", "Lisbon", "Animals"]
    assert said.caption == "A cat"


def test_file_beside_outranks_file_inside_and_iptc_is_added(subject):
    """The `.xmp` file's caption wins; keywords of all places come together once."""
    said = describe(
        subject(
            xmp=xmp("", 'dc:description="inside"') + b"",
            sidecars=[xmp(bag("dc:subject", "Sun"), 'dc:description="beside"')],
            iptc={(2, 25): (b"sun", "Grüße".encode(), b"caf\xe9"), (2, 120): (b"iptc",)},
        )
    )

    assert names(said) == ["Sun", "Grüße", "café"]
    assert said.caption == "beside"


def test_what_cameras_write_into_every_picture_is_no_caption(subject):
    """OLYMPUS DIGITAL CAMERA says nothing of a picture."""
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "OLYMPUS DIGITAL CAMERA"

    assert describe(subject(exif=exif.tobytes())).caption == ""


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\0" * 100,
        b"<x",
        xmp(bag("dc:subject", "x"))[:-20],
        b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>',
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b"\xff\xfe" + "<a/>".encode("utf-16-le"),
    ],
)
def test_broken_xmp_fails_no_picture(subject, packet):
    """Malformed, hostile and oddly encoded packets say nothing and raise nothing."""
    assert read_xmp(packet).tags == ()
    assert describe(subject(sidecars=[packet])).state == "done"


def test_facts_of_the_camera():
    """Time with zone, camera without its maker twice, lens, exposure and place."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Canon"
    exif[ExifTags.Base.Model] = "Canon EOS 80D"
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = "2019:07:14 18:03:11"
    details[ExifTags.Base.OffsetTimeOriginal] = "+01:00"
    details[ExifTags.Base.LensModel] = "EF 50mm"
    details[ExifTags.Base.ExposureTime] = 0.004
    details[ExifTags.Base.FNumber] = 2.8
    details[ExifTags.Base.ISOSpeedRatings] = 200
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps.update({1: "N", 2: (38.0, 43.0, 12.0), 3: "W", 4: (9.0, 8.0, 24.0)})

    facts = read_facts(Embedded(exif=exif.tobytes()))

    assert facts.taken == "2019-07-14T18:03:11+01:00"
    assert (facts.camera, facts.lens) == ("Canon EOS 80D", "EF 50mm")
    assert (
        facts.exposure.seconds,
        facts.exposure.aperture,
        facts.exposure.iso,
    ) == (0.004, 2.8, 200)
    assert facts.gps == (38.72, -9.14)


def test_nonsense_of_the_camera_costs_only_itself():
    """A wrong date, a zero exposure and a place off the globe are left out; the rest stays."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "X\0garbage"
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = "0000:00:00 00:00:00"
    details[ExifTags.Base.FNumber] = 0
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({2: (200.0, 0.0, 0.0), 4: (9.0, 8.0, 24.0)})

    facts = read_facts(Embedded(exif=exif.tobytes()))

    assert facts.camera == "X"
    assert (facts.taken, facts.exposure, facts.gps) == (None, None, None)


@pytest.mark.parametrize(
    "data", [b"Exif\0\0", b"II*\0\xff\xff\xff\xff", b"junk" * 9, b"MM\0*" + b"\1" * 64]
)
def test_broken_exif_fails_no_picture(data):
    """Truncated and looping EXIF blocks give no facts and no error."""
    assert read_facts(Embedded(exif=data)).taken is None
