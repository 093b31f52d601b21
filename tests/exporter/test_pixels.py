import io
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from picturerail_exporter.pixels import UndecodableError, decode
from picturerail_exporter.recipe import scaled_to
from picturerail_native.database import DatabaseError

from .helpers import encoded, photograph

RED, BLUE = (200, 30, 40), (20, 40, 190)


def two_halves(size=(64, 48)):
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return image


def read(data, **how):
    """Decode a file's bytes."""
    return decode(io.BytesIO(data), **how)


def close(expected, actual, tolerance=6):
    """Tell whether two colours differ by little in every channel."""
    return np.abs(np.array(expected, int) - np.array(actual, int)).max() <= tolerance


@pytest.mark.parametrize(
    ("kind", "mime", "options"),
    [
        ("JPEG", "image/jpeg", {"quality": 95, "subsampling": 0}),
        ("PNG", "image/png", {}),
        ("WEBP", "image/webp", {"quality": 95}),
        ("GIF", "image/gif", {}),
        ("TIFF", "image/tiff", {}),
        ("BMP", "image/bmp", {}),
        ("HEIF", "image/heic", {"quality": 95}),
        ("AVIF", "image/avif", {"quality": 95}),
    ],
)
def test_every_format(kind, mime, options):
    """Each supported format gives its MIME type, its size and its colours."""
    picture = read(encoded(two_halves(), kind, **options))

    assert (mime, 64, 48, "RGB") == (
        picture.mime,
        picture.width,
        picture.height,
        picture.image.mode,
    )
    assert close(RED, picture.image.getpixel((8, 24)), 12)
    assert close(BLUE, picture.image.getpixel((56, 24)), 12)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(kind, orientation):
    """Whatever the EXIF orientation, the pixels come out upright and the size is as shown."""
    upright = Image.new("RGB", (60, 40), (250, 250, 250))
    upright.paste(RED, (0, 0, 20, 15))
    upright.paste(BLUE, (40, 0, 60, 15))
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if undo is None else upright.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation

    picture = read(encoded(stored, kind, exif=exif, quality=95))

    assert (orientation, 60, 40) == (picture.orientation, picture.width, picture.height)
    assert picture.image.size == (60, 40)
    assert close(RED, picture.image.getpixel((5, 5)), 20)
    assert close(BLUE, picture.image.getpixel((55, 5)), 20)
    assert close((250, 250, 250), picture.image.getpixel((30, 35)), 20)


