"""Colours: every space within a just visible difference of what it means, computed apart."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage.color import deltaE_ciede2000, lab2xyz, rgb2lab

from picturerail_exporter.colour import DISPLAY_P3
from picturerail_exporter.pixels import decode
from picturerail_exporter.recipe import Recipe, Size
from picturerail_exporter.renditions import render

from .helpers import encoded, photograph
from .test_pixels import ADOBE, PROPHOTO, matrix_profile

# xy primaries adapted to D50 of Display P3, whose curve is nearly a gamma of 2.2.
P3 = (2.2, [(0.6820, 0.3193), (0.2846, 0.6746), (0.1559, 0.0661)])
SRGB_FROM_XYZ50 = np.linalg.inv(
    np.array(
        [
            [0.4360747, 0.3850649, 0.1430804],
            [0.2225045, 0.7168786, 0.0606169],
            [0.0139322, 0.0971045, 0.7141733],
        ]
    )
)
WHITE50 = np.array([0.9642, 1.0, 0.8249])
INSIDE = [
    (180, 120, 90),
    (90, 140, 100),
    (100, 110, 170),
    (128, 128, 128),
    (20, 20, 24),
    (250,) * 3,
]


def patches(colours, mode="RGB"):
    """A picture of squares, one a colour."""
    image = Image.new(mode, (16 * len(colours), 16))
    for at, colour in enumerate(colours):
        image.paste(colour, (at * 16, 0, at * 16 + 16, 16))
    return image


def seen(image, count):
    """The colour in the middle of each square."""
    return np.array([image.getpixel((at * 16 + 8, 8))[:3] for at in range(count)])


def srgb_of(xyz):
    """Encode D50 tristimulus values as sRGB, by the standard's own formula."""
    linear = np.clip(xyz @ SRGB_FROM_XYZ50.T, 0, 1)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return curve * 255


def matrix_of(primaries):
    """From linear values of a space to D50 tristimulus values."""
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    return columns * np.linalg.solve(columns, WHITE50)


def difference(expected, actual):
    """The greatest CIEDE2000 difference between two lists of sRGB colours."""
    labs = (rgb2lab(np.array(each, float)[None] / 255) for each in (expected, actual))
    return float(deltaE_ciede2000(*labs).max())


