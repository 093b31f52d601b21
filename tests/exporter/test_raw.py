"""RAW files: their largest preview, upright, with what the camera said of it."""

import io
import struct

import pytest
from PIL import Image

from picturerail_exporter.pixels import UndecodableError, decode

from .helpers import encoded
from .test_pixels import BLUE, RED, close, two_halves


def preview(size=(320, 200), quality=95, **how):
    """A finished JPEG as cameras put it into their RAW files."""
    return encoded(two_halves(size), "JPEG", quality=quality, subsampling=0, **how)


class Tiff:
    """Lays out a TIFF file: IFDs that refer to each other and to blocks of bytes."""

    def __init__(self, order="<", magic=None):
        """Begin with a header."""
        self.order = order
        mark = b"II" if order == "<" else b"MM"
        self.magic = magic or mark + struct.pack(order + "H", 42)
        self.data = bytearray(self.magic + bytes(4 + 8))

    def block(self, data):
        """Append bytes; return where they lie."""
        self.data += bytes(-len(self.data) % 2)
        at = len(self.data)
        self.data += data
        return at

    def ifd(self, *entries, following=0):
        """Append an IFD of (tag, value); return where it lies."""
        parts = []
        for tag, value in sorted(entries):
            if isinstance(value, str):
                text = value.encode() + b"\0"
                at = self.block(text)
                parts.append(struct.pack(self.order + "HHII", tag, 2, len(text), at))
            elif isinstance(value, tuple):
                at = self.block(struct.pack(self.order + "II", *value))
                parts.append(struct.pack(self.order + "HHII", tag, 5, 1, at))
            else:
                parts.append(struct.pack(self.order + "HHII", tag, 4, 1, value))
        at = self.block(struct.pack(self.order + "H", len(parts)) + b"".join(parts))
        self.data += struct.pack(self.order + "I", following)
        return at

    def done(self, first):
        """Return the file, whose first IFD lies there."""
        struct.pack_into(self.order + "I", self.data, 4, first)
        return bytes(self.data)


def tiff_raw(make="NIKON CORPORATION", order="<", magic=None, turned=1, dng=False, extra=()):
    """A RAW file built on TIFF: a thumbnail, a sensor's samples, a large preview, EXIF."""
    tiff = Tiff(order, magic)
    small, large = preview((80, 50)), preview()
    samples = tiff.block(b"\xff\xd8\xff\xc4" + bytes(range(256)) * 40)
    exif = tiff.ifd((0x829A, (1, 250)), (0x829D, (28, 10)), (0x9003, "2019:07:14 18:03:11"))
    sensor = tiff.ifd(
        (254, 0), (256, 4000), (257, 3000), (262, 32803), (273, samples), (279, 10244)
    )
    jpeg = tiff.ifd((254, 1), (513, tiff.block(large)), (514, len(large)), following=sensor)
    entries = [(271, make), (272, "Model X"), (34665, exif), (330, jpeg)]
    entries += [
        (513, tiff.block(small)),
        (514, len(small)),
        (274, turned),
    ]
    entries += [(0xC612, 0x00000401)] if dng else []
    return tiff.done(tiff.ifd(*entries, *extra))


def boxed(name, *parts):
    """Return a box of an ISO media file."""
    data = b"".join(parts)
    return (len(data) + 8).to_bytes(4, "big") + name + data


def cr3(turned=1):
    """A Canon CR3: TIFF streams in boxes, a small preview, a large one among the samples."""
    main = Tiff()
    main = main.done(main.ifd((271, "Canon"), (272, "Canon EOS R"), (274, turned)))
    more = Tiff()
    more = more.done(more.ifd((0x829A, (1, 250)), (0x9003, "2019:07:14 18:03:11")))
    uuid = boxed(b"uuid", bytes(16), boxed(b"CMT1", main), boxed(b"CMT2", more))
    small = boxed(b"uuid", bytes(24), boxed(b"PRVW", bytes(16), preview((80, 50))))
    samples = boxed(b"mdat", preview(), bytes(range(256)) * 20)
    return boxed(b"ftyp", b"crx ", bytes(12)) + boxed(b"moov", uuid) + small + samples


def raf():
    """A Fuji RAF: a header, and a JPEG that says everything itself."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "FUJIFILM", "X-T3", 6
    jpeg = preview(exif=exif)
    return b"FUJIFILMCCD-RAW 0201".ljust(148, b"\0") + jpeg + bytes(range(256)) * 20


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (tiff_raw(), "image/x-nikon-nef"),
        (tiff_raw(order=">"), "image/x-nikon-nef"),
        (tiff_raw("SONY"), "image/x-sony-arw"),
        (tiff_raw("PENTAX"), "image/x-pentax-pef"),
        (tiff_raw("Canon", magic=b"II*\0"), "image/x-canon-cr2"),
        (tiff_raw("Leica", dng=True), "image/x-adobe-dng"),
        (tiff_raw("OLYMPUS CORPORATION", magic=b"IIRO"), "image/x-olympus-orf"),
        (tiff_raw("Panasonic", magic=b"IIU\0"), "image/x-panasonic-rw2"),
        (cr3(), "image/x-canon-cr3"),
    ],
)
def test_the_largest_preview_is_shown(data, mime):
    """Of every maker's RAW file the largest preview is the picture, with the camera's words."""
    picture = decode(io.BytesIO(data))

    assert (mime, 320, 200) == (picture.mime, picture.width, picture.height)
    assert close(RED, picture.image.getpixel((40, 100)), 12)
    assert close(BLUE, picture.image.getpixel((280, 100)), 12)
    exif = Image.Exif()
    exif.load(picture.exif)
    assert exif[0x0110] in {"Model X", "Canon EOS R"}
    assert exif.get_ifd(0x8769)[0x829A] == pytest.approx(0.004)
    assert exif.get_ifd(0x8769)[0x9003] == "2019:07:14 18:03:11"


@pytest.mark.parametrize(
    "data", [tiff_raw(turned=6), tiff_raw(order=">", turned=6), cr3(turned=6), raf()]
)
def test_previews_are_upright(data):
    """A preview is turned as the RAW file says, or as it says itself where that is all."""
    picture = decode(io.BytesIO(data))

    assert picture.width < picture.height
    assert picture.orientation == 6
    assert picture.image.size == (picture.width, picture.height)


def test_a_tiff_of_a_scanner_is_none():
    """A TIFF file with pixels of its own is still decoded as what it is."""
    picture = decode(io.BytesIO(encoded(two_halves(), "TIFF")))

    assert picture.mime == "image/tiff"


@pytest.mark.parametrize("at", range(0, 3000, 97))
def test_damage_never_falls_through(at):
    """Whatever byte of a RAW file is damaged, there is a picture or one reason why not."""
    for data in (tiff_raw(), cr3(), raf()):
        damaged = bytearray(data)
        for number in range(at, min(at + 40, len(damaged)), 3):
            damaged[number] ^= 0xA5
        try:
            decode(io.BytesIO(bytes(damaged)))
        except UndecodableError as error:
            assert error.reason


def test_no_preview_is_named():
    """A RAW file in which nothing can be shown is refused, and says so."""
    tiff = Tiff()
    samples = tiff.block(b"\xff\xd8\xff\xc4" + bytes(range(256)) * 40)
    data = tiff.done(tiff.ifd((271, "SONY"), (262, 32803), (273, samples)))

    with pytest.raises(UndecodableError, match="RAW file without a preview"):
        decode(io.BytesIO(data))
