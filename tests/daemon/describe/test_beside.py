"""Files beside a picture: Google Takeout's, plain text, and what XMP says of people and stars."""

import json

import pytest
from PIL import ExifTags, Image

from picturerail_daemon.describe.interface import Beside
from picturerail_daemon.describe.sidecar import SidecarDescriber
from picturerail_daemon.describe.takeout import TakeoutFacts, read_takeout
from picturerail_daemon.describe.xmp import read_xmp
from picturerail_daemon.mirror.names import sidecars_of

RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
TAKEOUT = {
    "title": "beach.jpg",
    "description": "Anna at the beach",
    "imageViews": "3",
    "creationTime": {"timestamp": "1563127000", "formatted": "14 Jul 2019"},
    "photoTakenTime": {"timestamp": "1563120191", "formatted": "14 Jul 2019, 16:03:11 UTC"},
    "geoData": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0},
    "geoDataExif": {"latitude": 38.72, "longitude": -9.14, "altitude": 2.0},
    "people": [{"name": "Anna"}, {"name": ""}],
    "favorited": True,
    "url": "https://photos.google.com/photo/x",
}


def describe(one):
    """Describe one subject by what is written."""
    return SidecarDescriber().describe([one])[0].description


def takeout(**changes):
    """Return a Takeout file beside the picture."""
    return Beside(".json", json.dumps({**TAKEOUT, **changes}).encode())


def test_takeout_tells_caption_people_favourite_time_and_place(subject):
    """All that a Takeout file knows of a picture comes into its description."""
    said = describe(subject(sidecars=[takeout()]))

    assert said.caption == "Anna at the beach"
    assert [tag.name for tag in said.tags] == ["Anna"]
    assert (said.people, said.rating) == (("Anna",), 5)
    assert said.taken == "2019-07-14T16:03:11+00:00"
    assert said.gps == (38.72, -9.14)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[1, 2]",
        b'{"title": 7}',
        b"\xff\xfe\x00",
        b'{"name": "left-pad", "version": "1.0"}',
        b"[" * 100_000,
        json.dumps({"title": "x", "photoTakenTime": {"timestamp": "no"}}).encode(),
        json.dumps({"title": "x", "photoTakenTime": {"timestamp": 10**30}}).encode(),
        json.dumps({"title": "x", "geoData": {"latitude": 91.0, "longitude": 0.1}}).encode(),
        b'{"title": "x", "geoData": {"latitude": 1e999, "longitude": 1}}',
    ],
)
def test_other_json_says_nothing(subject, data):
    """Whatever lies there under a name of Takeout's, no picture fails for it."""
    assert read_takeout(data) == TakeoutFacts()
    assert describe(subject(sidecars=[Beside(".json", data)])).state == "done"


@pytest.mark.parametrize(
    ("data", "caption"),
    [
        ("Grüße vom See\n".encode(), "Grüße vom See"),
        ("Grüße\r\nvom See".encode("utf-16"), "Grüße vom See"),
        ("Grüße".encode("cp1252"), "Grüße"),
        (b"\xef\xbb\xbfBOM", "BOM"),
        (b"\x00\x01\x02binary", ""),
        (b"", ""),
    ],
)
def test_a_text_file_is_the_caption(subject, data, caption):
    """In whatever encoding editors write; what is no text says nothing."""
    assert describe(subject(sidecars=[Beside(".txt", data)])).caption == caption


def test_what_people_wrote_in_several_files_is_put_together(subject):
    """The XMP file's caption goes before Takeout's, and that before a text's; names come once."""
    packet = (
        f'<rdf:RDF {RDF} xmlns:x="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        "<rdf:Description><x:PersonInImage><rdf:Bag><rdf:li>Anna</rdf:li><rdf:li>Ben</rdf:li>"
        "</rdf:Bag></x:PersonInImage></rdf:Description></rdf:RDF>"
    ).encode()
    said = describe(
        subject(sidecars=[Beside(".xmp", packet), takeout(), Beside(".txt", b"a text")])
    )

    assert said.people == ("Anna", "Ben")
    assert said.caption == "Anna at the beach"


FACES = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF}
 xmlns:mwg="http://www.metadataworkinggroup.com/schemas/regions/"
 xmlns:MP="http://ns.microsoft.com/photo/1.2/" xmlns:R="http://ns.microsoft.com/photo/1.2/t/RegionInfo#"
 xmlns:P="http://ns.microsoft.com/photo/1.2/t/Region#" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<rdf:Description xmp:Rating="4"><mwg:Regions rdf:parseType="Resource"><mwg:RegionList><rdf:Bag>
 <rdf:li><rdf:Description mwg:Name="Anna" mwg:Type="Face"/></rdf:li>
 <rdf:li rdf:parseType="Resource"><mwg:Name>Ben</mwg:Name><mwg:Type>Face</mwg:Type></rdf:li>
 <rdf:li><rdf:Description mwg:Name="the code" mwg:Type="BarCode"/></rdf:li>