@pytest.mark.parametrize(
    ("gamma", "primaries"), [ADOBE, PROPHOTO, P3], ids=["adobe", "prophoto", "p3"]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_matrix_spaces(kind, gamma, primaries):
    """AdobeRGB, ProPhoto and Display P3 come out within ΔE 2 of the spaces' own definition."""
    to_xyz = matrix_of(primaries)
    # Stored values of colours that sRGB can show, found by the inverse of the definition.
    linear = np.array(INSIDE) / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.linalg.inv(SRGB_FROM_XYZ50).T
    stored = np.clip(xyz @ np.linalg.inv(to_xyz).T, 0, 1) ** (1 / gamma) * 255
    stored = [tuple(int(v) for v in np.round(colour)) for colour in stored]
    how = {"quality": 98, "icc_profile": matrix_profile(gamma, primaries)}
    how |= (
        {"subsampling": 0} if kind == "JPEG" else {"subsampling": "4:4:4"} if kind == "AVIF" else {}
    )
    data = encoded(patches(stored), kind, **how)
    with Image.open(io.BytesIO(data)) as image:
        values = seen(image, len(stored))  # what the codec left of them
    expected = srgb_of((values / 255) ** gamma @ to_xyz.T)
    assert difference(values, expected) > 2.5  # without a conversion it would be seen

    picture = decode(io.BytesIO(data))

    assert picture.space == "srgb"
    assert difference(expected, seen(picture.image, len(stored))) <= 2


def grey_profile(gamma):
    """Write an ICC v2 profile of greys with a gamma."""
    curve = (
        b"curv\0\0\0\0" + (1).to_bytes(4, "big") + round(gamma * 256).to_bytes(2, "big") + b"\0\0"
    )
    white = b"XYZ \0\0\0\0" + b"".join(round(v * 65536).to_bytes(4, "big") for v in WHITE50)
    return tagged_profile(b"mntrGRAYXYZ ", {b"wtpt": white, b"kTRC": curve})


def tagged_profile(kind, tags):
    """Write an ICC v2 profile out of its tags."""
    tags = {b"desc": b"desc\0\0\0\0\0\0\0\5test\0" + bytes(78), **tags}
    table, body, start = len(tags).to_bytes(4, "big"), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + (start + len(body)).to_bytes(4, "big") + len(value).to_bytes(4, "big")
        body += value + bytes(-len(value) % 4)
    head = (start + len(body)).to_bytes(4, "big") + b"lcms\x02\x10\0\0" + kind + bytes(12) + b"acsp"
    head += bytes(28) + b"".join(round(v * 65536).to_bytes(4, "big") for v in WHITE50)
    return head + bytes(128 - len(head)) + table + body


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_grey(kind):
    """Greys of another gamma come out within ΔE 2 of what their profile says."""
    stored = [8, 40, 90, 128, 180, 240]
    how = {"quality": 98, "icc_profile": grey_profile(1.8)}

    picture = decode(io.BytesIO(encoded(patches(stored, "L"), kind, **how)))

    light = (np.array(stored) / 255) ** 1.8
    expected = srgb_of(light[:, None] * WHITE50)
    assert difference([(v, v, v) for v in stored], expected) > 3
    assert difference(expected, seen(picture.image, len(stored))) <= 2


def ink_profile(steps=9):
    """Write an ICC v2 profile of four inks, with a table from them to Lab; return its maker too."""

    def lab(inks):
        cyan, magenta, yellow, black = inks
        light = (1 - 0.62 * cyan) * (1 - 0.55 * magenta) * (1 - 0.12 * yellow) * (1 - 0.9 * black)
        a = (-38 * cyan + 62 * magenta - 6 * yellow) * (1 - black)
        b = (-42 * cyan - 8 * magenta + 78 * yellow) * (1 - black)
        return 100 * light, a, b

    grid = np.linspace(0, 1, steps)
    nodes = [lab((c, m, y, k)) for c in grid for m in grid for y in grid for k in grid]
    table = bytes(
        round(v)
        for light, a, b in nodes
        for v in (light * 2.55, np.clip(a + 128, 0, 255), np.clip(b + 128, 0, 255))
    )
    ramp = bytes(range(256))
    unit = b"".join((65536 if at % 4 == 0 else 0).to_bytes(4, "big") for at in range(9))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, steps, 0]) + unit + ramp * 4 + table + ramp * 3
    white = b"XYZ \0\0\0\0" + b"".join(round(v * 65536).to_bytes(4, "big") for v in WHITE50)
    return tagged_profile(b"prtrCMYKLab ", {b"wtpt": white, b"A2B0": lut, b"A2B1": lut}), lab


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(kind):
    """Inks come out within ΔE 2 of the colours that their profile's table gives them."""
    profile, lab = ink_profile()
    inks = [(0, 0, 0, 0), (128, 64, 0, 0), (0, 96, 128, 0), (96, 0, 128, 32), (32, 32, 32, 96)]
    how = {"quality": 98, "icc_profile": profile} | ({"subsampling": 0} if kind == "JPEG" else {})

    picture = decode(io.BytesIO(encoded(patches(inks, "CMYK"), kind, **how)))

    labs = np.array([lab(np.round(np.array(each) / 31.875) / 8) for each in inks])
    expected = srgb_of(lab2xyz(labs, illuminant="D50"))
    plain = np.array(patches(inks, "CMYK").convert("RGB"))[8, 8::16]
    assert difference(expected, plain) > 5  # Pillow's own inversion is far from it
    assert difference(expected, seen(picture.image, len(inks))) <= 2


