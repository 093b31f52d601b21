"""A folder of odd inputs: each bad one is named with its reason, and none breaks a page."""

import io
import zlib

import pytest
from PIL import Image

from .helpers import broken_links, encoded, photograph, plain, tree
from .test_raw import Tiff


def bomb():
    """A small file that announces 3.6 thousand million pixels."""
    data = bytearray(encoded(Image.new("1", (100, 100)), "PNG"))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


def sensor_only():
    """A RAW file without any preview."""
    tiff = Tiff()
    return tiff.done(tiff.ifd((271, "SONY"), (262, 32803), (273, tiff.block(bytes(4000)))))


JPEG = encoded(photograph("coffee"), quality=80)
BAD = {
    "empty.jpg": (b"", "empty file"),
    "text.jpg": (b"Dear diary", "text, not a picture"),
    "half.jpg": (JPEG[: len(JPEG) // 2], "truncated"),
    "header.png": (encoded(photograph("coffee"), "PNG")[:40], "PNG|truncated|damaged"),
    "half.webp": (encoded(photograph("coffee"), "WEBP")[:900], "WebP|truncated|damaged"),
    "half.gif": (encoded(photograph("coffee"), "GIF")[:900], "truncated|damaged"),
    "half.tif": (encoded(photograph("coffee"), "TIFF")[:900], "TIFF|truncated|damaged"),
    "half.heic": (encoded(photograph("coffee"), "HEIF")[:900], "HEIC|truncated|damaged"),
    "half.avif": (encoded(photograph("coffee"), "AVIF")[:900], "AVIF|truncated|damaged"),
    "clip.heic": (b"\0\0\0\x18ftypmp42" + bytes(900), "video"),
    "noise.bmp": (bytes(range(256)) * 9, "not a picture"),
    "bomb.png": (bomb(), "too large: 60000 x 60000"),
    "sensor.arw": (sensor_only(), "RAW file without a preview"),
    "zip.jpg": (b"PK\3\4" + bytes(300), "not a picture"),
}


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_each_bad_one_is_named(source, publish, options):
    """Every file that cannot be shown is named with its own reason, every time; all others hang."""
    good = {
        "good.jpg": JPEG,
        "mislabelled.jpg": encoded(photograph("chelsea"), "PNG"),
        "one-pixel.png": encoded(Image.new("RGB", (1, 1)), "PNG"),
        "thread.png": encoded(Image.new("RGB", (3000, 2)), "PNG"),
        "nonsense-exif.jpg": encoded(photograph("rocket"), exif=b"Exif\0\0II*\0\xff\xff\xff\x7fx"),
        "trailing.jpg": plain((9, 9, 200)) + b"and more behind it" * 50,
        "frames.gif": encoded(
            Image.new("RGB", (20, 20)),
            "GIF",
            save_all=True,
            append_images=[Image.new("RGB", (20, 20), (200, 9, 9))],
        ),
    }
    for name, data in good.items():
        with Image.open(io.BytesIO(data)) as image:
            source.add(f"odd/{name}", data, width=image.width, height=image.height)
    for name, (data, _) in BAD.items():
        source.add(f"odd/{name}", data, width=60, height=40)

    for _ in range(2):
        skipped = {skip.path: skip.reason for skip in publish().skipped}

        assert {f"odd/{name}" for name in BAD} == set(skipped)
        for name, (_, reason) in BAD.items():
            assert any(part in skipped[f"odd/{name}"] for part in reason.split("|")), (
                name,
                skipped[f"odd/{name}"],
            )
    assert broken_links(options.path) == []
    assert len(list((options.path / "photo").iterdir())) == len(good)
    pages = b"".join(data for name, data in tree(options.path).items() if name.endswith("html"))
    for name in BAD:
        assert name.encode() not in pages