def test_heic_turned_by_its_container_is_upright():
    """A HEIC file's own rotation is applied once, not once more for its EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = two_halves((48, 64)).transpose(Image.Transpose.ROTATE_90)

    picture = read(encoded(stored, "HEIF", exif=exif.tobytes(), quality=95))

    assert (48, 64) == (picture.width, picture.height) == picture.image.size
    assert close(RED, picture.image.getpixel((6, 32)), 20)


def matrix_profile(gamma, primaries):
    """Write an ICC v2 matrix profile: header, tag table, XYZ colorants adapted to D50."""
    white = np.array([0.9642, 1.0, 0.8249])
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    matrix = columns * np.linalg.solve(columns, white)

    def s15(value):
        return round(value * 65536).to_bytes(4, "big", signed=True)

    def xyz(values):
        return b"XYZ \0\0\0\0" + b"".join(s15(v) for v in values)

    curve = b"curv\0\0\0\0" + (1).to_bytes(4, "big") + round(gamma * 256).to_bytes(2, "big")
    text = b"test\0"
    description = b"desc\0\0\0\0" + len(text).to_bytes(4, "big") + text + bytes(78)
    tags = {
        b"desc": description,
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": xyz(white),
        b"rXYZ": xyz(matrix[:, 0]),
        b"gXYZ": xyz(matrix[:, 1]),
        b"bXYZ": xyz(matrix[:, 2]),
        b"rTRC": curve + bytes(2),
        b"gTRC": curve + bytes(2),
        b"bTRC": curve + bytes(2),
    }
    table, body = len(tags).to_bytes(4, "big"), b""
    start = 128 + 4 + 12 * len(tags)
    for signature, value in tags.items():
        table += signature + (start + len(body)).to_bytes(4, "big") + len(value).to_bytes(4, "big")
        body += value + bytes(-len(value) % 4)
    size = (start + len(body)).to_bytes(4, "big")
    header = size + b"lcms" + b"\x02\x10\0\0" + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    header += bytes(28) + b"".join(s15(v) for v in white)
    return header + bytes(128 - len(header)) + table + body


# xy primaries adapted to D50 and gamma: AdobeRGB (1998), ProPhoto (ROMM) RGB.
ADOBE = (2.19921875, [(0.6484, 0.3309), (0.2302, 0.7016), (0.1559, 0.0661)])
PROPHOTO = (1.8, [(0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)])


@pytest.mark.parametrize(("gamma", "primaries"), [ADOBE, PROPHOTO], ids=["adobe", "prophoto"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_wide_gamut_is_converted(kind, gamma, primaries):
    """A picture in a wide colour space shows the colours that it was encoded from."""
    profile = matrix_profile(gamma, primaries)
    colours = [(180, 120, 90), (90, 140, 100), (100, 110, 170), (128, 128, 128)]
    image = Image.new("RGB", (64, 16))
    for at, colour in enumerate(colours):
        image.paste(colour, (at * 16, 0, at * 16 + 16, 16))
    wide = ImageCms.profileToProfile(
        image,
        ImageCms.createProfile("sRGB"),
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    assert not close(colours[0], wide.getpixel((8, 8)), 8)  # else this would test nothing
    options = {"quality": 97, "subsampling": 0} if kind == "JPEG" else {"quality": 97}

    picture = read(encoded(wide, kind, icc_profile=profile, **options))

    assert picture.icc
    for at, colour in enumerate(colours):
        assert close(colour, picture.image.getpixel((at * 16 + 8, 8)), 8)


def test_srgb_profile_changes_nothing():
    """The common case, a picture with an sRGB profile, keeps its bytes exactly."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = photograph("astronaut")

    picture = read(encoded(image, "PNG", icc_profile=profile))

    assert picture.icc
    assert image.tobytes() == picture.image.tobytes()


def test_profile_of_other_channels_is_ignored():
    """A grey picture with an RGB profile, as broken tools write it, is still shown."""
    picture = read(encoded(Image.new("L", (8, 8), 77), "PNG", icc_profile=matrix_profile(*ADOBE)))

    assert picture.image.getpixel((4, 4)) == (77, 77, 77)


def test_broken_profile_is_ignored():
    """Bytes that are no profile do not cost the picture."""
    picture = read(encoded(two_halves(), "PNG", icc_profile=b"nonsense" * 40))

    assert picture.image.getpixel((4, 4)) == RED


def test_cmyk_is_not_inverted():
    """A CMYK JPEG of white paper with red ink comes out white and red."""
    image = Image.new("CMYK", (32, 32), (0, 0, 0, 0))
    image.paste((0, 255, 255, 0), (0, 0, 16, 32))

    picture = read(encoded(image, "JPEG", quality=95))

    assert picture.image.mode == "RGB"
    assert close((255, 255, 255), picture.image.getpixel((28, 16)), 8)
    red, green, blue = picture.image.getpixel((4, 16))
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_tones(kind):
    """16-bit samples are scaled, not clipped to white."""
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (8, 1))

    picture = read(encoded(Image.fromarray(ramp), kind))

    tones = np.asarray(picture.image)[4, :, 0].astype(int)
    assert np.abs(tones - np.linspace(0, 255, 64)).max() <= 2