</rdf:Bag></mwg:RegionList></mwg:Regions>
<MP:RegionInfo><rdf:Description><R:Regions><rdf:Bag>
 <rdf:li P:PersonDisplayName="Carla"/></rdf:Bag></R:Regions></rdf:Description></MP:RegionInfo>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def test_faces_that_were_marked_are_people():
    """Regions of digiKam's and Lightroom's, as attributes or elements, and Microsoft's."""
    facts = read_xmp(FACES.encode())

    assert sorted(facts.people) == ["Anna", "Ben", "Carla"]
    assert facts.rating == 4


@pytest.mark.parametrize(
    ("body", "rating"),
    [
        ("<xmp:Rating>-1</xmp:Rating>", -1),
        ("<xmp:Rating>5.0</xmp:Rating>", 5),
        ("<xmp:Rating>many</xmp:Rating>", None),
        ("<xmp:Rating>77</xmp:Rating>", None),
        ("<xmp:Rating>nan</xmp:Rating>", None),
        ("<m:Rating>75</m:Rating>", 4),
        ("<m:Rating>99</m:Rating>", 5),
        ("<m:Rating>1</m:Rating>", 1),
        ("", None),
    ],
)
def test_stars(body, rating):
    """Adobe's stars, Microsoft's percentages, and nonsense."""
    packet = (
        f'<rdf:RDF {RDF} xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        f'xmlns:m="http://ns.microsoft.com/photo/1.0/"><rdf:Description>{body}'
        "</rdf:Description></rdf:RDF>"
    )
    assert read_xmp(packet.encode()).rating == rating


def test_the_cameras_own_stars(subject):
    """Windows and some cameras write the rating into EXIF; XMP goes before it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Rating] = 3

    assert describe(subject(exif=exif.tobytes())).rating == 3
    assert describe(subject(exif=exif.tobytes(), xmp=FACES.encode())).rating == 4


@pytest.mark.parametrize(
    ("latitude", "longitude", "gps"),
    [
        ("38,43.2N", "9,8.4W", (38.72, -9.14)),
        ("33,51,30S", "151,12,0E", (-33.858333, 151.2)),
        ("95,0N", "9,8.4W", None),
        ("38,43.2", "9,8.4W", None),
        ("", "", None),
    ],
)
def test_positions_in_xmp(latitude, longitude, gps):
    """Degrees and minutes, degrees, minutes and seconds, and nonsense."""
    packet = (
        f'<rdf:RDF {RDF} xmlns:exif="http://ns.adobe.com/exif/1.0/"><rdf:Description '
        f'exif:GPSLatitude="{latitude}" exif:GPSLongitude="{longitude}"/></rdf:RDF>'
    )
    assert read_xmp(packet.encode()).gps == gps


@pytest.mark.parametrize(
    ("picture", "sidecar"),
    [
        (b"a/cat.jpg", b"a/cat.jpg.xmp"),
        (b"a/cat.jpg", b"a/cat.xmp"),
        (b"a/cat.jpg", b"a/cat.txt"),
        (b"a/cat.jpg", b"a/cat.jpg.json"),
        (b"a/cat.jpg", b"a/cat.jpg.supplemental-metadata.json"),
        (b"a/cat(2).jpg", b"a/cat.jpg(2).json"),
        (b"a/cat(2).jpg", b"a/cat.jpg.supplemental-metadata(2).json"),
        (b"a/cat-edited.jpg", b"a/cat.jpg.json"),
        (
            b"a/PXL_20230714_160311123.PORTRAIT.jpg",
            b"a/PXL_20230714_160311123.PORTRAIT.jpg.supplement.json",
        ),
        (b"cat", b"cat.xmp"),
    ],
)
def test_which_file_tells_of_which_picture(picture, sidecar):
    """The names that programs give, Takeout's cut and numbered ones included."""
    assert sidecar in sidecars_of(picture)


def test_other_pictures_files_are_not_ones_own():
    """A stem in common with a longer name is not enough."""
    assert not {b"a/cat2.xmp", b"a/cats.txt", b"b/cat.xmp"} & set(sidecars_of(b"a/cat.jpg"))
