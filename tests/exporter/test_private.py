"""What the pictures' files tell stays off the site, and a check finds what does not."""

import pytest
from PIL import Image

from picturerail_exporter.check import check_site
from picturerail_native.records import Exposure

from .helpers import encoded, photograph, plain, tree


@pytest.mark.parametrize("kind", ["exif", "xmp"])
def test_check_finds_metadata_in_pictures(source, options, publish, kind):
    """A deep check names a picture on the site that carries EXIF or XMP, and no other."""
    source.add("a.jpg", plain((1, 2, 3)))
    source.add("b.jpg", plain((3, 2, 1)))
    publish()
    assert check_site(source, options.path, deep=True) == []
    picture = min(options.path.glob("media/*/*-large.webp"))
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    private = {"exif": exif.tobytes()} if kind == "exif" else {"xmp": b"<x/>"}
    picture.unlink()  # it is one file with the rendition store's
    picture.write_bytes(encoded(Image.new("RGB", (9, 9)), "WEBP", **private))

    ((where, what),) = check_site(source, options.path, deep=True)

    assert str(picture) == where
    assert f"holds {kind.upper()}" in what


def test_private_metadata_is_nowhere(source, options, publish):
    """Place, serial numbers and paths outside the root are in no file of the site."""
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (38.0, 43.0, 12.3456)
    exif.get_ifd(0x8769)[0xA431] = "SERIAL-4711"
    source.add(
        "a.jpg",
        encoded(photograph("coffee"), exif=exif),
        gps=(38.7201234, -9.1401234),
        camera="Canon EOS 80D",
        lens="EF 50mm",
        exposure=Exposure(0.004, 2.8, 200, 50.0),
        taken="2019-07-14T18:03:11+01:00",
        tags=("beach",),
    )

    publish()

    page = (options.path / "photo/1/index.html").read_text()
    for shown in ("Canon EOS 80D", "EF 50mm", "1/250 s", "f/2.8", "ISO 200", "14 July 2019"):
        assert shown in page
    everything = b"".join(tree(options.path).values())
    for private in (b"38.72", b"9.14", b"SERIAL", b"GPS", b"12.3456", b"/photos/", b"Exif"):
        assert private not in everything