def test_display_p3_is_display_p3():
    """The profile that wide renditions carry is read as Display P3 by another library's eyes."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(DISPLAY_P3))
    assert ImageCms.getProfileDescription(profile).strip() == "Display P3"
    for (_, (x, y, _)), (wanted_x, wanted_y) in zip(
        (profile.profile.red_primary, profile.profile.green_primary, profile.profile.blue_primary),
        P3[1],
        strict=True,
    ):
        assert abs(x - wanted_x) < 0.003
        assert abs(y - wanted_y) < 0.003
    image = Image.new("RGB", (1, 1), (255, 255, 255))
    back = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"))
    assert min(back.getpixel((0, 0))) >= 254


@pytest.mark.parametrize("kind", ["webp", "avif", "jpeg"])
def test_wide_colours_are_kept_where_asked(kind):
    """A red beyond sRGB keeps its colour in wide renditions of every format, and in no others."""
    gamma, primaries = P3
    stored = [(235, 40, 30), (40, 200, 60), (128, 128, 128), (200, 150, 120)]
    data = encoded(patches(stored), "PNG", icc_profile=matrix_profile(gamma, primaries))
    xyz = (np.array(stored) / 255) ** gamma @ matrix_of(primaries).T
    sizes = (Size("large", 4000, 4000, 96),)

    wide = Recipe(sizes, more=() if kind == "webp" else (kind,), wide=True)
    (*_, rendition) = render(decode(io.BytesIO(data), wide=True), wide)
    with Image.open(io.BytesIO(rendition.data)) as image:
        assert image.info["icc_profile"] == DISPLAY_P3
        shown = seen(image.convert("RGB"), len(stored)) / 255
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    got = linear @ matrix_of(primaries).T
    labs = [xyz_to_lab(values) for values in (xyz, got)]
    assert deltaE_ciede2000(*labs).max() <= 3

    (plain, *_) = render(decode(io.BytesIO(data)), Recipe(sizes))
    with Image.open(io.BytesIO(plain.data)) as image:
        assert "icc_profile" not in image.info
    narrow = decode(io.BytesIO(encoded(patches(stored), "PNG")), wide=True)
    assert narrow.space == "srgb"


def xyz_to_lab(xyz):
    """CIE 1976 L*a*b* of D50 tristimulus values."""
    ratio = np.array(xyz) / WHITE50
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=-1
    )


@pytest.mark.parametrize("sharp", [False, True])
@pytest.mark.parametrize("period", [2.3, 3.1, 4.2, 5.3, 7.1, 9.3])
def test_downscaling_makes_no_moire(period, sharp):
    """Stripes too fine for a rendition become an even grey in it, not new stripes."""
    stripes = (127.5 + 120 * np.sin(2 * np.pi * np.arange(4800) / period)).astype(np.uint8)
    picture = Image.fromarray(np.repeat(stripes[None], 2400, axis=0)).convert("RGB")
    data = encoded(picture, quality=95, subsampling=0)
    recipe = Recipe(tuple(replace(size, quality=95) for size in Recipe().sizes), sharp=sharp)

    renditions = render(decode(io.BytesIO(data), largest=recipe.largest), recipe)

    tried = 0
    for rendition in renditions:
        scale = 4800 / rendition.width
        if period > 1.5 * scale:
            continue  # this one can show them
        with Image.open(io.BytesIO(rendition.data)) as image:
            tones = np.asarray(image.convert("L"), float)[5:-5, 5:-5]
        naive = picture.convert("L").resize(image.size, Image.Resampling.NEAREST)
        assert np.asarray(naive, float).std() > 60  # else the stripes would prove nothing
        assert tones.std() < (6 if sharp else 9), rendition.name
        tried += 1
    assert tried


def test_a_zone_plate_comes_out_as_from_all_pixels():
    """Of rings that become finer and finer a JPEG's rendition shows what an ideal filter leaves.

    A mean of pixels side by side, which is what a JPEG decodes to at half its size, leaves 22 steps
    of 255 of false rings.
    """
    width, height = 4000, 1200
    down, across = np.mgrid[0:height, 0:width]
    squared = (across - width / 2) ** 2 + (down - height / 2) ** 2
    rings = (127.5 + 127.5 * np.cos(np.pi * squared / width)).round().astype(np.uint8)
    picture = Image.fromarray(rings).convert("RGB")
    colour = encoded(picture, quality=95, subsampling=0)
    grey = encoded(picture.convert("L"), quality=95)
    for data in (colour, grey):
        recipe = Recipe((Size("large", 2048, 2048, 95),))
        (large,) = render(decode(io.BytesIO(data), largest=recipe.largest), recipe)

        with Image.open(io.BytesIO(large.data)) as image:
            shown = np.asarray(image.convert("L"), float)
        wanted = picture.convert("L").resize((2000, 600), Image.Resampling.LANCZOS)
        apart = (shown - np.asarray(wanted, float))[20:-20, 20:-20]
        assert np.sqrt((apart**2).mean()) < 9


def test_a_scaled_jpeg_keeps_its_colours():
    """Whatever a JPEG's colours are told by, at a half they are those of all its pixels."""
    picture = photograph("coffee").resize((1600, 1064))
    wanted = np.asarray(picture.resize((400, 266), Image.Resampling.LANCZOS), float)
    files = {
        "ycc": encoded(picture, quality=95),
        "rgb": encoded(picture, quality=95, keep_rgb=True),
        "exif only": without_jfif(encoded(picture, quality=95)),
    }
    for kind, data in files.items():
        image = decode(io.BytesIO(data), largest=400).image

        got = np.asarray(image.resize((400, 266), Image.Resampling.LANCZOS), float)
        assert np.abs(got - wanted).mean() < 3, kind


def without_jfif(data):
    """A JPEG without the mark that says what its three parts are, as cameras write it."""
    assert data[2:4] == b"\xff\xe0"
    return data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]


def test_downscaling_stays_sharp():
    """An edge in a rendition is no wider than two pixels, and not ringing beyond a little."""
    edge = np.full((900, 2400, 3), 40, np.uint8)
    edge[:, 1203:] = 210
    (small,) = render(
        decode(io.BytesIO(encoded(Image.fromarray(edge), "PNG"))),
        Recipe((Size("s", 400, 400, 95),)),
    )

    with Image.open(io.BytesIO(small.data)) as image:
        row = np.asarray(image.convert("L"), float)[75]
    between = ((row > 57) & (row < 193)).sum()
    assert between <= 2
    assert row.max() < 228
    assert row.min() > 22