def test_float_tiff_keeps_its_tones():
    """Floating-point samples between 0 and 1 span black to white."""
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (8, 1))

    tones = np.asarray(read(encoded(Image.fromarray(ramp), "TIFF")).image)[4, :, 0].astype(int)

    assert np.abs(tones - np.linspace(0, 255, 64)).max() <= 2


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA"])
def test_transparency_stays(mode):
    """What shows through in a palette, colour or grey picture still does."""
    image = Image.new("RGBA", (16, 16), (*RED, 255))
    image.paste((0, 0, 0, 0), (0, 0, 8, 16))
    stored = image.quantize() if mode == "P" else image.convert(mode)

    picture = read(encoded(stored, "PNG"))

    assert picture.image.mode == "RGBA"
    assert picture.image.getpixel((2, 2))[3] == 0
    assert picture.image.getpixel((12, 2))[3] == 255


def test_opaque_alpha_is_dropped():
    """An alpha channel that hides nothing costs no bytes later."""
    image = two_halves().convert("RGBA")

    assert read(encoded(image, "PNG")).image.mode == "RGB"


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_animation_shows_its_first_frame(kind):
    """Of an animation the first frame is the picture."""
    frames = [Image.new("RGB", (16, 16), RED), Image.new("RGB", (16, 16), BLUE)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)

    assert close(RED, read(data).image.getpixel((8, 8)), 12)


def test_embedded_metadata_comes_along():
    """EXIF, XMP and IPTC are handed out by the one decode."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    iptc = b"\x1c\x02\x19\x00\x05beach"
    photoshop = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + len(iptc).to_bytes(4, "big") + iptc
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    plain = encoded(two_halves(), exif=exif, xmp=xmp)
    segment = b"\xff\xed" + (len(photoshop) + 3).to_bytes(2, "big") + photoshop + b"\0"
    data = plain[:2] + segment + plain[2:]

    picture = read(data)

    read_back = Image.Exif()
    read_back.load(picture.exif)
    assert read_back[0x010F] == "Maker"
    assert picture.exif[:2] in {b"II", b"MM"}
    assert xmp == picture.xmp
    assert picture.iptc[2, 25] == b"beach"


def test_big_jpeg_is_decoded_small():
    """With the largest wanted side known, a JPEG is decoded scaled, its true size kept."""
    data = encoded(photograph("astronaut").resize((1600, 1200)))

    picture = read(data, largest=400)

    assert (picture.width, picture.height) == (1600, 1200)
    assert picture.image.size == (400, 300)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("largest", [None, 200])
def test_truncated_jpeg_is_refused(progressive, largest):
    """A JPEG that ends early is refused wherever it ends, also when decoded scaled."""
    data = encoded(photograph("astronaut"), quality=80, progressive=progressive)
    for percent in (3, 20, 50, 75, 90, 99):
        with pytest.raises(UndecodableError, match=r"truncated|damaged"):
            read(data[: len(data) * percent // 100], largest=largest)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF", "BMP", "HEIF", "AVIF"])
def test_truncated_others_are_refused(kind):
    """So are the other formats' truncated files, each with a reason."""
    data = encoded(photograph("astronaut").resize((128, 128)), kind)
    with pytest.raises(UndecodableError) as caught:
        read(data[: len(data) * 6 // 10])
    assert caught.value.reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        ("Dear diary, größer".encode(), "text, not a picture"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (bytes(range(256)) * 8, "not a picture"),
        (b"\0\0\0\x18ftypmp42" + bytes(400), "video"),
    ],
)
def test_what_is_no_picture(data, reason):
    """A file that is no picture is refused in words that say what it is."""
    with pytest.raises(UndecodableError, match=reason):
        read(data)


def test_bomb_is_refused_by_its_header():
    """A file that announces too many pixels is refused before they are decoded."""
    data = bytearray(encoded(Image.new("1", (100, 100)), "PNG"))
    data[16:24] = (60000).to_bytes(4, "big") * 2  # the header's checksum is wrong now, too
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")

    with pytest.raises(UndecodableError, match=r"too large: 60000 x 60000"):
        read(bytes(data))
    with pytest.raises(UndecodableError, match="limit of 100"):
        read(encoded(two_halves()), max_pixels=100)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_metadata_costs_nothing():
    """A picture with nonsense where its EXIF should be is shown all the same."""
    data = encoded(two_halves(), exif=b"Exif\0\0II*\0\xff\xff\xff\x7fnonsense")

    assert read(data).image.size == (64, 48)


def test_store_faults_are_not_the_pictures():
    """A fault of the database while reading is never taken for a bad picture."""

    class Failing(io.BytesIO):
        def read(self, *_):
            raise DatabaseError("the file is gone")

    with pytest.raises(DatabaseError):
        decode(Failing())


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((4000, 3000), (2000, 1500)),
        ((4032, 3024), (2016, 1512)),
        ((6000, 4000), (2048, 1365)),
        ((2048, 100), (2048, 100)),
        ((30, 20), (30, 20)),
        ((10000, 3), (2048, 1)),
    ],
)
def test_fitting_prefers_exact_fractions(size, expected):
    """A picture is fitted into a box, taking a half where that nearly fills it, never enlarged."""
    assert expected == scaled_to(*size, 2048, 2048)


def test_heif_support_is_there():
    """The HEIC decoder that the formats' list promises is built in."""
    assert pillow_heif.libheif_info()["HEIF"]


@pytest.mark.parametrize(("kind", "bits"), [("PNG", 16), ("TIFF", 16)])
def test_sixteen_bit_colour_keeps_its_tones(kind, bits):
    """Colour samples of 16 bits are scaled to 8, not cut or swapped."""
    tones = np.linspace(0, 2**bits - 1, 64).astype(np.uint16)
    pixels = np.stack([tones, tones[::-1], np.full(64, 2**15, np.uint16)], axis=-1)
    rows = np.repeat(pixels[None], 8, axis=0)

    picture = read(sixteen_bit_png(rows) if kind == "PNG" else sixteen_bit_tiff(rows))

    shown = np.asarray(picture.image)[4].astype(int)
    assert np.abs(shown[:, 0] - np.linspace(0, 255, 64)).max() <= 2
    assert np.abs(shown[:, 1] - np.linspace(255, 0, 64)).max() <= 2
    assert np.abs(shown[:, 2] - 128).max() <= 1


def sixteen_bit_png(rows):
    """Write a PNG of 16-bit RGB samples, which Pillow only reads."""

    def chunk(name, data):
        body = name + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    height, width, _ = rows.shape
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([16, 2, 0, 0, 0])
    data = b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def sixteen_bit_tiff(rows):
    """Write a TIFF of 16-bit RGB samples, which Pillow only reads."""
    height, width, _ = rows.shape
    data = rows.astype("<u2").tobytes()
    entries = [
        *((256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, 8 + len(data)), (259, 3, 1, 1)),
        *((262, 3, 1, 2), (273, 4, 1, 8), (277, 3, 1, 3), (278, 4, 1, height)),
        (279, 4, 1, len(data)),
    ]
    table = b"".join(
        tag.to_bytes(2, "little")
        + kind.to_bytes(2, "little")
        + count.to_bytes(4, "little")
        + value.to_bytes(4, "little")
        for tag, kind, count, value in entries
    )
    at = 8 + len(data) + 6
    ifd = len(entries).to_bytes(2, "little") + table + bytes(4)
    return b"II*\0" + at.to_bytes(4, "little") + data + b"\x10\0" * 3 + ifd


def test_of_several_frames_the_first_is_shown():
    """An MPO file, a JPEG with further frames behind it, is its first frame, as a JPEG."""
    frames = [Image.new("RGB", (32, 24), colour) for colour in (RED, BLUE)]

    picture = read(encoded(frames[0], "MPO", save_all=True, append_images=frames[1:], quality=95))

    assert picture.mime == "image/jpeg"
    assert close(RED, picture.image.getpixel((8, 8)), 12)
